import type { Status } from '../../../../contract/api.ts';
import { request, root } from './client.ts';
import { archiveDoor } from './door.ts';

/** Whether the router can be heard. */
export interface Connection {
  reachable: boolean;
  /** When it was heard last, ms since 1970; what the page shows was true then. */
  heardAt: number;
}

export interface LiveListener {
  /** Studies that grew or changed. */
  committed?: (studyInstanceUIDs: string[]) => void;
  status?: (status: Status) => void;
  /** At every loss of the router and when it is back. */
  connection?: (connection: Connection) => void;
  /** The router is heard again: what happened meanwhile was not told. */
  resumed?: () => void;
  /** The router is heard now, for the first time by this listener: what happened before was not told to it. */
  begun?: () => void;
}

const pollMs = 5000;
/** An answer that takes longer counts as none, ms. */
const answerMs = 4000;
/** A router that is there says something every 5 s; silent for this long it is not, ms. */
const silenceMs = 12_000;

const listeners = new Set<LiveListener>();
let source: EventSource | null = null;
let streamHeardAt = 0;
let poll: ReturnType<typeof setInterval> | null = null;
let latest: Status | null = null;
let connection: Connection = { reachable: true, heardAt: Date.now() };
/** Something may have happened that nobody told: the stream of events was broken. */
let missed = false;
let failures = 0;
let tickedAt = 0;

/** The last status heard, if any. */
export function latestStatus(): Status | null {
  return latest;
}

export function latestConnection(): Connection {
  return connection;
}

/** Puts a status known from elsewhere (the page's boot data) in as if it had been heard. */
export function primeStatus(status: Status): void {
  latest ??= status;
}

function setConnection(next: Connection): void {
  const changed = next.reachable !== connection.reachable;
  connection = next;
  if (changed) for (const listener of listeners) listener.connection?.(next);
}

function heard(): void {
  failures = 0;
  setConnection({ reachable: true, heardAt: Date.now() });
}

function publish(status: Status): void {
  latest = status;
  heard();
  for (const listener of listeners) listener.status?.(status);
}

function lose(): void {
  missed = true;
  setConnection({ reachable: false, heardAt: connection.heardAt });
}

async function pollStatus(): Promise<void> {
  try {
    publish(await request<Status>('api/status', { signal: AbortSignal.timeout(answerMs) }));
  } catch (error) {
    if ((error as { status?: number }).status === 401) return;
    failures += 1;
    if (failures >= 2) lose();
  }
}

/** A browser gives a stream up for good after an answer that is none, and never notices one that merely went silent. */
function openStream(): void {
  source?.close();
  const stream = new EventSource(new URL('api/events', root), { withCredentials: true });
  source = stream;
  streamHeardAt = Date.now();
  const hear = () => {
    streamHeardAt = Date.now();
    heard();
  };
  stream.addEventListener('open', () => {
    hear();
    for (const listener of listeners) {
      if (missed) listener.resumed?.();
      else listener.begun?.();
    }
    missed = false;
  });
  stream.addEventListener('error', () => {
    missed = true;
  });
  stream.addEventListener('committed', (event) => {
    hear();
    const { studyInstanceUIDs } = JSON.parse((event as MessageEvent<string>).data) as { studyInstanceUIDs: string[] };
    for (const listener of listeners) listener.committed?.(studyInstanceUIDs);
  });
  stream.addEventListener('status', (event) => {
    hear();
    publish(JSON.parse((event as MessageEvent<string>).data) as Status);
  });
}

function tick(): void {
  void pollStatus();
  const now = Date.now();
  // Right after the computer slept, or the tab was put aside, silence says nothing yet.
  const awake = now - tickedAt < 2 * pollMs;
  tickedAt = now;
  if (awake && now - connection.heardAt > silenceMs) lose();
  if (source?.readyState === EventSource.CLOSED || now - streamHeardAt > silenceMs) {
    missed = true;
    openStream();
  }
}

function start(): void {
  connection = { reachable: true, heardAt: Date.now() };
  failures = 0;
  missed = false;
  openStream();
  poll = setInterval(tick, pollMs);
  void pollStatus();
}

function stop(): void {
  source?.close();
  source = null;
  if (poll) clearInterval(poll);
  poll = null;
}

/** Hears what happens at the router, where there is one: one event stream for the whole page, and the status every 5 s besides. */
export function listen(listener: LiveListener): () => void {
  if (!archiveDoor().live) return () => undefined;
  listeners.add(listener);
  if (latest) listener.status?.(latest);
  if (!source) start();
  else if (source.readyState === EventSource.OPEN) listener.begun?.();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) stop();
  };
}
