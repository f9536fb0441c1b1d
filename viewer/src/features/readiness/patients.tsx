import type { Readiness, ReadinessList, ReadinessPatient, ReadinessStudy } from '../../../../contract/backfill.ts';
import { formatPersonName, formatTime } from '../../shared/format.ts';
import { historyMessages } from '../../shared/messages.history.en.ts';

const text = historyMessages.readiness;
const OPEN_SHOWN = 4;

export const stateClass: Record<Readiness, string> = {
  complete: 'badge badge-good',
  partial: 'badge badge-warn',
  missing: 'badge badge-bad',
  unknown: 'badge',
};

export function OpenStudy({ study }: { study: ReadinessStudy }) {
  return (
    <div className="readiness-open">
      <bdi>{text.study(study.studyDate, study.modalities.join(' '), study.description)}</bdi>:{' '}
      <strong>{text.images(study.here, study.expected)}</strong> <span className="soft">{study.reason}</span>
    </div>
  );
}

function Patient({ patient }: { patient: ReadinessPatient }) {
  const open = patient.studies.filter(({ state }) => state !== 'complete');
  return (
    <tr>
      <td className="readiness-time">
        {patient.appointments.map(({ starts }) => (
          <div key={starts}>{formatTime(starts.slice(8)) || text.noTime}</div>
        ))}
      </td>
      <td>
        <strong dir="auto">{formatPersonName(patient.patientName)}</strong>
        <div className="soft">
          <bdi>{patient.patientID}</bdi>
        </div>
      </td>
      <td>
        {patient.appointments.map((one) => (
          <div key={`${one.starts} ${one.modality} ${one.description}`}>
            {one.modality} <bdi>{one.description}</bdi>
          </div>
        ))}
      </td>
      <td>
        <span className={stateClass[patient.state]}>{text.states[patient.state]}</span>
      </td>
      <td className="readiness-time">
        {patient.studies.length - open.length} / {patient.studies.length}
      </td>
      <td>
        {open.length === 0 && <span className="soft">{patient.reason}</span>}
        {open.slice(0, OPEN_SHOWN).map((study) => (
          <OpenStudy key={study.studyInstanceUID} study={study} />
        ))}
        {open.length > OPEN_SHOWN && <div className="soft">{text.more(open.length - OPEN_SHOWN)}</div>}
      </td>
    </tr>
  );
}

/** The patients of one day, those who are not ready first. */
export function PatientList(props: { list: ReadinessList; when: string }) {
  const { day, patients } = props.list;
  return (
    <section className="readiness-section">
      <h2>{text.listTitle(day, props.when)}</h2>
      {patients.length === 0 ? (
        <p className="soft">{text.nobody}</p>
      ) : (
        <table className="table readiness-table">
          <thead>
            <tr>
              {text.columns.map((head) => (
                <th key={head}>{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {patients.map((patient) => (
              <Patient key={`${patient.patientID} ${patient.patientName}`} patient={patient} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
