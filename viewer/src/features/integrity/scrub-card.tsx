import type { ScrubState } from '../../../../contract/integrity.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { ProgressBar } from '../../shared/ui/progress-bar.tsx';
import { Card } from './card.tsx';

/** How the router's own reading of the archive is getting on. */
export function ScrubCard({ scrub }: { scrub: ScrubState }) {
  const { state, reason, pass, nextAt } = scrub;
  return (
    <Card title={text.scrub} level={state === 'off' ? 'warn' : ''} value={text.scrubStates[state]}>
      {reason && <p>{reason}</p>}
      {pass && <ProgressBar done={pass.progress} all={1} label={text.scrubProgress(pass.sound)} />}
      {nextAt && state === 'waiting' && <p>{text.scrubNext(nextAt)}</p>}
      {state !== 'off' && <p className="soft">{text.scrubRate(scrub)}</p>}
    </Card>
  );
}
