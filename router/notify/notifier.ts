import type { Logger } from 'pino';
import { type MailSettings, sendMail } from './mail.ts';
import { type Delivery, type NotifyEvent, Outbox } from './outbox.ts';
import { postWebhook } from './webhook.ts';

export interface NotifySettings {
  webhook?: { url: string; secret?: string };
  mail?: MailSettings;
}

export interface NotifierOptions extends NotifySettings {
  dataDir: string;
  log: Logger;
  /** First pause after a delivery that failed, ms; default 5 s, doubled up to 10 minutes. */
  pauseMs?: number;
}

const PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
const LOOK_MS = 1_000;
const GIVE_UP_AFTER = 200;

/** Tells IT by webhook and e-mail what it should know; tried again until it was taken, over restarts too. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #outbox: Outbox;
  readonly #channels: [name: string, deliver: (delivery: Delivery) => Promise<void>][] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.dataDir);
    const { webhook, mail } = options;
    if (webhook) this.#channels.push(['webhook', (delivery) => postWebhook(webhook.url, webhook.secret, delivery)]);
    if (mail) this.#channels.push(['mail', (delivery) => sendMail(mail, delivery)]);
  }

  get channels(): string[] {
    return this.#channels.map(([name]) => name);
  }

  start(): void {
    if (this.#channels.length === 0) return;
    const tick = () => {
      this.#working = Promise.all(this.#channels.map(([name, deliver]) => this.#drain(name, deliver))).finally(() => {
        if (!this.#closed) this.#timer = setTimeout(tick, LOOK_MS);
      });
    };
    tick();
  }

  /** Kept before it returns; delivered as soon as that is possible. Nothing is configured: only the log says it. */
  readonly notify = (event: NotifyEvent): void => {
    this.#options.log.warn({ kind: event.kind, subject: event.subject }, 'for IT');
    for (const [name] of this.#channels) this.#outbox.add(name, event);
  };

  waiting(): { count: number; message: string } {
    return this.#outbox.waiting();
  }

  async #drain(channel: string, deliver: (delivery: Delivery) => Promise<void>): Promise<void> {
    const { log, pauseMs = PAUSE_MS } = this.#options;
    while (!this.#closed) {
      const delivery = this.#outbox.due(channel, Date.now());
      if (!delivery) return;
      try {
        await deliver(delivery);
        if (this.#closed) return;
        this.#outbox.done(delivery.id);
      } catch (error) {
        if (this.#closed) return;
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ channel, attempts: delivery.attempts + 1, reason }, 'IT could not be told; tried again');
        if (delivery.attempts >= GIVE_UP_AFTER) this.#outbox.done(delivery.id);
        else {
          const pause = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** Math.min(delivery.attempts, 16));
          this.#outbox.later(delivery.id, Date.now() + pause, reason);
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#working;
    this.#outbox.close();
  }
}
