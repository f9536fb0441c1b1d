import { type FormEvent, useState } from 'react';
import type { OutageAnswer } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { outageMessages as text } from '../../shared/messages.outages.en.ts';
import { Commitment } from './forwarding-tab.tsx';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

/** The ledger of outages of the main PACS, and what is planned. */
export function OutagesTab() {
  const { value, failure, load } = useList<OutageAnswer>('api/outages');
  const { act, problem, busy } = useAction(load);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [note, setNote] = useState('');
  const plan = (event: FormEvent) => {
    event.preventDefault();
    const body = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), note };
    void act(() => request('api/outages/planned', { method: 'POST', body })).then((worked) => worked && setNote(''));
  };
  return (
    <>
      <p className="soft">{text.lead}</p>
      <Sentences failures={[failure, problem]} />
      {value?.outages.length === 0 && <p className="notice">{text.none}</p>}
      {value && value.outages.length > 0 && (
        <>
          <p>
            <a className="button" href="./api/outages/csv">
              {text.csv}
            </a>
          </p>
          <ListTable heads={text.heads} empty={false}>
            {value.outages.map((outage) => (
              <tr key={outage.id}>
                <td className="it-when">{formatInstant(outage.from)}</td>
                <td className="it-when">
                  {outage.to ? formatInstant(outage.to) : <span className="badge badge-bad">{text.goesOn}</span>}
                  {outage.planned !== null && <div className="soft">{text.planned(outage.planned)}</div>}
                </td>
                <td>
                  {outage.received.map(({ source, instances }) => (
                    <div key={source}>{text.received(instances, source)}</div>
                  ))}
                </td>
                <td className="it-uid">
                  {outage.owed.map(({ destination, instances }) => (
                    <div key={destination}>{text.owed(instances, destination)}</div>
                  ))}
                </td>
                <td>
                  {outage.looks.map(({ user, count }) => (
                    <div key={user}>{text.looks(count, user)}</div>
                  ))}
                </td>
                <td>
                  {outage.evidence.map(({ at, state, words }) => (
                    <div key={`${at} ${state}`} className="soft">
                      {formatInstant(at)} {state}: {words}
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </ListTable>
        </>
      )}
      {value && value.commitments.length > 0 && (
        <>
          <h2>{text.commitmentTitle}</h2>
          <p className="soft">{text.commitmentLead}</p>
          {value.commitments.map(({ destination, ...commitment }) => (
            <div key={destination}>
              <strong className="it-uid">{destination}</strong>
              <Commitment commitment={commitment} />
            </div>
          ))}
        </>
      )}
      <h2>{text.plannedTitle}</h2>
      <form className="it-form" onSubmit={plan}>
        <label>
          {text.from}
          <input
            className="input"
            type="datetime-local"
            required
            value={from}
            onChange={(e) => setFrom(e.target.value)}
          />
        </label>
        <label>
          {text.to}
          <input className="input" type="datetime-local" required value={to} onChange={(e) => setTo(e.target.value)} />
        </label>
        <label>
          {text.why}
          <input className="input" required maxLength={200} value={note} onChange={(e) => setNote(e.target.value)} />
        </label>
        <button type="submit" className="button" disabled={busy}>
          {text.plan}
        </button>
      </form>
      {value?.planned.length === 0 && <p className="soft">{text.plannedNone}</p>}
      {value && value.planned.length > 0 && (
        <ListTable heads={text.plannedHeads} empty={false}>
          {value.planned.map((planned) => (
            <tr key={planned.id}>
              <td className="it-when">{formatInstant(planned.from)}</td>
              <td className="it-when">{formatInstant(planned.to)}</td>
              <td>{planned.note}</td>
              <td>{planned.by}</td>
              <td className="row">
                <AskButton
                  label={text.remove}
                  question={text.removeQuestion}
                  disabled={busy}
                  onYes={() => void act(() => request(`api/outages/planned/${planned.id}`, { method: 'DELETE' }))}
                />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
