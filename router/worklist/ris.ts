import type { AuditEvent } from '../access/access-types.ts';
import type { RouterContext } from '../context.ts';
import type { DimseService } from '../dimse/dimse-service.ts';
import { mppsScp } from '../mpps/mpps-scp.ts';
import { StepsPassOn } from '../mpps/pass-on.ts';
import { PerformedSteps } from '../mpps/performed-steps.ts';
import { RisDatabase } from './ris-database.ts';
import { UnscheduledPatients } from './unscheduled.ts';
import { WorklistPoll } from './worklist-poll.ts';
import { worklistScp } from './worklist-scp.ts';
import { WorklistStore } from './worklist-store.ts';

/** What the router knows of the RIS, and says in its place. */
export interface Ris {
  worklist: WorklistStore;
  unscheduled: UnscheduledPatients;
  steps: PerformedSteps;
  /** Performed procedure steps that are owed are tried now. */
  wakePassOn(now?: boolean): void;
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
  { config, log, access }: Pick<RouterContext, 'config' | 'log' | 'access'>,
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
  const peers = (config.mppsTo ?? []).map((peer) => ({ name: `${peer.aeTitle}@${peer.host}:${peer.port}`, peer }));
  const steps = new PerformedSteps(
    db,
    peers.map(({ name }) => name),
  );
  const passOns = peers.map(({ name, peer: { host, port, aeTitle } }) => {
    const address = { host, port, calledAE: aeTitle, callingAE: config.aeTitle };
    return new StepsPassOn(name, address, steps, log);
  });
  const wakePassOn = (now = false) => {
    for (const passOn of passOns) passOn.wake(now);
  };
  const kept = (uid: string) => {
    const { status = '', scheduled = [] } = steps.scheduledOf(uid) ?? {};
    for (const step of scheduled) if (step.studyInstanceUID !== '') worklist.performed(step, status);
    wakePassOn();
  };
  return {
    steps,
    wakePassOn,
    worklist,
    unscheduled: new UnscheduledPatients(db, worklist),
    address: ris ? `${ris.aeTitle}@${ris.host}:${ris.port}` : null,
    services: [
      worklistScp({ store: worklist, log, note }),
      mppsScp({ steps, log, audit: (event) => access.audit(event), kept }),
    ],
    onAnswer: (listener) => listeners.push(listener),
    start: () => {
      poll?.start();
      wakePassOn();
    },
    close: async () => {
      await Promise.all(passOns.map((passOn) => passOn.close()));
      await poll?.close();
      db.close();
    },
  };
}
