import type { BackfillStatus } from '../../../../contract/backfill.ts';
import { request } from '../../shared/api/client.ts';
import { formatDate, formatPersonName } from '../../shared/format.ts';
import { historyMessages } from '../../shared/messages.history.en.ts';
import { ProgressBar } from '../../shared/ui/progress-bar.tsx';
import { BackfillForm } from './backfill-form.tsx';
import { ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const text = historyMessages.backfill;

function Cards({ status }: { status: BackfillStatus }) {
  const { plan, state } = status;
  if (!plan) return null;
  const time =
    state === 'done'
      ? text.ended(status.endedAt ?? '')
      : status.finishedAt
        ? text.finished(status.finishedAt)
        : text.noRate;
  const colour = state === 'done' ? 'it-card-good' : status.waitsFor || state === 'paused' ? 'it-card-warn' : '';
  return (
    <div className="it-cards">
      <section className={`it-card ${colour}`}>
        <h2>{text.cards.progress}</h2>
        <p className="it-value">{text.states[state]}</p>
        {status.waitsFor && <p className="it-warning">{text.waitsFor(status.waitsFor)}</p>}
        <ProgressBar
          done={status.imagesDone}
          all={status.images}
          label={text.images(status.imagesDone, status.images)}
        />
        {plan.via !== 'folder' && (
          <>
            <p>{text.studies(status.studiesDone, status.studies)}</p>
            <p>{text.asked(status.slicesDone, status.slices, status.at)}</p>
          </>
        )}
      </section>
      <section className="it-card">
        <h2>{text.cards.time}</h2>
        <p className="it-value">{status.ratePerS === null ? '–' : text.rate(status.ratePerS)}</p>
        <p>{time}</p>
      </section>
      <section className="it-card">
        <h2>{text.cards.plan}</h2>
        <p className="it-value">{text.plan(plan)}</p>
        <p>
          {text.orders[plan.order]}, {text.vias[plan.via]}
        </p>
        <p>{text.limits(plan)}</p>
      </section>
    </div>
  );
}

/** For administrators: fetching the history from the main PACS. */
export function BackfillTab() {
  const { value, failure, load } = useList<BackfillStatus>('api/backfill');
  const { act, problem, busy } = useAction(load);
  const send = (body: unknown) => act(() => request('api/backfill', { method: 'POST', body }));
  return (
    <>
      <p className="soft">{text.lead}</p>
      <Sentences failures={[failure, problem]} />
      {value && (
        <>
          <Cards status={value} />
          <div className="row it-pages">
            {value.state === 'running' && (
              <button type="button" className="button" disabled={busy} onClick={() => void send({ action: 'pause' })}>
                {text.pause}
              </button>
            )}
            {value.state === 'paused' && (
              <button
                type="button"
                className="button button-primary"
                disabled={busy}
                onClick={() => void send({ action: 'resume' })}
              >
                {text.resume}
              </button>
            )}
            {value.problems.length > 0 && (
              <button type="button" className="button" disabled={busy} onClick={() => void send({ action: 'retry' })}>
                {text.retry}
              </button>
            )}
            {value.priors > 0 && <span className="soft">{text.priors(value.priorsDone, value.priors)}</span>}
          </div>
          {value.plan && <h2 className="it-pages">{text.problems}</h2>}
          {value.plan && value.problems.length === 0 && <p className="soft">{text.noProblems}</p>}
          {value.problems.length > 0 && (
            <ListTable heads={text.problemHeads} empty={false}>
              {value.problems.map((row) => (
                <tr key={`${row.studyInstanceUID} ${row.studyDate} ${row.reason}`}>
                  <td>
                    <bdi>{formatPersonName(row.patientName)}</bdi> <span className="soft">{row.patientID}</span>
                  </td>
                  <td className="it-when">{formatDate(row.studyDate)}</td>
                  <td>{historyMessages.readiness.images(row.here ?? 0, row.expected)}</td>
                  <td>{row.attempts}</td>
                  <td>{row.reason}</td>
                </tr>
              ))}
            </ListTable>
          )}
          <BackfillForm status={value} busy={busy} onStart={(plan) => void send({ action: 'start', plan })} />
        </>
      )}
    </>
  );
}
