import { Router } from 'express';
import type { HttpParts } from './parts.ts';
import { demand, sessionOf } from './principal.ts';
import { sessionIdOf } from './session-cookie.ts';

/** Commits are told together when they come within this time, ms. */
const TOGETHER_MS = 250;
const STATUS_EVERY_MS = 5_000;

/** GET /api/events (text/event-stream): `committed` with study UIDs, `status`. Ends when the session ends. */
export function eventsApi({ context, control, status }: HttpParts): Router & { closeAll(): void } {
  const router = Router();
  const open = new Set<() => void>();

  router.get('/', async (req, res) => {
    demand(req);
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    res.flushHeaders();
    const send = (event: string, data: unknown) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const mayRead = Boolean(demand(req).scopes.has('api') || demand(req).scopes.has('arrivals'));

    let studies = new Set<string>();
    let timer: NodeJS.Timeout | undefined;
    const tell = () => {
      timer = undefined;
      send('committed', { studyInstanceUIDs: [...studies] });
      studies = new Set();
    };
    const committed = (entries: readonly { studyInstanceUID: string }[]) => {
      for (const entry of entries) studies.add(entry.studyInstanceUID);
      timer ??= setTimeout(tell, TOGETHER_MS);
    };
    const tellStatus = async () => {
      const id = sessionIdOf(req);
      if (sessionOf(req) && (!id || !control.sessions.use(id, false))) return res.end();
      send('status', await status.get());
    };
    const tellSafely = () => {
      tellStatus().catch((error: unknown) => {
        context.log.error({ err: error }, 'status for an open page');
        res.end();
      });
    };
    const storeChanged = tellSafely;
    if (mayRead) context.archive.events.on('committed', committed);
    context.archive.events.on('store', storeChanged);
    const every = setInterval(tellSafely, STATUS_EVERY_MS);
    const end = () => {
      clearInterval(every);
      clearTimeout(timer);
      context.archive.events.off('committed', committed);
      context.archive.events.off('store', storeChanged);
      open.delete(end);
      res.end();
    };
    open.add(end);
    res.on('close', end);
    await tellStatus();
  });

  return Object.assign(router, {
    closeAll: () => {
      for (const end of [...open]) end();
    },
  });
}
