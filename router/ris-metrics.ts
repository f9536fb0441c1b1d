import { Gauge, type Registry } from 'prom-client';
import type { History } from './backfill/history.ts';
import type { Ris } from './worklist/ris.ts';

/** For alerts: how old the worklist is, what scanners reported and nobody has taken, how far the backfill is. */
export function registerRisMetrics(registry: Registry, ris: Ris, history: History): void {
  new Gauge({
    name: 'lifeboat_worklist_age_seconds',
    help: 'Age of the last complete answer of the RIS that scanners are given, NaN while there is none',
    registers: [registry],
    collect() {
      const { answeredAt } = ris.worklist.risState(ris.address);
      this.set(answeredAt ? Math.max(0, (Date.now() - Date.parse(answeredAt)) / 1000) : Number.NaN);
    },
  });
  new Gauge({
    name: 'lifeboat_mpps_messages',
    help: 'Performed procedure step messages owed to a destination, by what became of them',
    labelNames: ['destination', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { destination, waiting, person, sent } of ris.steps.owed())
        for (const [state, count] of Object.entries({ waiting, person, sent })) this.set({ destination, state }, count);
    },
  });
  new Gauge({
    name: 'lifeboat_backfill_studies',
    help: 'Studies that the backfill knows of, by what became of them',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { studies, studiesDone, studiesFailed } = history.backfill.counts();
      this.set({ state: 'done' }, studiesDone);
      this.set({ state: 'failed' }, studiesFailed);
      this.set({ state: 'todo' }, studies - studiesDone - studiesFailed);
    },
  });
}
