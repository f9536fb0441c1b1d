import { type FormEvent, useState } from 'react';
import type { ScheduleFields, ScheduleRow } from '../../../../contract/ris.ts';
import { risMessages as text } from '../../shared/messages.ris.en.ts';

export type FormKind = 'unscheduled' | 'entry' | 'change';

/** Which fields each form asks for. */
const asked: Record<FormKind, (keyof ScheduleFields)[]> = {
  unscheduled: ['patientName', 'patientBirthDate', 'patientSex', 'modality', 'stationAETitle', 'description'],
  entry: [
    'patientName',
    'patientID',
    'patientBirthDate',
    'patientSex',
    'accessionNumber',
    'modality',
    'stationAETitle',
    'startDate',
    'startTime',
    'description',
  ],
  change: [
    'patientName',
    'patientID',
    'patientBirthDate',
    'patientSex',
    'accessionNumber',
    'modality',
    'stationAETitle',
    'startDate',
    'startTime',
    'description',
  ],
};
const needed: Record<FormKind, (keyof ScheduleFields)[]> = {
  unscheduled: ['modality'],
  entry: ['patientName', 'patientID', 'modality', 'startDate', 'startTime'],
  change: ['startDate', 'startTime'],
};
const lengths: Partial<Record<keyof ScheduleFields, number>> = {
  patientBirthDate: 8,
  accessionNumber: 16,
  modality: 16,
  stationAETitle: 16,
  startDate: 8,
  startTime: 6,
};
const leads: Record<FormKind, string> = {
  unscheduled: text.formUnscheduled,
  entry: text.formEntry,
  change: text.formChange,
};

/** An entry of the worklist as a form. Only what was changed is handed on. */
export function ScheduleForm(props: {
  kind: FormKind;
  day: string;
  row?: ScheduleRow;
  busy: boolean;
  onSave: (fields: Partial<ScheduleFields>, note: string) => void;
  onCancel: () => void;
}) {
  const { kind, row } = props;
  const [given, setGiven] = useState<Partial<ScheduleFields>>(() => ({
    ...(kind === 'entry' && { startDate: props.day, startTime: '' }),
  }));
  const [note, setNote] = useState('');
  const shown = (name: keyof ScheduleFields) => given[name] ?? row?.[name] ?? '';
  const set = (name: keyof ScheduleFields, value: string) =>
    setGiven({ ...given, [name]: name === 'modality' ? value.toUpperCase() : value });
  const save = (event: FormEvent) => {
    event.preventDefault();
    const fields = Object.fromEntries(
      Object.entries(given).filter(([name, value]) => value !== (row?.[name as keyof ScheduleFields] ?? '')),
    );
    props.onSave(fields, note);
  };
  return (
    <form onSubmit={save}>
      <p className="soft">{leads[kind]}</p>
      <div className="ris-fields">
        {asked[kind].map((name) => (
          <label className="field" key={name} htmlFor={`ris-${name}`}>
            {text.fields[name]}
            {name === 'patientSex' ? (
              <select
                id={`ris-${name}`}
                className="input"
                value={shown(name)}
                onChange={(event) => set(name, event.target.value)}
              >
                {Object.entries(text.sexes).map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            ) : (
              <input
                id={`ris-${name}`}
                className="input"
                required={needed[kind].includes(name)}
                maxLength={lengths[name] ?? 64}
                spellCheck={false}
                autoComplete="off"
                dir="auto"
                value={shown(name)}
                onChange={(event) => set(name, event.target.value)}
              />
            )}
          </label>
        ))}
        {kind === 'unscheduled' && (
          <label className="field ris-note">
            {text.note}
            <input className="input" maxLength={500} value={note} onChange={(event) => setNote(event.target.value)} />
          </label>
        )}
      </div>
      <div className="row ris-buttons">
        <button type="submit" className="button button-primary" disabled={props.busy}>
          {text.save}
        </button>
        <button type="button" className="button" onClick={props.onCancel}>
          {text.cancel}
        </button>
      </div>
    </form>
  );
}
