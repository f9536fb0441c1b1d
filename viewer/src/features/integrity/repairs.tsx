import type { RepairRow } from '../../../../contract/integrity.ts';
import { formatInstant } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';

/** What was repaired, from where, when and by whom. */
export function Repairs({ rows }: { rows: RepairRow[] }) {
  const heads = text.repairColumns;
  return (
    <section className="integrity-section">
      <h2>{text.repairsTitle}</h2>
      {rows.length === 0 ? (
        <p className="soft">{text.repairsNone}</p>
      ) : (
        <table className="table integrity-table">
          <thead>
            <tr>
              {[heads.when, heads.what, heads.outcome, heads.from, heads.by, heads.detail].map((head) => (
                <th key={head}>{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.at} ${row.key}`}>
                <td className="integrity-when">{formatInstant(row.at)}</td>
                <td>
                  <strong>{row.kind}</strong>
                  <p className="integrity-hash">{row.key}</p>
                </td>
                <td>
                  <span className={row.outcome === 'repaired' ? 'badge badge-good' : 'badge badge-bad'}>
                    {text.outcome[row.outcome]}
                  </span>
                </td>
                <td>{row.source}</td>
                <td>{row.by}</td>
                <td className="soft">{row.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
