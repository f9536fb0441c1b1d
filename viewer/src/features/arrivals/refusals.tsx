import { useEffect, useState } from 'react';
import type { RefusalRow } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.arrivals;
const everyMs = 10_000;

/** What was refused lately, in the words the sender was told. */
export function Refusals(props: { ae: string; hours: number }) {
  const [rows, setRows] = useState<RefusalRow[] | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    const load = () =>
      request<RefusalRow[]>('api/refusals?limit=100').then(
        (answer) => {
          setRows(answer);
          setError('');
        },
        (failure: Error) => setError(failure.message),
      );
    void load();
    const timer = setInterval(load, everyMs);
    return () => clearInterval(timer);
  }, []);
  const since = new Date(Date.now() - props.hours * 3_600_000).toISOString();
  const shown = (rows ?? []).filter((row) => row.at >= since && (!props.ae || row.peer.split('@')[0] === props.ae));
  return (
    <section className="arrivals-refusals">
      <h2>{text.refusals}</h2>
      {error && <p className="notice notice-bad">{text.failed(error)}</p>}
      {rows && shown.length === 0 && <p className="soft">{text.refusalsNone}</p>}
      {shown.length > 0 && (
        <table className="table">
          <tbody>
            {shown.map((row) => (
              <tr key={`${row.at} ${row.peer} ${row.sopInstanceUID} ${row.code}`}>
                <td className="arrivals-when">{formatInstant(row.at)}</td>
                <td>{row.peer}</td>
                <td>{row.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
