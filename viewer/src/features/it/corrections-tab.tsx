import { type FormEvent, useState } from 'react';
import type { CorrectionRow, CorrectionsAnswer } from '../../../../contract/corrections.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant, formatPersonName } from '../../shared/format.ts';
import { correctionMessages as text } from '../../shared/messages.corrections.en.ts';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const EMPTY = { which: '', patientName: '', patientID: '', accessionNumber: '', why: '' };

function Destinations({ row }: { row: CorrectionRow }) {
  if (row.destinations.length === 0) return <span className="soft">{text.nobody}</span>;
  return row.destinations.map(({ name, owed, sent, confirmedAt, says }) => (
    <div key={name}>
      {text.sent(sent, owed, name)}
      <div className={confirmedAt ? 'soft' : 'it-warning'}>
        {confirmedAt ? text.confirmed(formatInstant(confirmedAt)) : says ? text.says(says) : text.waits}
      </div>
    </div>
  ));
}

/** Patients corrected by a person, and whether the PACS has taken it. */
export function CorrectionsTab() {
  const { value, failure, load } = useList<CorrectionsAnswer>('api/corrections');
  const { act, problem, busy } = useAction(load);
  const [by, setBy] = useState<'study' | 'merge'>('study');
  const [form, setForm] = useState(EMPTY);
  const field = (name: keyof typeof EMPTY, label: string, most: number, required = true) => (
    <label>
      {label}
      <input
        className="input"
        dir="auto"
        required={required}
        maxLength={most}
        value={form[name]}
        onChange={(event) => setForm({ ...form, [name]: event.target.value })}
      />
    </label>
  );
  const save = (event: FormEvent) => {
    event.preventDefault();
    const { which, accessionNumber, ...rest } = form;
    const body = {
      ...rest,
      ...(by === 'study' ? { studyInstanceUID: which.trim() } : { mergeFromPatientID: which.trim() }),
      ...(accessionNumber.trim() !== '' && { accessionNumber }),
    };
    void act(() => request('api/corrections', { method: 'POST', body })).then((worked) => worked && setForm(EMPTY));
  };
  return (
    <>
      <p className="soft">{text.lead}</p>
      <Sentences failures={[failure, problem]} />
      {value?.rows.length === 0 && <p className="notice">{text.none}</p>}
      {value && value.rows.length > 0 && (
        <ListTable heads={text.heads} empty={false}>
          {value.rows.map((row) => (
            <tr key={row.studyInstanceUID}>
              <td>
                <strong dir="auto">{formatPersonName(row.patientName)}</strong>{' '}
                <span className="soft">{row.patientID}</span>{' '}
                <a href={`./viewer?StudyInstanceUIDs=${encodeURIComponent(row.studyInstanceUID)}`}>{text.open}</a>
              </td>
              <td>
                <span dir="auto">{formatPersonName(row.original.patientName)}</span>{' '}
                <span className="soft">{row.original.patientID}</span>
              </td>
              <td>
                {row.why}
                <div className="soft">{text.by(row.by, formatInstant(row.at))}</div>
              </td>
              <td>
                <Destinations row={row} />
              </td>
              <td>
                <AskButton
                  label={text.back}
                  question={text.backQuestion}
                  disabled={busy}
                  onYes={() =>
                    void act(() =>
                      request(`api/corrections/${encodeURIComponent(row.studyInstanceUID)}`, {
                        method: 'DELETE',
                        body: { why: text.back },
                      }),
                    )
                  }
                />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
      <h2>{text.title}</h2>
      <form className="it-form" onSubmit={save}>
        <label>
          {text.which}
          <select className="input" value={by} onChange={(event) => setBy(event.target.value as 'study' | 'merge')}>
            <option value="study">{text.study}</option>
            <option value="merge">{text.merge}</option>
          </select>
        </label>
        {field('which', by === 'study' ? text.uid : text.from, 64)}
        {field('patientName', text.name, 64)}
        {field('patientID', text.id, 64)}
        {field('accessionNumber', text.accession, 16, false)}
        {field('why', text.why, 500)}
        <button type="submit" className="button" disabled={busy}>
          {text.save}
        </button>
      </form>
    </>
  );
}
