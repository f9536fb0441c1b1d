import { useState } from 'react';
import type { ArrivalRefusal } from '../../../../contract/api.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.arrivals;
const SHOWN = 50;

/** What was refused, in the words the sender was told, and whether it was sent again since. */
export function Refusals(props: { rows: ArrivalRefusal[] }) {
  const [all, setAll] = useState(false);
  const { columns } = text;
  const rows = all ? props.rows : props.rows.slice(0, SHOWN);
  const became = (row: ArrivalRefusal) => {
    if (row.cameLater) return text.cameLater;
    return row.sopInstanceUID ? text.stillMissing : text.notOne;
  };
  return (
    <section className="arrivals-refusals">
      <h2>{text.refusals}</h2>
      {props.rows.length === 0 && <p className="soft">{text.refusalsNone}</p>}
      {props.rows.length > 0 && (
        <table className="table arrivals-table">
          <thead>
            <tr>
              <th>{columns.when}</th>
              <th>{columns.from}</th>
              <th>{columns.told}</th>
              <th>{columns.became}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same refusal can come twice in a millisecond
              <tr key={`${row.at} ${row.sopInstanceUID} ${index}`}>
                <td className="arrivals-when">{formatInstant(row.at)}</td>
                <td>
                  <bdi>{row.callingAE}</bdi>
                </td>
                <td>
                  <bdi>{row.message}</bdi>
                </td>
                <td className={row.cameLater ? 'soft' : 'arrivals-missing'}>{became(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length < props.rows.length && (
        <button type="button" className="button arrivals-all" onClick={() => setAll(true)}>
          {text.showAllRefusals(props.rows.length)}
        </button>
      )}
    </section>
  );
}
