import { Gauge, type Registry } from 'prom-client';
import type { LifeboatError } from '../contract/errors.ts';
import type { Archive } from '../storage/archive-types.ts';
import { IndexThread } from '../storage/lifeboat/index-thread.ts';
import type { Config } from './config.ts';
import { version } from './version.ts';

/** Keeps the search index of lifeboat mode up with what is committed, and says how far it is behind. */
export function startLifeboatIndex(
  config: Config,
  archive: Archive,
  metrics: Registry,
  onProblem: (error: LifeboatError) => void,
): IndexThread {
  const thread = new IndexThread({ dataDir: config.dataDir, store: config.store, program: version, onProblem });
  archive.events.on('committed', (entries) => {
    thread.changed(new Set(entries.map(({ studyInstanceUID }) => studyInstanceUID)));
  });
  thread.start();
  const age = (since: string | null) => (since === null ? 0 : Math.max(0, (Date.now() - Date.parse(since)) / 1000));
  new Gauge({
    name: 'lifeboat_index_behind_seconds',
    help: 'For how long a changed study has waited to get into the search index of lifeboat mode, 0 when none waits',
    registers: [metrics],
    collect() {
      this.set(age(thread.status().waitingSince));
    },
  });
  new Gauge({
    name: 'lifeboat_index_published_timestamp_seconds',
    help: 'When this router last put a part of the search index into the store; 0: never',
    registers: [metrics],
    collect() {
      this.set(Date.parse(thread.status().publishedAt ?? '1970-01-01T00:00:00Z') / 1000);
    },
  });
  return thread;
}
