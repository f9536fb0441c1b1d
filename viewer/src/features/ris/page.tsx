import { useEffect, useState } from 'react';
import type { RisState, ScheduleAnswer, ScheduleFields, ScheduleRow, StepsOwed } from '../../../../contract/ris.ts';
import { request } from '../../shared/api/client.ts';
import { useAction, useList } from '../../shared/api/use-list.ts';
import { formatAgo, formatInstant } from '../../shared/format.ts';
import { risMessages as text } from '../../shared/messages.ris.en.ts';
import { AskButton, Sentences } from '../../shared/ui/asking.tsx';
import { Dialog } from '../../shared/ui/dialog.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { type FormKind, ScheduleForm } from './schedule-form.tsx';
import { ScheduleTable } from './schedule-table.tsx';
import { UnscheduledList } from './unscheduled-list.tsx';
import './ris.css';

/** Local day as YYYYMMDD. */
function dayOf(plusDays: number): string {
  const day = new Date();
  day.setDate(day.getDate() + plusDays);
  return formatInstant(day.toISOString()).slice(0, 10).replaceAll('-', '');
}

/** Whether scanners get what the RIS says now, or what it said when. */
function RisNotice({ ris, now }: { ris: RisState; now: number }) {
  if (ris.address === null) return <p className="notice">{text.none}</p>;
  if (ris.state === 'not asked yet') return <p className="notice">{text.notYet}</p>;
  if (ris.state === 'answers') return <p className="notice">{text.answers(formatAgo(ris.answeredAt, now))}</p>;
  return (
    <div className="notice notice-warn" role="alert">
      <strong>
        {ris.answeredAt ? text.away(formatInstant(ris.answeredAt), formatAgo(ris.answeredAt, now)) : text.awayNever}
      </strong>
      <div>{text.trouble(ris.trouble)}</div>
    </div>
  );
}

function Steps(props: { steps: StepsOwed[]; busy: boolean; onAct: (destination: string, action: string) => void }) {
  if (props.steps.length === 0) return null;
  return (
    <section className="ris-section">
      <h2>{text.stepsTitle}</h2>
      {props.steps.map(({ destination, waiting, person, sent, trouble }) => (
        <div key={destination} className="row ris-steps">
          <span>{text.stepsLine(destination, waiting, sent)}</span>
          {person > 0 && <span className="badge badge-bad">{text.stepsPerson(person)}</span>}
          {trouble && <span className="soft">{text.trouble(trouble)}</span>}
          {waiting + person > 0 && (
            <button
              type="button"
              className="button"
              disabled={props.busy}
              onClick={() => props.onAct(destination, 'retry')}
            >
              {text.retry}
            </button>
          )}
          {person > 0 && (
            <AskButton
              label={text.skip}
              question={text.skipQuestion}
              disabled={props.busy}
              onYes={() => props.onAct(destination, 'skip')}
            />
          )}
        </div>
      ))}
    </section>
  );
}

/** For modality staff: whom scanners are told of, also while the RIS is away. */
export default function RisPage() {
  const [day, setDay] = useState(() => dayOf(0));
  const [words, setWords] = useState('');
  const [form, setForm] = useState<{ kind: FormKind; row?: ScheduleRow } | null>(null);
  const [now, setNow] = useState(Date.now);
  const { value, failure, load } = useList<ScheduleAnswer>(`api/schedule?from=${day}&to=${day}`);
  const { act, problem, busy } = useAction(load);
  useTitle(text.title);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = (value?.rows ?? []).filter((row) => {
    const all = [
      row.patientName,
      row.patientID,
      row.accessionNumber,
      row.stationAETitle,
      row.modality,
      row.description,
    ];
    return wanted.every((word) => all.join(' ').toLowerCase().includes(word));
  });
  const save = async (fields: Partial<ScheduleFields>, note: string) => {
    const { kind, row } = form!;
    const call =
      kind === 'change'
        ? () => request(`api/schedule/${row!.id}`, { method: 'PATCH', body: { fields } })
        : () =>
            request('api/schedule', { method: 'POST', body: { unscheduled: kind === 'unscheduled', fields, note } });
    if (await act(call)) setForm(null);
  };
  return (
    <div className="page">
      <h1>{text.title}</h1>
      <p className="soft">{text.lead}</p>
      {value && <RisNotice ris={value.ris} now={Math.max(now, Date.now())} />}
      {!form && <Sentences failures={[failure, problem]} />}
      <div className="row ris-bar">
        <button type="button" className="button" aria-pressed={day === dayOf(0)} onClick={() => setDay(dayOf(0))}>
          {text.today}
        </button>
        <button type="button" className="button" aria-pressed={day === dayOf(1)} onClick={() => setDay(dayOf(1))}>
          {text.tomorrow}
        </button>
        <input
          className="input"
          type="date"
          aria-label={text.day}
          value={`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`}
          onChange={(event) => event.target.value && setDay(event.target.value.replaceAll('-', ''))}
        />
        <input
          className="input ris-filter"
          type="search"
          aria-label={text.filter}
          placeholder={text.filter}
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        {value && <span className="soft">{text.count(rows.length, value.rows.length)}</span>}
        <span className="ris-space" />
        <button type="button" className="button button-primary" onClick={() => setForm({ kind: 'unscheduled' })}>
          {text.newUnscheduled}
        </button>
        <button type="button" className="button" onClick={() => setForm({ kind: 'entry' })}>
          {text.newEntry}
        </button>
      </div>
      {value && rows.length === 0 && <p className="soft ris-empty">{text.empty}</p>}
      {rows.length > 0 && (
        <ScheduleTable
          rows={rows}
          busy={busy}
          onChange={(row) => setForm({ kind: 'change', row })}
          onUndo={(row) => void act(() => request(`api/schedule/${row.id}`, { method: 'DELETE' }))}
        />
      )}
      {value && (
        <UnscheduledList
          rows={value.unscheduled}
          busy={busy}
          onMatch={(id, to) =>
            void act(() => request(`api/schedule/unscheduled/${id}`, { method: 'POST', body: { to } }))
          }
        />
      )}
      {value && (
        <Steps
          steps={value.steps}
          busy={busy}
          onAct={(destination, action) =>
            void act(() => request('api/schedule/steps', { method: 'POST', body: { destination, action } }))
          }
        />
      )}
      {form && (
        <Dialog
          title={{ unscheduled: text.newUnscheduled, entry: text.newEntry, change: text.change }[form.kind]}
          wide
          onClose={() => setForm(null)}
        >
          <Sentences failures={[problem]} />
          <ScheduleForm
            kind={form.kind}
            day={day}
            row={form.row}
            busy={busy}
            onSave={(fields, note) => void save(fields, note)}
            onCancel={() => setForm(null)}
          />
        </Dialog>
      )}
    </div>
  );
}
