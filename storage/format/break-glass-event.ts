/** Traces that people leave in lifeboat mode, documented in storage/README.md. Runs in the browser too. */
import type { BreakGlassEvent } from '../../contract/lifeboat.ts';

export const BREAK_GLASS = 'lifeboat/break-glass/';
/** Longer texts are cut: nobody's browser may fill the audit trail. */
export const EVENT_TEXT = 500;

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID (https://github.com/ulid/spec) made in the browser. */
export function browserUlid(nowMs = Date.now()): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = crockford[rest % 32] + time;
  return time + [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => crockford[byte % 32]).join('');
}

/** An event with its key. @param what everything but the envelope of every event */
export function breakGlassEvent(
  what: Omit<BreakGlassEvent, 'lifeboat' | 'formatVersion' | 'id' | 'at'>,
  nowMs = Date.now(),
): { key: string; body: string } {
  const id = browserUlid(nowMs);
  const event: BreakGlassEvent = {
    lifeboat: 'break-glass-event',
    formatVersion: 1,
    id,
    at: new Date(nowMs).toISOString(),
    ...what,
    person: what.person.slice(0, EVENT_TEXT),
    reason: what.reason.slice(0, EVENT_TEXT),
    ...(what.object !== undefined && { object: what.object.slice(0, EVENT_TEXT) }),
  };
  return { key: `${BREAK_GLASS}${id}.json`, body: JSON.stringify(event) };
}
