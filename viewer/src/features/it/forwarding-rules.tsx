import { useState } from 'react';
import type { ForwardingTrial, ForwardingRules as Rules } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { rulesMessages as text } from '../../shared/messages.outages.en.ts';
import { ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

/** The forwarding file: read, tried against a study, saved. */
export function ForwardingRules() {
  const { value, failure, load } = useList<Rules>('api/forwarding/rules', { live: false });
  const { act, problem, done, busy } = useAction(load);
  const [draft, setDraft] = useState<string | null>(null);
  const [study, setStudy] = useState('');
  const [trial, setTrial] = useState<ForwardingTrial | null>(null);
  if (!value) return <Sentences failures={[failure]} />;
  const content = draft ?? value.text;
  const tryIt = () =>
    void act(async () => {
      setTrial(null);
      const body = { studyInstanceUID: study.trim(), text: content };
      setTrial(await request<ForwardingTrial>('api/forwarding/try', { method: 'POST', body }));
    });
  const save = () =>
    void act(() => request('api/forwarding/rules', { method: 'PUT', body: { text: content } }), text.saved).then(
      (worked) => worked && setDraft(null),
    );
  return (
    <section aria-label={text.title}>
      <h2>{text.title}</h2>
      <p className="soft it-uid">{text.lead(value.file)}</p>
      <label>
        {text.label}
        <textarea
          className="input it-rules"
          rows={14}
          spellCheck={false}
          value={content}
          onChange={(event) => setDraft(event.target.value)}
        />
      </label>
      <Sentences failures={[failure, problem]} done={done} />
      <div className="it-form">
        <label>
          {text.study}
          <input className="input" value={study} maxLength={64} onChange={(event) => setStudy(event.target.value)} />
        </label>
        <button type="button" className="button" disabled={busy || study.trim() === ''} onClick={tryIt}>
          {text.tryIt}
        </button>
        <button type="button" className="button" disabled={busy || draft === null} onClick={save}>
          {text.save}
        </button>
      </div>
      {trial && (
        <>
          <p>{text.result(trial.images, trial.nowhere)}</p>
          <ListTable heads={text.heads} empty={trial.ways.length === 0}>
            {trial.ways.map((way) => (
              <tr key={JSON.stringify(way)}>
                <td className="it-uid">{way.destination}</td>
                <td>{way.images}</td>
                <td>{way.priority}</td>
                <td>{way.rules.join(', ') || text.everything}</td>
                <td>
                  {way.changes.length === 0 && text.unchanged}
                  {way.changes.map(({ tag, keyword, before, after }) => (
                    <div key={tag} dir="auto">
                      {text.change(keyword || tag, before, after)}
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </ListTable>
        </>
      )}
    </section>
  );
}
