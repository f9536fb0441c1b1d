import type { NotifyEvent } from './outbox.ts';

const LOOK_MS = 60_000;

/**
 * Tells when images are found damaged or missing and are not mended within a minute; again when there are more.
 * @param open how many findings of the integrity checks are open
 * @returns what ends it
 */
export function watchIntegrity(open: () => number, notify: (event: NotifyEvent) => void, lookMs = LOOK_MS): () => void {
  let before = 0;
  let told = 0;
  const timer = setInterval(() => {
    const now = open();
    const lasting = Math.min(now, before);
    before = now;
    if (now === 0) told = 0;
    if (lasting <= told) return;
    told = lasting;
    notify({
      kind: 'integrity',
      subject: `${lasting} findings in the archive are open`,
      text: `The check of the archive found ${lasting} that are not mended. Open the page Integrity: it names the studies, what is wrong and how to repair it.`,
    });
  }, lookMs);
  return () => clearInterval(timer);
}
