import { Gauge, type Registry } from 'prom-client';
import type { OutageLedger } from './ledger.ts';

/** Outages of the main PACS, for alerts and for the yearly report. */
export function registerOutageMetrics(registry: Registry, ledger: OutageLedger): void {
  new Gauge({
    name: 'lifeboat_pacs_outages',
    help: 'Outages of the main PACS in the ledger, the one that goes on included',
    registers: [registry],
    collect() {
      this.set(ledger.totals().count);
    },
  });
  new Gauge({
    name: 'lifeboat_pacs_outage_seconds',
    help: 'How long the outage that goes on has lasted, 0 when there is none',
    registers: [registry],
    collect() {
      const since = ledger.openSince;
      this.set(since === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(since)) / 1000));
    },
  });
  new Gauge({
    name: 'lifeboat_pacs_outage_seconds_sum',
    help: 'Seconds of all outages that are over',
    registers: [registry],
    collect() {
      this.set(ledger.totals().seconds);
    },
  });
  new Gauge({
    name: 'lifeboat_pacs_downtime_planned',
    help: '1 within a planned downtime',
    registers: [registry],
    collect() {
      this.set(ledger.plannedAt(new Date().toISOString()) ? 1 : 0);
    },
  });
}
