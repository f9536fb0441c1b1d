import type { AuditEvent } from '../access/access-types.ts';
import type { RouterContext } from '../context.ts';
import type { DimseService } from '../dimse/dimse-service.ts';
import { RisDatabase } from './ris-database.ts';
import { UnscheduledPatients } from './unscheduled.ts';
import { WorklistPoll } from './worklist-poll.ts';
import { worklistScp } from './worklist-scp.ts';
import { WorklistStore } from './worklist-store.ts';

/** What the router knows of the RIS, and says in its place. */
export interface Ris {
  worklist: WorklistStore;
  unscheduled: UnscheduledPatients;
  /** `AE@host:port`; null: none is configured. */
  address: string | null;
  services: readonly DimseService[];
  /** Calls back after each complete answer of the RIS. */
  onAnswer(listener: () => void): void;
  start(): void;
  close(): Promise<void>;
}

/** @param note for the audit trail: many events of one kind become one row */
export function openRis(
  { config, log }: Pick<RouterContext, 'config' | 'log'>,
  note: (event: AuditEvent) => void,
): Ris {
  const db = new RisDatabase(config.dataDir);
  const worklist = new WorklistStore(db);
  const listeners: (() => void)[] = [];
  const { ris } = config;
  const poll =
    ris &&
    new WorklistPoll({
      peer: { host: ris.host, port: ris.port, calledAE: ris.aeTitle, callingAE: config.aeTitle },
      everyMs: ris.everyMs,
      days: ris.days,
      store: worklist,
      log,
      answered: () => {
        for (const listener of listeners) listener();
      },
    });
  return {
    worklist,
    unscheduled: new UnscheduledPatients(db, worklist),
    address: ris ? `${ris.aeTitle}@${ris.host}:${ris.port}` : null,
    services: [worklistScp({ store: worklist, log, note })],
    onAnswer: (listener) => listeners.push(listener),
    start: () => poll?.start(),
    close: async () => {
      await poll?.close();
      db.close();
    },
  };
}
