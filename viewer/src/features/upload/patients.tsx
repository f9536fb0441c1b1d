import { useState } from 'react';
import { formatCount, formatDate, formatPersonName } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import type { PatientOnDisc } from './plan.ts';

const text = pageMessages.upload;

function Who(props: { patient: PatientOnDisc }) {
  const { patientName, patientID, patientBirthDate, key } = props.patient;
  if (key === '') return <span className="soft">{text.nobody}</span>;
  return (
    <>
      <strong dir="auto">{formatPersonName(patientName) || text.noName}</strong>
      <div className="soft">
        <bdi>{patientID}</bdi> {patientBirthDate && text.born(formatDate(patientBirthDate))}
      </div>
    </>
  );
}

/** Several patients are on the disc: nothing is sent before somebody has said whose images are meant. */
export function AskPatients(props: {
  patients: PatientOnDisc[];
  onSend: (keys: Set<string>) => void;
  onCancel: () => void;
}) {
  const [chosen, setChosen] = useState(() => new Set(props.patients.map(({ key }) => key)));
  const files = props.patients.reduce((sum, { key, files: n }) => sum + (chosen.has(key) ? n : 0), 0);
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    setChosen(next);
  };
  const known = props.patients.filter(({ key }) => key !== '').length;
  return (
    <section className="upload-ask">
      <h2>{text.several(known)}</h2>
      <p>{text.severalHint}</p>
      <table className="table">
        <thead>
          <tr>
            <th>{text.send}</th>
            <th>{text.patient}</th>
            <th>{text.studies}</th>
            <th>{text.files}</th>
          </tr>
        </thead>
        <tbody>
          {props.patients.map((patient) => (
            <tr key={patient.key}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`${text.send}: ${formatPersonName(patient.patientName) || text.nobody}`}
                  checked={chosen.has(patient.key)}
                  onChange={() => toggle(patient.key)}
                />
              </td>
              <td>
                <Who patient={patient} />
              </td>
              <td>{formatCount(patient.studies.size)}</td>
              <td>{formatCount(patient.files)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="row">
        <button
          type="button"
          className="button button-primary"
          disabled={files === 0}
          onClick={() => props.onSend(chosen)}
        >
          {text.sendFiles(files)}
        </button>
        <button type="button" className="button" onClick={props.onCancel}>
          {text.cancel}
        </button>
      </p>
    </section>
  );
}

/** Whose images are being sent or were sent. */
export function PatientLines(props: { patients: PatientOnDisc[] }) {
  const known = props.patients.filter(({ key }) => key !== '');
  if (known.length === 0) return null;
  return (
    <ul className="upload-patients">
      {known.map((patient) => (
        <li key={patient.key}>
          <Who patient={patient} />
        </li>
      ))}
    </ul>
  );
}
