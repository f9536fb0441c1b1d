import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PacsStatus } from '../contract/api.ts';
import type { Archive } from '../storage/archive-types.ts';
import type { Control } from './access/control.ts';

export interface HttpMetrics {
  observe(method: string, route: string, status: number, seconds: number): void;
}

/** The process' own figures. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Spool, store, commits, refusals, PACS. */
export function registerArchiveMetrics(
  registry: Registry,
  archive: Archive,
  control: Control,
  pacs: () => PacsStatus | undefined,
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge(
    'lifeboat_spool_entries',
    'Instances acknowledged and not yet committed to the store',
    () => archive.spool().entries,
  );
  gauge('lifeboat_spool_bytes', 'Bytes acknowledged and not yet committed to the store', () => archive.spool().bytes);
  gauge('lifeboat_spool_oldest_seconds', 'Age of the oldest instance in the spool, 0 when empty', () => {
    const { oldest } = archive.spool();
    return oldest ? Math.max(0, (Date.now() - Date.parse(oldest)) / 1000) : 0;
  });
  gauge('lifeboat_spool_free_bytes', 'Free bytes on the disk of the spool', () => archive.spool().freeBytes);
  gauge(
    'lifeboat_spool_unread_files',
    'Files found in the spool at the start that cannot be read yet',
    () => archive.spool().unread?.files ?? 0,
  );
  gauge('lifeboat_store_available', '1 while the object store answers', () => (archive.spool().storeError ? 0 : 1));
  gauge('lifeboat_store_lost_segments', 'Manifest segments that were in the store and are gone', () => {
    return archive.tending().lost?.segments ?? 0;
  });
  gauge('lifeboat_catalogue_filled_ratio', 'Below 1 while the catalogue is being filled from the store', () => {
    return archive.tending().filling?.share ?? 1;
  });
  const committed = new Counter({
    name: 'lifeboat_committed_instances_total',
    help: 'Instances committed to the store, by how they came',
    labelNames: ['via'],
    registers,
  });
  const bytes = new Counter({
    name: 'lifeboat_committed_bytes_total',
    help: 'Bytes committed to the store, by how they came',
    labelNames: ['via'],
    registers,
  });
  archive.events.on('committed', (entries) => {
    for (const entry of entries) {
      committed.inc({ via: entry.source.via });
      bytes.inc({ via: entry.source.via }, entry.size);
    }
  });
  const refused = new Counter({
    name: 'lifeboat_refused_total',
    help: 'What was refused, by channel and error code',
    labelNames: ['channel', 'code'],
    registers,
  });
  control.onRefused = ({ channel, code }) => refused.inc({ channel, code });
  const states = ['up', 'degraded', 'down', 'unknown'] as const;
  new Gauge({
    name: 'lifeboat_pacs_state',
    help: '1 for the state the main PACS is in; absent when none is configured',
    labelNames: ['state'],
    registers,
    collect() {
      const now = pacs()?.state;
      if (now) for (const state of states) this.set({ state }, state === now ? 1 : 0);
    },
  });
}

export function registerHttpMetrics(registry: Registry): HttpMetrics {
  const seconds = new Histogram({
    name: 'lifeboat_http_request_seconds',
    help: 'Time from request to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  });
  return {
    observe: (method, route, status, duration) => seconds.observe({ method, route, status: String(status) }, duration),
  };
}
