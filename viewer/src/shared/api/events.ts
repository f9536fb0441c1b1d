import type { Status } from '../../../../contract/api.ts';
import { request, root } from './client.ts';

export interface LiveListener {
  /** Studies that grew or changed. */
  committed?: (studyInstanceUIDs: string[]) => void;
  status?: (status: Status) => void;
  /** False while the router cannot be reached. */
  reachable?: (reachable: boolean) => void;
}

const listeners = new Set<LiveListener>();
let source: EventSource | null = null;
let poll: ReturnType<typeof setInterval> | null = null;
let latest: Status | null = null;
let failures = 0;

/** The last status heard, if any. */
export function latestStatus(): Status | null {
  return latest;
}

/** Puts a status known from elsewhere (the page's boot data) in as if it had been heard. */
export function primeStatus(status: Status): void {
  latest ??= status;
}

function publish(status: Status): void {
  latest = status;
  failures = 0;
  for (const listener of listeners) {
    listener.reachable?.(true);
    listener.status?.(status);
  }
}

async function pollStatus(): Promise<void> {
  try {
    publish(await request<Status>('api/status'));
  } catch (error) {
    if ((error as { status?: number }).status === 401) return;
    failures += 1;
    if (failures >= 2) for (const listener of listeners) listener.reachable?.(false);
  }
}

function start(): void {
  source = new EventSource(new URL('api/events', root), { withCredentials: true });
  source.addEventListener('committed', (event) => {
    const { studyInstanceUIDs } = JSON.parse((event as MessageEvent<string>).data) as { studyInstanceUIDs: string[] };
    for (const listener of listeners) listener.committed?.(studyInstanceUIDs);
  });
  source.addEventListener('status', (event) => publish(JSON.parse((event as MessageEvent<string>).data) as Status));
  poll = setInterval(pollStatus, 5000);
  void pollStatus();
}

function stop(): void {
  source?.close();
  source = null;
  if (poll) clearInterval(poll);
  poll = null;
}

/** Hears what happens at the router: one event stream for the whole page, and the status every 5 s besides. */
export function listen(listener: LiveListener): () => void {
  listeners.add(listener);
  if (latest) listener.status?.(latest);
  if (!source) start();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) stop();
  };
}
