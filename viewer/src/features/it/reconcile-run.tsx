import { useState } from 'react';
import type { ReconcileDecision, ReconcileDetail, ReconcileFinding } from '../../../../contract/reconcile.ts';
import { request } from '../../shared/api/client.ts';
import { formatCount, formatInstant, formatPersonName } from '../../shared/format.ts';
import { reconcileMessages as text } from '../../shared/messages.reconcile.en.ts';
import { ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const BADGES = { open: 'badge badge-bad', mending: 'badge', mended: 'badge badge-good', decided: 'badge badge-good' };

/** What a person says of a finding, and why. */
function Decide(props: {
  finding: ReconcileFinding;
  busy: boolean;
  decide: (what: ReconcileDecision, why: string) => void;
}) {
  const { finding, busy, decide } = props;
  const [why, setWhy] = useState('');
  return (
    <div className="reconcile-decide">
      <label>
        <span className="soft">{text.why}</span>
        <input className="input" maxLength={500} value={why} onChange={(e) => setWhy(e.target.value)} />
      </label>
      <div className="row">
        {finding.possible.map((what) => (
          <button
            key={what}
            type="button"
            className="button"
            disabled={busy || why.trim() === ''}
            onClick={() => decide(what, why.trim())}
          >
            {text.decisions[what]}
          </button>
        ))}
      </div>
    </div>
  );
}

function Row(props: {
  finding: ReconcileFinding;
  closed: boolean;
  busy: boolean;
  decide: (what: ReconcileDecision, why: string) => void;
}) {
  const { finding, closed, busy, decide } = props;
  const { kind, state, patientName, patientID, studyInstanceUID, studyDate, instances, words, decision, by, at, why } =
    finding;
  return (
    <tr>
      <td>
        <strong dir="auto">{formatPersonName(patientName)}</strong> <span className="soft">{patientID}</span>{' '}
        <a href={`./viewer?StudyInstanceUIDs=${encodeURIComponent(studyInstanceUID)}`}>{text.openStudy}</a>
        <div className="soft it-uid">
          {studyDate} {studyInstanceUID}
        </div>
      </td>
      <td>
        <strong>{text.kinds[kind]}</strong>
        {instances > 0 && `, ${text.instances(instances)}`}
        <div dir="auto">{words}</div>
      </td>
      <td>
        <span className={BADGES[state]}>{text.findingStates[state]}</span>
      </td>
      <td>
        {state === 'open' && !closed && <Decide finding={finding} busy={busy} decide={decide} />}
        {decision && by && at && (
          <div className="soft">{text.decision(decision, by, formatInstant(at), why ?? '')}</div>
        )}
      </td>
    </tr>
  );
}

/** One comparison: its numbers, its findings by patient with what is decided, the report. */
export function ReconcileRunView({ id, onBack }: { id: number; onBack: () => void }) {
  const path = `api/reconcile/${id}`;
  const { value, failure, load } = useList<ReconcileDetail>(path);
  const { act, problem, busy } = useAction(load);
  const [note, setNote] = useState('');
  const post = (where: string, body: unknown) => void act(() => request(`${path}/${where}`, { method: 'POST', body }));
  const run = value?.run;
  return (
    <>
      <p>
        <button type="button" className="button" onClick={onBack}>
          {text.back}
        </button>
      </p>
      <Sentences failures={[failure, problem]} />
      {run && (
        <>
          <h2>
            {run.peer}: {text.span(formatInstant(run.from), formatInstant(run.to))}
          </h2>
          <p className="soft">
            {run.reason}. {text.runStates[run.state]}, {text.progress(run.compared, run.studies)}
            {run.mended > 0 && `, ${text.mended(run.mended)}`}
            {run.decided > 0 && `, ${text.decided(run.decided)}`}. {run.message}
          </p>
          <dl className="reconcile-sums">
            {(
              [
                [text.received, formatCount(run.received)],
                [text.delivered, formatCount(run.delivered)],
                [text.committed, run.committed === null ? text.notAsked : formatCount(run.committed)],
                [text.openCount, formatCount(run.open)],
              ] as const
            ).map(([name, count]) => (
              <div key={name}>
                <dd>{count}</dd>
                <dt>{name}</dt>
              </div>
            ))}
          </dl>
          <div className="row">
            <a className="button" href={`./${path}/pdf`}>
              {text.pdf}
            </a>
            <a className="button" href={`./${path}/csv`}>
              {text.csv}
            </a>
            {run.state === 'done' && !run.signedAt && (
              <button type="button" className="button" disabled={busy} onClick={() => post('again', {})}>
                {text.again}
              </button>
            )}
          </div>
          {run.signedBy && run.signedAt && (
            <p className="notice">
              {text.signed(run.signedBy, formatInstant(run.signedAt))}
              {run.signedNote && `: ${run.signedNote}`}
            </p>
          )}
          {run.state === 'done' && !run.signedAt && run.open > 0 && (
            <p className="notice">{text.signFirst(run.open)}</p>
          )}
          {run.state === 'done' && !run.signedAt && run.open === 0 && (
            <form
              className="it-form"
              onSubmit={(event) => {
                event.preventDefault();
                post('sign', { note });
              }}
            >
              <label>
                {text.note}
                <input className="input" maxLength={500} value={note} onChange={(e) => setNote(e.target.value)} />
              </label>
              <button type="submit" className="button" disabled={busy}>
                {text.sign}
              </button>
            </form>
          )}
          <h3>{text.findings}</h3>
          {value.findings.length === 0 ? (
            run.state === 'done' && <p className="notice">{text.noFindings}</p>
          ) : (
            <ListTable heads={text.findingHeads} empty={false}>
              {value.findings.map((finding) => (
                <Row
                  key={finding.id}
                  finding={finding}
                  closed={run.signedAt !== null}
                  busy={busy}
                  decide={(decision, why) => post(`findings/${finding.id}`, { decision, why })}
                />
              ))}
            </ListTable>
          )}
          {value.more && <p className="soft">{text.notAll}</p>}
        </>
      )}
    </>
  );
}
