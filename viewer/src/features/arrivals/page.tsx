import { useEffect, useState } from 'react';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { Refusals } from './refusals.tsx';
import { StudyTable } from './study-table.tsx';
import { useArrivals } from './use-arrivals.ts';
import './arrivals.css';

const text = pageMessages.arrivals;
const periods = [1, 4, 12, 24, 72];
const rememberedKey = 'lifeboat.arrivals.ae';
const clockMs = 1000;

/** The sender this workplace looks at; a browser that keeps nothing shows all. */
function remembered(): string {
  try {
    return localStorage.getItem(rememberedKey) ?? '';
  } catch {
    return '';
  }
}

function remember(ae: string): void {
  try {
    localStorage.setItem(rememberedKey, ae);
  } catch {
    return;
  }
}

/** For modality staff: did my study arrive, is it complete, may it be deleted on the scanner? */
export default function ArrivalsPage() {
  const { query } = useLocation();
  const asked = Number(query.get('hours'));
  const hours = periods.includes(asked) ? asked : 24;
  const { answer, at, error } = useArrivals(hours);
  const [ae, setAe] = useState(remembered);
  const [now, setNow] = useState(Date.now);
  useTitle(text.title);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), clockMs);
    return () => clearInterval(timer);
  }, []);
  const sendersOf = (callingAE: string) => callingAE.split(', ').filter(Boolean);
  const senders = [
    ...new Set([
      ae,
      ...(answer?.rows ?? []).flatMap((row) => sendersOf(row.callingAE)),
      ...(answer?.refusals ?? []).map(({ callingAE }) => callingAE),
    ]),
  ]
    .filter(Boolean)
    .sort();
  const rows = (answer?.rows ?? []).filter((row) => !ae || sendersOf(row.callingAE).includes(ae));
  const refusals = (answer?.refusals ?? []).filter((refusal) => !ae || refusal.callingAE === ae);
  const missing = new Map<string, number>();
  for (const { callingAE, cameLater } of refusals)
    if (!cameLater) missing.set(callingAE, (missing.get(callingAE) ?? 0) + 1);
  return (
    <div className="page">
      <h1>{text.title}</h1>
      <p className="soft arrivals-lead">
        {text.lead} {text.compare}
      </p>
      <div className="row arrivals-filters">
        <label className="row">
          <span className="soft">{text.sender}</span>
          <select
            className="input"
            aria-label={text.sender}
            value={ae}
            onChange={(event) => {
              setAe(event.target.value);
              remember(event.target.value);
            }}
          >
            <option value="">{text.all}</option>
            {senders.map((sender) => (
              <option key={sender}>{sender}</option>
            ))}
          </select>
        </label>
        <fieldset className="arrivals-periods" aria-label={text.period}>
          {periods.map((period) => (
            <button
              key={period}
              type="button"
              className="button"
              aria-pressed={period === hours}
              onClick={() => navigate(`./arrivals?hours=${period}`, { replace: true })}
            >
              {text.hours(period)}
            </button>
          ))}
        </fieldset>
      </div>
      {error && (
        <p className="notice notice-bad">{answer ? text.stale(error, formatInstant(at)) : text.failed(error)}</p>
      )}
      {[...missing].map(([sender, count]) => (
        <p key={sender} className="notice notice-bad" role="alert">
          <strong>{text.refusedWarning(sender, count)}</strong>
        </p>
      ))}
      {answer?.more && <p className="notice">{text.more}</p>}
      {rows.length > 0 && <StudyTable rows={rows} now={Math.max(now, Date.now())} />}
      {answer && rows.length === 0 && !error && <p className="arrivals-none">{text.none}</p>}
      {answer && <Refusals rows={refusals} />}
    </div>
  );
}
