import type { PlannedRemoval, RetentionPlan } from '../../../../contract/retention.ts';
import { request } from '../../shared/api/client.ts';
import { formatCount, formatDate, formatPersonName } from '../../shared/format.ts';
import { integrityMessages } from '../../shared/messages.integrity.en.ts';
import { retentionMessages as text } from '../../shared/messages.retention.en.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useAnswer, useCall } from './use-integrity.ts';

/** What the rules of retention would remove, and what they keep back: a dry run. Nothing is removed from here. */
export function RetentionSection() {
  const { value, failure, load } = useAnswer<RetentionPlan>('api/retention/plan');
  const { call, busy, failure: problem } = useCall();
  const make = () =>
    call(async () => {
      await request<RetentionPlan>('api/retention/plan', { method: 'POST' });
      await load();
      return '';
    });
  if (!value) return null;
  return (
    <section className="integrity-section">
      <h2>{text.planTitle}</h2>
      {[failure, problem].filter(Boolean).map((reason) => (
        <p key={reason} className="notice notice-bad">
          {integrityMessages.failed(reason)}
        </p>
      ))}
      <p className={value.state === 'failed' ? 'notice notice-bad' : ''}>{text.planState(value)}</p>
      {value.rules.length > 0 && (
        <ul>
          {value.rules.map((rule) => (
            <li key={rule.name}>{text.planRule(rule)}</li>
          ))}
        </ul>
      )}
      {value.state === 'done' && (
        <>
          <p>
            <strong>{text.planGoes(value.goes)}</strong> {text.planKept(value.keptBack)}
          </p>
          {value.examples.length > 0 && (
            <Planned rows={value.examples} all={value.goes.studies + value.keptBack.studies} />
          )}
          {value.goes.studies > 0 && <p className="soft">{text.planApply}</p>}
        </>
      )}
      {value.state !== 'none' && (
        <button
          type="button"
          className="button integrity-screen"
          disabled={busy || value.state === 'running'}
          onClick={() => void make()}
        >
          {value.state === 'running' ? text.planRunning(value.studiesLookedAt) : text.planMake}
        </button>
      )}
    </section>
  );
}

function Planned({ rows, all }: { rows: PlannedRemoval[]; all: number }) {
  const heads = text.planColumns;
  return (
    <>
      <table className="table integrity-table">
        <thead>
          <tr>
            {[heads.patient, heads.study, heads.images, heads.verdict].map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.studyInstanceUID}>
              <td>
                <strong>{formatPersonName(row.patientName) || integrityMessages.unknownPatient}</strong>
                <p>{row.patientID}</p>
              </td>
              <td>
                <p>{[formatDate(row.studyDate), row.studyDescription].filter(Boolean).join(' · ')}</p>
                <Link to={`./integrity?study=${row.studyInstanceUID}`}>{integrityMessages.hashes}</Link>
              </td>
              <td className="integrity-number">{formatCount(row.instances)}</td>
              <td>
                <span className={row.goes ? 'badge badge-warn' : 'badge badge-good'}>
                  {row.goes ? text.planGoesBadge : text.planKeptBadge}
                </span>
                <p>{text.planBecause(row)}</p>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {all > rows.length && <p className="soft">{text.planMore(rows.length, all)}</p>}
    </>
  );
}
