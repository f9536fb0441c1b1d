import type { FindingRow, InstanceHashes, StudyHashes } from '../../../../contract/integrity.ts';
import { request } from '../../shared/api/client.ts';
import { formatCount, formatDate, formatInstant, formatPersonName } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { Link } from '../../shared/ui/link.tsx';
import { HoldSection } from './hold-card.tsx';
import { useAnswer, useCall } from './use-integrity.ts';

/** Every hash of one study, and what is known of each image. */
export function StudyPage({ uid }: { uid: string }) {
  const path = `api/integrity/studies/${encodeURIComponent(uid)}`;
  const { value, setValue, failure } = useAnswer<StudyHashes>(path, false);
  const { call, busy, failure: problem } = useCall();
  const readNow = () =>
    call(async () => {
      setValue(await request<StudyHashes>(`${path}/verify`, { method: 'POST' }));
      return '';
    });
  return (
    <>
      <p className="integrity-screen">
        <Link to="./integrity">{text.back}</Link>
      </p>
      <h1>{text.studyTitle}</h1>
      {[failure, problem].filter(Boolean).map((reason) => (
        <p key={reason} className="notice notice-bad">
          {reason}
        </p>
      ))}
      {!value && !failure && <p className="soft">{text.loading}</p>}
      {value && (
        <>
          <p>
            <strong>{formatPersonName(value.patientName) || text.unknownPatient}</strong> {value.patientID}
            {' · '}
            {[formatDate(value.studyDate), value.studyDescription].filter(Boolean).join(' · ')}
          </p>
          <p className="soft integrity-hash">{value.studyInstanceUID}</p>
          <div className="row integrity-actions">
            <button type="button" className="button button-primary" disabled={busy} onClick={() => void readNow()}>
              {busy ? text.reading : text.readNow}
            </button>
            <Link className="button" to={`./viewer?StudyInstanceUIDs=${uid}`}>
              {text.view}
            </Link>
            <button type="button" className="button" onClick={() => print()}>
              {text.print}
            </button>
            <span aria-live="polite">{read(value)}</span>
          </div>
          {value.findings.map((finding) => (
            <p key={finding.id} className="notice notice-bad">
              <strong>{finding.kind}</strong> {finding.text} <span className="integrity-hash">{finding.key}</span>
            </p>
          ))}
          <HoldSection uid={uid} />
          <Hashes instances={value.instances} />
        </>
      )}
    </>
  );
}

function read({ instances, checkedAt }: StudyHashes): string {
  if (!checkedAt) return text.notRead;
  return text.readAt(checkedAt, instances.filter(({ check }) => check === 'sound').length, instances.length);
}

function Hashes({ instances }: { instances: InstanceHashes[] }) {
  const heads = text.hashColumns;
  return (
    <table className="table integrity-table">
      <thead>
        <tr>
          {[heads.state, heads.image, heads.sha256, heads.size, heads.received].map((head) => (
            <th key={head}>{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {instances.map((instance) => (
          <tr key={instance.key}>
            <td>
              <State instance={instance} />
            </td>
            <td className="integrity-hash">{instance.sopInstanceUID}</td>
            <td className="integrity-hash">
              <p>{instance.sha256}</p>
              <p className="soft">{instance.dataSetSha256}</p>
            </td>
            <td className="integrity-number">{formatCount(instance.size)}</td>
            <td className="integrity-when">{formatInstant(instance.receivedAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function State({ instance }: { instance: InstanceHashes }) {
  const { check, superseded } = instance;
  const findings = instance.findings.filter(({ severity }: FindingRow) => severity !== 'note');
  return (
    <>
      {check && (
        <span
          className={
            check === 'sound' ? 'badge badge-good' : check === 'not-checked' ? 'badge badge-warn' : 'badge badge-bad'
          }
        >
          {text.checks[check]}
        </span>
      )}{' '}
      {superseded && <span className="badge">{text.superseded}</span>}
      {findings.map((finding) => (
        <p key={finding.id}>
          <span className="badge badge-bad">{finding.kind}</span> {finding.text}
        </p>
      ))}
    </>
  );
}
