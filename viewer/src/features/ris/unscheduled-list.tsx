import { type FormEvent, useState } from 'react';
import type { UnscheduledRow } from '../../../../contract/ris.ts';
import { formatCount, formatInstant, formatPersonName } from '../../shared/format.ts';
import { risMessages as text } from '../../shared/messages.ris.en.ts';

function MatchForm(props: { busy: boolean; onMatch: (to: string) => void }) {
  const [to, setTo] = useState('');
  const send = (event: FormEvent) => {
    event.preventDefault();
    props.onMatch(to.trim());
  };
  return (
    <form className="row" onSubmit={send}>
      <input
        className="input"
        required
        maxLength={200}
        aria-label={text.belongsTo}
        placeholder={text.belongsTo}
        value={to}
        onChange={(event) => setTo(event.target.value)}
      />
      <button type="submit" className="button" disabled={props.busy}>
        {text.match}
      </button>
    </form>
  );
}

/** Studies made under a temporary ID, until somebody has said to whom each belongs. */
export function UnscheduledList(props: {
  rows: UnscheduledRow[];
  busy: boolean;
  onMatch: (id: number, to: string) => void;
}) {
  return (
    <section className="ris-section">
      <h2>{text.unscheduledTitle}</h2>
      <p className="soft">{props.rows.length === 0 ? text.unscheduledNone : text.unscheduledLead}</p>
      {props.rows.length > 0 && (
        <table className="table ris-table">
          <thead>
            <tr>
              {text.unscheduledColumns.map((head) => (
                <th key={head}>{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {props.rows.map((row) => (
              <tr key={row.id}>
                <td className="ris-time">
                  {formatInstant(row.at)}
                  <div className="soft">{row.by}</div>
                </td>
                <td>
                  <strong dir="auto">{formatPersonName(row.patientName)}</strong> {row.modality}
                </td>
                <td className="ris-code">{row.patientID}</td>
                <td className="ris-code">{row.accessionNumber}</td>
                <td>{formatCount(row.images)}</td>
                <td>{row.note}</td>
                <td>
                  {row.resolvedAt ? (
                    text.matched(row.resolvedTo ?? '', row.resolvedBy ?? '', formatInstant(row.resolvedAt))
                  ) : (
                    <MatchForm busy={props.busy} onMatch={(to) => props.onMatch(row.id, to)} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
