import type { RefusalRow } from '../../../../contract/api.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { ListTable, Sentences } from './parts.tsx';
import { useList } from './use-list.ts';

const text = pageMessages.it;

/** What was refused lately. */
export function RefusalsTab() {
  const { value, failure } = useList<RefusalRow[]>('api/refusals?limit=200');
  return (
    <>
      <p className="soft">{text.refusalsLead}</p>
      <Sentences failures={[failure]} />
      {value && (
        <ListTable heads={[text.when, text.channel, text.peer, text.reason, text.code]} empty={value.length === 0}>
          {value.map((row) => (
            <tr key={`${row.at} ${row.peer} ${row.code} ${row.sopInstanceUID}`}>
              <td className="it-when">{formatInstant(row.at)}</td>
              <td>{row.channel}</td>
              <td>{row.peer}</td>
              <td>
                {row.message}
                {row.sopInstanceUID && <div className="soft">{row.sopInstanceUID}</div>}
              </td>
              <td className="soft">{row.code}</td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
