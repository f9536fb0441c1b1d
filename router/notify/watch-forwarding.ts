import type { Forwarding } from '../forward/forwarding.ts';
import type { NotifyEvent } from './outbox.ts';

const LOOK_MS = 30_000;
/** More of the same is told so often at most. */
const AGAIN_MS = 3_600_000;

/** Tells when images wait for a person, once, and again when there are more an hour later. @returns what ends it */
export function watchForwarding(
  forwarding: Pick<Forwarding, 'counts'>,
  notify: (event: NotifyEvent) => void,
  lookMs = LOOK_MS,
): () => void {
  const told = new Map<string, { count: number; at: number }>();
  const look = () => {
    for (const { name, person } of forwarding.counts()) {
      const before = told.get(name);
      if (person === 0) told.delete(name);
      else if (!before || (person > before.count && Date.now() - before.at > AGAIN_MS)) {
        told.set(name, { count: person, at: Date.now() });
        const images = person === 1 ? '1 image' : `${person} images`;
        notify({
          kind: 'needs-person',
          subject: `${images} for ${name} need a person`,
          text: `${name} will not take ${images} as ${person === 1 ? 'it is' : 'they are'}. Nothing is lost. Open IT, Forwarding: each is listed with the reason; mend the cause and try again, or give it up.`,
        });
      }
    }
  };
  const timer = setInterval(look, lookMs);
  look();
  return () => clearInterval(timer);
}
