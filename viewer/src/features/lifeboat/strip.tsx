import { useEffect, useState, useSyncExternalStore } from 'react';
import { lifeboatMessages as text } from '../../shared/messages.lifeboat.en.ts';
import { Dialog } from '../../shared/ui/dialog.tsx';
import type { Visit } from './visit.ts';

const clockMs = 10_000;

/** On every page of lifeboat mode, always: that it is lifeboat mode, how old the list is, what does not work. */
export function LifeboatStrip(props: { visit: Visit; studies: readonly string[] }) {
  const { visit, studies } = props;
  useSyncExternalStore(visit.subscribe, () => visit.version);
  const [now, setNow] = useState(Date.now);
  const [limits, setLimits] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), clockMs);
    return () => clearInterval(timer);
  }, []);
  const { newestPieceAt } = visit;
  return (
    <>
      <div className="lifeboat-strip" role="status">
        <strong>{text.mode}</strong>
        <span>
          {text.banner} {newestPieceAt ? text.age(newestPieceAt, Math.max(now, Date.now())) : text.ageUnknown}
        </span>
        <button type="button" className="button" onClick={() => setLimits(true)}>
          {text.limits}
        </button>
      </div>
      {visit.forged && (
        <div className="banner banner-bad" role="alert">
          {text.forged}
        </div>
      )}
      {visit.lostEvents > 0 && (
        <div className="banner banner-bad" role="alert">
          {text.lostEvents(visit.lostEvents)}
        </div>
      )}
      {visit.problemsOf(studies).map((problem) => (
        <div key={problem} className="banner banner-bad" role="alert">
          {problem}
        </div>
      ))}
      {limits && (
        <Dialog title={text.limitsTitle} onClose={() => setLimits(false)}>
          <p>{text.works}</p>
          <ul>
            {text.limitsList.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <h2>{text.traceTitle}</h2>
          <p>{text.trace[visit.trace]}</p>
        </Dialog>
      )}
    </>
  );
}
