import { useEffect, useState } from 'react';
import { useStatus } from '../../shared/api/use-status.ts';
import { formatClock, formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { Refusals } from './refusals.tsx';
import { StudyTable } from './study-table.tsx';
import { useArrivals } from './use-arrivals.ts';
import { type SenderWarning, warningsOf } from './warnings.ts';
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

/** In red, for each sender of which something is not here. */
function Warning(props: { warning: SenderWarning }) {
  const { callingAE, missing, turnedAway } = props.warning;
  return (
    <div className="notice notice-bad arrivals-warning" role="alert">
      {missing > 0 && (
        <p>
          <strong>{text.refusedWarning(callingAE, missing)}</strong>
        </p>
      )}
      {turnedAway && (
        <p>
          <strong>{text.turnedAway(callingAE, turnedAway.times, formatInstant(turnedAway.lastAt))}</strong>{' '}
          {turnedAway.message}
        </p>
      )}
    </div>
  );
}

/** For modality staff: did my study arrive, is it complete, may it be deleted on the scanner? */
export default function ArrivalsPage() {
  const { query } = useLocation();
  const asked = Number(query.get('hours'));
  const hours = periods.includes(asked) ? asked : 24;
  const { answer, at, error, askedAt } = useArrivals(hours);
  const { status, reachable, heardAt } = useStatus();
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
  const warnings = warningsOf(refusals, rows);
  const heard = reachable && error === '';
  const choose = (sender: string) => {
    setAe(sender);
    remember(sender);
  };
  return (
    <div className="page">
      <h1>{text.title}</h1>
      <p className="soft arrivals-lead">{text.compare}</p>
      <div className="row arrivals-filters">
        <label className="row">
          <span className="soft">{text.sender}</span>
          <select
            className="input"
            aria-label={text.sender}
            value={ae}
            onChange={(event) => choose(event.target.value)}
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
      {!heard && (
        <p className="notice notice-bad" role="alert">
          {!reachable ? text.lost(formatClock(heardAt)) : text.failed(error)} {answer && text.stale(formatClock(at))}
        </p>
      )}
      {warnings.map((warning) => (
        <Warning key={warning.callingAE} warning={warning} />
      ))}
      {answer?.more && <p className="notice">{text.more}</p>}
      {!answer && heard && (
        <p className="arrivals-none" role="status">
          {text.loading(Math.max(0, Math.floor((now - askedAt) / 1000)))}
        </p>
      )}
      {rows.length > 0 && (
        <StudyTable
          rows={rows}
          now={Math.max(now, Date.now())}
          heard={heard}
          storeAway={status?.store.available === false}
          warnings={warnings}
        />
      )}
      {answer && rows.length === 0 && heard && (
        <div className="arrivals-none">
          <p>{ae ? text.noneFrom(ae) : text.none}</p>
          <p className="soft">{status && text.noneHint(status.aeTitle, location.hostname, status.dicomPort)}</p>
          {ae && (
            <button type="button" className="button" onClick={() => choose('')}>
              {text.showAll}
            </button>
          )}
        </div>
      )}
      {answer && <Refusals rows={refusals} />}
    </div>
  );
}
