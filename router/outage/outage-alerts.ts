import type { PacsStatus } from '../../contract/api.ts';
import type { NotifyEvent } from '../notify/outbox.ts';
import type { OutageLedger } from './ledger.ts';

const LOOK_MS = 30_000;

/**
 * Who is told of an outage. Within a planned downtime nobody is, which the ledger states; when the PACS is still down as the
 * plan ends, it is an outage like any other.
 */
export class OutageAlerts {
  readonly #ledger: OutageLedger;
  readonly #notify: (event: NotifyEvent) => void;
  readonly #timer: NodeJS.Timeout;
  #down: { status: PacsStatus; told: boolean } | undefined;

  constructor(ledger: OutageLedger, notify: (event: NotifyEvent) => void, lookMs = LOOK_MS) {
    this.#ledger = ledger;
    this.#notify = notify;
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  /** After the ledger has it. */
  changed(status: PacsStatus): void {
    if (status.state === 'down' && !this.#down) {
      this.#down = { status, told: false };
      const planned = this.#ledger.plannedAt(new Date().toISOString());
      if (planned) this.#ledger.remark(`Nobody was alerted: planned until ${planned.to}, ${planned.note}.`);
      this.#look();
    }
    if (status.state !== 'up' || !this.#down) return;
    if (this.#down.told)
      this.#notify({
        kind: 'outage-over',
        subject: `${status.name} is up again`,
        text: `${status.address} works again since ${status.since} (${status.evidence}). ${status.queued} images wait for it and are sent by themselves; then both sides are compared. See IT, Reconciliation.`,
      });
    this.#down = undefined;
  }

  #look(): void {
    if (!this.#down || this.#down.told || this.#ledger.plannedAt(new Date().toISOString())) return;
    this.#down.told = true;
    const { name, address, since, evidence } = this.#down.status;
    this.#notify({
      kind: 'outage-declared',
      subject: `${name} is down`,
      text: `${address} is down since ${since}: ${evidence}. Lifeboat takes images and shows them meanwhile; everything is passed on when the PACS is back.`,
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
