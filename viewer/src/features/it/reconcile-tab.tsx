import { type FormEvent, useState } from 'react';
import type { ReconcileAnswer, ReconcileRun } from '../../../../contract/reconcile.ts';
import { request } from '../../shared/api/client.ts';
import { formatCount, formatInstant } from '../../shared/format.ts';
import { reconcileMessages as text } from '../../shared/messages.reconcile.en.ts';
import { ListTable, Sentences } from './parts.tsx';
import { ReconcileRunView } from './reconcile-run.tsx';
import { useAction, useList } from './use-list.ts';

export function badgeOf({ state, open }: ReconcileRun): string {
  if (state === 'held') return 'badge badge-bad';
  if (state !== 'done') return 'badge';
  return open > 0 ? 'badge badge-warn' : 'badge badge-good';
}

/** `received 12, delivered 12 …` in one line. */
function Result({ run }: { run: ReconcileRun }) {
  const { received, delivered, committed, open } = run;
  return (
    <>
      {formatCount(received)} {text.received}, {formatCount(delivered)} {text.delivered},{' '}
      {committed === null ? '' : `${formatCount(committed)} ${text.committed}, `}
      <strong>
        {formatCount(open)} {text.openCount}
      </strong>
    </>
  );
}

/** What was compared with a PACS, and the way to compare once more. */
export function ReconcileTab() {
  const { value, failure, load } = useList<ReconcileAnswer>('api/reconcile');
  const { act, problem, busy } = useAction(load);
  const [shown, setShown] = useState<number | null>(null);
  const [peer, setPeer] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  if (shown !== null) return <ReconcileRunView id={shown} onBack={() => setShown(null)} />;
  const peers = value?.peers ?? [];
  const start = (event: FormEvent) => {
    event.preventDefault();
    const body = { peer: peer || peers[0], from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    void act(() => request('api/reconcile', { method: 'POST', body }));
  };
  return (
    <>
      <p className="soft">{text.lead}</p>
      <Sentences failures={[failure, problem]} />
      {value?.runs.length === 0 && <p className="notice">{peers.length === 0 ? text.noPeers : text.none}</p>}
      {value && value.runs.length > 0 && (
        <ListTable heads={text.heads} empty={false}>
          {value.runs.map((run) => (
            <tr key={run.id}>
              <td>
                {text.span(formatInstant(run.from), formatInstant(run.to))}
                <div className="soft">{run.reason}</div>
              </td>
              <td className="it-uid">{run.peer}</td>
              <td>
                <span className={badgeOf(run)}>{text.runStates[run.state]}</span>
                {run.state !== 'done' && <div className="soft">{text.progress(run.compared, run.studies)}</div>}
                {run.message !== '' && <div className="soft">{run.message}</div>}
              </td>
              <td>
                <Result run={run} />
                <div className="soft">
                  {run.signedBy && run.signedAt
                    ? text.signed(run.signedBy, formatInstant(run.signedAt))
                    : text.notSigned}
                </div>
              </td>
              <td>
                <button type="button" className="button" onClick={() => setShown(run.id)}>
                  {text.open}
                </button>
              </td>
            </tr>
          ))}
        </ListTable>
      )}
      {peers.length > 0 && (
        <>
          <h2>{text.title}</h2>
          <form className="it-form" onSubmit={start}>
            <label>
              {text.peer}
              <select className="input" value={peer || peers[0]} onChange={(e) => setPeer(e.target.value)}>
                {peers.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
            <label>
              {text.from}
              <input
                className="input"
                type="datetime-local"
                required
                value={from}
                onChange={(e) => setFrom(e.target.value)}
              />
            </label>
            <label>
              {text.to}
              <input
                className="input"
                type="datetime-local"
                required
                value={to}
                onChange={(e) => setTo(e.target.value)}
              />
            </label>
            <button type="submit" className="button" disabled={busy}>
              {text.start}
            </button>
          </form>
        </>
      )}
    </>
  );
}
