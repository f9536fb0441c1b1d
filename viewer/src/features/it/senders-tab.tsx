import { useState } from 'react';
import type { AeRow } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatCount, formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const text = pageMessages.it;
const heads = [
  text.newTitle,
  text.state,
  text.note,
  text.address,
  text.reportPort,
  text.lastSeen,
  text.rejected,
  text.actions,
];

/** Which AE titles may send; unknown ones that tried come first and are allowed with one click. */
export function SendersTab() {
  const { value, failure, load } = useList<AeRow[]>('api/aes');
  const { act, problem, busy } = useAction(load);
  const [title, setTitle] = useState('');
  const [note, setNote] = useState('');
  const [port, setPort] = useState('');
  const allow = (wanted: string, remark?: string, reportPort?: string) => {
    const body = { title: wanted, ...(remark && { note: remark }), ...(reportPort && { port: Number(reportPort) }) };
    return act(() => request('api/aes', { method: 'POST', body }));
  };
  const pending = (row: AeRow) => !row.allowed;
  const everyone = value?.some((row) => row.title === '*' && row.allowed);
  const rows = (value ?? [])
    .filter((row) => row.title !== '*')
    .sort((a, b) => Number(pending(b)) - Number(pending(a)) || a.title.localeCompare(b.title));
  return (
    <>
      <p className="soft">{everyone ? text.allowAny : text.sendersLead}</p>
      <Sentences failures={[failure, problem]} />
      <form
        className="it-form"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!(await allow(title.trim(), note.trim(), port.trim()))) return;
          setTitle('');
          setNote('');
          setPort('');
        }}
      >
        <label className="field">
          {text.newTitle}
          <input
            className="input"
            required
            maxLength={16}
            spellCheck={false}
            value={title}
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
        <label className="field">
          {text.note}
          <input className="input" maxLength={200} value={note} onChange={(event) => setNote(event.target.value)} />
        </label>
        <label className="field" title={text.reportPortHint}>
          {text.reportPort}
          <input
            className="input"
            inputMode="numeric"
            pattern="[0-9]{1,5}"
            maxLength={5}
            value={port}
            onChange={(event) => setPort(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={busy}>
          {text.addSender}
        </button>
      </form>
      {value && (
        <ListTable heads={heads} empty={rows.length === 0}>
          {rows.map((row) => (
            <tr key={row.title} className={pending(row) ? 'it-pending' : undefined}>
              <td>
                <strong>{row.title}</strong>
              </td>
              <td>
                <span className={pending(row) ? 'badge badge-warn' : 'badge badge-good'}>
                  {pending(row) ? text.waiting : text.allowed}
                </span>{' '}
                {row.origin === 'config' && <span className="soft">{text.byConfig}</span>}
              </td>
              <td>{row.note}</td>
              <td>{row.lastAddress}</td>
              <td>
                {row.port !== null && (row.host ? `${row.host}:${row.port}` : row.port)}
                {row.reports && (
                  <div className="soft">{text.reportsWaiting(row.reports.waiting, row.reports.message)}</div>
                )}
              </td>
              <td className="it-when">{formatInstant(row.lastSeenAt) || text.never}</td>
              <td>{row.rejected > 0 && formatCount(row.rejected)}</td>
              <td className="row">
                {pending(row) && (
                  <button
                    type="button"
                    className="button button-primary"
                    disabled={busy}
                    onClick={() => void allow(row.title)}
                  >
                    {text.allow}
                  </button>
                )}
                {row.allowed && row.origin !== 'config' && (
                  <AskButton
                    label={text.remove}
                    question={text.removeSender(row.title)}
                    disabled={busy}
                    onYes={() =>
                      void act(() => request(`api/aes/${encodeURIComponent(row.title)}`, { method: 'DELETE' }))
                    }
                  />
                )}
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
