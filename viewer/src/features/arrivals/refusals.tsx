import type { ArrivalRefusal } from '../../../../contract/api.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.arrivals;

/** What was refused, in the words the sender was told, and whether it was sent again since. */
export function Refusals(props: { rows: ArrivalRefusal[] }) {
  return (
    <section className="arrivals-refusals">
      <h2>{text.refusals}</h2>
      {props.rows.length === 0 && <p className="soft">{text.refusalsNone}</p>}
      {props.rows.length > 0 && (
        <table className="table">
          <tbody>
            {props.rows.map((row) => (
              <tr key={`${row.at} ${row.callingAE} ${row.sopInstanceUID} ${row.message}`}>
                <td className="arrivals-when">{formatInstant(row.at)}</td>
                <td>{row.callingAE}</td>
                <td>{row.message}</td>
                <td className={row.cameLater ? 'soft' : 'arrivals-missing'}>
                  {row.cameLater ? text.cameLater : text.stillMissing}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
