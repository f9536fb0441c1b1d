import { z } from 'zod';
import { asLifeboatError } from '../../contract/errors.ts';
import { BREAK_GLASS } from '../../storage/format/break-glass-event.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { AuditEvent } from '../access/access-types.ts';

/** Larger than any event that the viewer writes. */
const MOST_BYTES = 16_384;
/** Whoever has the break-glass key can write any number of files; the trail takes so many a turn. */
const MOST_A_TURN = 500;

const eventShape = z.object({
  lifeboat: z.literal('break-glass-event'),
  visit: z.string().max(40),
  at: z.string().max(40),
  action: z.enum(['sign-in', 'query', 'view', 'sign-out']),
  person: z.string().max(500),
  reason: z.string().max(500),
  credential: z.string().max(200),
  object: z.string().max(500).optional(),
});

/** Who keeps the audit trail, as far as this is concerned. */
export interface EventTaker {
  knowsBreakGlass(id: string): boolean;
  /** Writes the row and remembers the event in one transaction; false when it was taken before. */
  takeBreakGlass(id: string, event: AuditEvent): boolean;
}

/**
 * Takes what people did in lifeboat mode from the store into the audit trail, each event once. An event is what a browser said:
 * its row says so, and one that cannot be read gets a row too.
 * @returns how many were taken
 * @throws STORE_UNAVAILABLE
 */
export async function takeBreakGlassEvents(store: ObjectStore, taker: EventTaker): Promise<number> {
  let taken = 0;
  for await (const { key, size } of store.list(BREAK_GLASS)) {
    const id = key.slice(BREAK_GLASS.length);
    if (taker.knowsBreakGlass(id)) continue;
    if (taken >= MOST_A_TURN) break;
    const event = size > MOST_BYTES ? unreadable(key) : await read(store, key);
    if (event && taker.takeBreakGlass(id, event)) taken++;
  }
  return taken;
}

/** null: it is gone meanwhile. */
async function read(store: ObjectStore, key: string): Promise<AuditEvent | null> {
  let text: string;
  try {
    text = (await store.get(key)).toString('utf8');
  } catch (error) {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') return null;
    throw error;
  }
  try {
    const { at, action, person, reason, credential, object, visit } = eventShape.parse(JSON.parse(text));
    const said = [`lifeboat mode, ${at}`, `reason: ${reason}`, `by ${credential}`, `visit ${visit}`];
    return {
      user: person,
      address: 'lifeboat mode',
      action: `break-glass-${action}`,
      object: object ?? 'archive',
      detail: said.join('; '),
      outcome: 'ok',
    };
  } catch {
    return unreadable(key);
  }
}

const unreadable = (key: string): AuditEvent => ({
  user: 'unknown',
  address: 'lifeboat mode',
  action: 'break-glass-unreadable',
  object: key,
  detail: 'somebody with the break-glass key wrote a record that is none of the viewer’s',
  outcome: 'error',
});
