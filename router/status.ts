import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../contract/api.ts';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { ReplicaStatus } from '../contract/integrity.ts';
import type { Control } from './access/control.ts';
import type { RouterContext } from './context.ts';
import { version } from './version.ts';

/** A catalogue that answers later than this is said to be away, ms. */
const LATE_MS = 3_000;

/** Totals are counted again at most this often, ms. */
const TOTALS_AGE_MS = 2_000;

const NO_TOTALS: Status['totals'] = { studies: 0, instances: 0, bytes: 0, conflicts: 0 };

/** The state of everything in one object: for the banner, /readyz, the event stream. */
export class StatusBoard {
  readonly #context: RouterContext;
  readonly #control: Control;
  readonly #dicomPort: () => number;
  #totals = NO_TOTALS;
  #totalsAt = 0;
  #counting: Promise<void> | undefined;
  #warned: string | undefined;
  /** Sentence of the last failure to count; undefined while the catalogue answers. */
  catalogueError: string | undefined;

  constructor(context: RouterContext, control: Control, dicomPort: () => number) {
    this.#context = context;
    this.#control = control;
    this.#dicomPort = dicomPort;
  }

  async get(): Promise<Status> {
    await this.#count();
    const { archive, config } = this.#context;
    const { storeError, refused, ...spool } = archive.spool();
    const notTaken =
      refused && `It does not take some images, which wait in the spool and are tried again: ${refused.message}`;
    const warning = [notTaken, archive.store.warning].filter(Boolean).join(' ') || undefined;
    const { filling, lost } = archive.tending();
    if (warning !== this.#warned && warning !== undefined) this.#context.log.warn({ warning }, 'store');
    this.#warned = warning;
    return {
      version,
      aeTitle: config.aeTitle,
      dicomPort: this.#dicomPort(),
      store: {
        description: archive.store.description,
        available: storeError === undefined,
        ...(storeError && { since: storeError.since, message: storeError.message }),
        ...(warning !== undefined && { warning }),
        ...(lost && { lost }),
      },
      catalogue: {
        description: archive.catalogue.description,
        available: this.catalogueError === undefined,
        ...(this.catalogueError !== undefined && { message: this.catalogueError }),
        ...(filling && { filling }),
      },
      spool,
      ...(this.#context.replica && { replica: briefly(this.#context.replica.status()) }),
      pacs: this.#context.pacsStatus?.() ?? null,
      totals: this.#totals,
      pendingAEs: this.#control.senders.pending(),
      ...alertOf(this.#context),
      demo: config.demo,
    };
  }

  /** One count at a time. One that takes long keeps nobody waiting: it is said, and its answer counts when it comes. */
  async #count(): Promise<void> {
    if (Date.now() - this.#totalsAt >= TOTALS_AGE_MS) {
      this.#counting ??= this.#countOnce().finally(() => {
        this.#totalsAt = Date.now();
        this.#counting = undefined;
      });
    }
    if (this.#totalsAt === 0) await this.#counting;
  }

  async #countOnce(): Promise<void> {
    const counted = this.#context.archive.catalogue.totals().then(
      ({ studies, instances, bytes, conflicts }) => {
        this.#totals = { studies, instances, bytes, conflicts };
        this.#noteCatalogue(undefined);
      },
      (error: unknown) => this.#noteCatalogue(asLifeboatError(error)),
    );
    const late = new AbortController();
    await Promise.race([counted, sleep(LATE_MS, 'late', { signal: late.signal, ref: false })]).then((outcome) => {
      if (outcome === 'late')
        this.#noteCatalogue(new LifeboatError('CATALOGUE_UNAVAILABLE', `: no answer for ${LATE_MS / 1000} s.`));
    });
    late.abort();
  }

  #noteCatalogue(error: LifeboatError | undefined): void {
    if (error && error.message !== this.catalogueError) this.#context.log.warn({ err: error }, 'the catalogue is away');
    if (!error && this.catalogueError !== undefined) this.#context.log.info('the catalogue answers again');
    this.catalogueError = error?.message;
  }
}

function alertOf({ massChange }: RouterContext): Pick<Status, 'massChange'> {
  const alert = massChange?.();
  return alert ? { massChange: { since: alert.since, count: alert.count } } : {};
}

function briefly({ description, state, reason, lag }: ReplicaStatus): Status['replica'] {
  return { description, state, ...(reason !== undefined && { reason }), lag };
}
