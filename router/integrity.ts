import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import { asLifeboatError } from '../contract/errors.ts';
import type { FindingRow, IntegrityAnswer, RepairRow } from '../contract/integrity.ts';
import { theseKeys } from '../storage/policy/removal-record.ts';
import { trustedPems } from '../storage/policy/trusted-keys.ts';
import { isObjectFinding, isRepairable, repair } from '../storage/repair.ts';
import { Scrub } from '../storage/scrub.ts';
import { ScrubState } from '../storage/scrub-state.ts';
import { DailySeal } from '../storage/seal-daily.ts';
import { FileStore } from '../storage/stores/file-store.ts';
import { StudyCache } from '../storage/study-cache.ts';
import type { RouterContext } from './context.ts';
import { pacsMoveSource } from './repair-from-pacs.ts';
import { RepairIntake } from './repair-intake.ts';
import { openSources } from './repair-sources.ts';

export const INTEGRITY_FILE = 'integrity.sqlite';
/** So many waiting instances mean that a sender is in full flow: the scrub stands back. */
const BUSY_SPOOL = 50;
const GROWTH_EVERY_MS = 600_000;
const DAY_MS = 86_400_000;
/** So long after the last image the scrub reads on, ms. */
const QUIET_MS = 20_000;
/** Growth is judged by at most so many days. */
const TREND_DAYS = 30;
const TEND_EVERY_MS = 10_000;
/** So many repairs are made by itself in a row. */
const AT_ONCE = 50;
const TRY_AGAIN_MS = 3_600_000;

/** Scrub, daily seal and growth of the running router, and what they know. */
export class Integrity {
  readonly state: ScrubState;
  readonly seal: DailySeal;
  readonly scrub: Scrub;
  /** Where the PACS sends what a repair has asked it for. */
  readonly intake = new RepairIntake();
  readonly #context: RouterContext;
  readonly #startedAt = Date.now();
  #lastReceivedAt = 0;
  /** By a person, since the start. */
  #asked = false;
  #timer: NodeJS.Timeout | undefined;
  #tending: NodeJS.Timeout | undefined;
  #repairing: Promise<void> | undefined;
  #closed = false;
  #damaged: ReadonlySet<string> = new Set();
  /** When a repair was last tried, by the finding's id. */
  readonly #triedAt = new Map<number, number>();

  constructor(context: RouterContext) {
    this.#context = context;
    const { archive, config, log } = context;
    const onProblem = (error: Error) => log.warn({ err: error }, 'integrity');
    const away = () => {
      const { storeError } = archive.spool();
      return storeError && `the store does not answer: ${storeError.message}`;
    };
    this.state = new ScrubState(join(config.dataDir, INTEGRITY_FILE));
    this.seal = new DailySeal({
      store: archive.store,
      storeConfig: config.store,
      dataDir: config.dataDir,
      onProblem,
      busy: away,
      everyMs: config.integrity?.tickMs,
    });
    this.scrub = new Scrub({
      store: archive.store,
      storeConfig: config.store,
      catalogue: archive.catalogue,
      state: this.state,
      removalKeys: theseKeys(trustedPems(config)),
      bytesPerSecond: config.integrity?.scrubBytesPerSecond ?? 0,
      everyMs: config.integrity?.scrubEveryMs ?? 7 * DAY_MS,
      busy: () => away() ?? (this.#isReceiving() ? 'images are coming in' : undefined),
      onProblem,
      onFindings: (findings) => {
        for (const { kind, key, studyInstanceUID, sopInstanceUID, text } of findings)
          log.warn({ kind, key, studyInstanceUID, sopInstanceUID }, `integrity: ${text}`);
        this.#damaged = new Set([
          ...this.#damaged,
          ...findings.filter(({ kind }) => isObjectFinding(kind)).map(({ key }) => key),
        ]);
      },
      idleMs: config.integrity?.tickMs,
    });
  }

  /** Receiving comes first, with its memory too, unless a pass was asked for or the last one is a day late. */
  #isReceiving(): boolean {
    const { archive, config } = this.#context;
    if (archive.spool().entries > BUSY_SPOOL) return true;
    const { tickMs, scrubEveryMs = 0 } = config.integrity ?? {};
    if (tickMs !== undefined || this.#asked) return false;
    const last = this.state.lastPass({ by: 'scrub' });
    const late = Date.now() > (last ? Date.parse(last.startedAt) + scrubEveryMs : this.#startedAt) + DAY_MS;
    return !late && Date.now() - this.#lastReceivedAt < QUIET_MS;
  }

  /** A pass at once, whatever comes in. */
  passNow(): void {
    this.#asked = true;
    this.scrub.passNow();
  }

  start(): void {
    const { config } = this.#context;
    this.#context.archive.events.on('committed', () => {
      this.#lastReceivedAt = Date.now();
    });
    this.scrub.start();
    this.seal.start();
    const note = () => {
      this.#noteGrowth().catch((error: unknown) =>
        this.#context.log.warn({ err: asLifeboatError(error) }, 'integrity: the catalogue does not tell its totals'),
      );
    };
    note();
    this.#timer = setInterval(note, GROWTH_EVERY_MS);
    this.#noteDamaged();
    this.#tending = setInterval(() => this.#tend(), config.integrity?.tickMs ?? TEND_EVERY_MS);
  }

  /** True where the store is known to hold other bytes than recorded under a key, or none. */
  isDamaged(key: string): boolean {
    return this.#damaged.has(key);
  }

  #noteDamaged(): void {
    const open = this.state.findings('open', 100_000).filter(({ kind }) => isObjectFinding(kind));
    this.#damaged = new Set(open.map(({ key }) => key));
  }

  #tend(): void {
    this.#noteDamaged();
    const { config, log } = this.#context;
    if (!config.replica && !config.pacs && !config.pacsWeb) return;
    if (config.integrity?.repairAuto === false || this.#repairing) return;
    this.#repairing = this.#repairOpen()
      .catch((error: unknown) => log.warn({ err: asLifeboatError(error) }, 'integrity: repairing by itself'))
      .finally(() => {
        this.#repairing = undefined;
      });
  }

  /** What is wrong and can be put right from the replica or the PACS is, a few at a time; what could not be is tried again later. */
  async #repairOpen(): Promise<void> {
    const now = Date.now();
    const due = this.state
      .findings('open', 100_000)
      .filter(({ kind, severity }) => severity === 'error' && isRepairable(kind))
      .filter(({ id }) => (this.#triedAt.get(id) ?? 0) < now - TRY_AGAIN_MS);
    for (const finding of due.slice(0, AT_ONCE)) {
      if (this.#closed) return;
      this.#triedAt.set(finding.id, now);
      const row = await this.repair(finding, 'router');
      this.#context.access.audit({
        user: 'router',
        address: 'local',
        action: 'repair',
        object: row.studyInstanceUID,
        detail: `${row.kind} ${row.key} from ${row.source || 'nowhere'}: ${row.detail}`.slice(0, 500),
        outcome: row.outcome === 'repaired' ? 'ok' : 'error',
      });
    }
    this.#noteDamaged();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearInterval(this.#tending);
    await this.#repairing;
    await this.scrub.close();
    await this.seal.close();
    this.state.close();
  }

  /** Everything the integrity page shows at a glance. Throws CATALOGUE_UNAVAILABLE. */
  async answer(): Promise<IntegrityAnswer> {
    await this.#noteGrowth();
    const { studies, instances, bytes, conflicts } = await this.#context.archive.catalogue.totals();
    const growth = this.state.growth();
    return {
      totals: { studies, instances, bytes, conflicts },
      scrub: this.scrub.status(),
      lastPass: this.state.lastPass(),
      lastCleanPass: this.state.lastPass({ clean: true }),
      findings: this.state.counts(),
      seal: this.seal.status(),
      growth,
      replica: this.#context.replica?.status() ?? null,
      space: await spaceOf(this.#context, growth),
    };
  }

  /**
   * Tries to put right what a finding names, from LIFEBOAT_REPAIR_FROM, replica, spool and PACS, and writes down what came of it. Throws
   * BAD_REQUEST when the store to repair from is not there.
   */
  async repair(finding: FindingRow, by: string): Promise<RepairRow> {
    const { archive, config } = this.#context;
    const { store, catalogue } = archive;
    const { forwarding } = this.#context;
    const pacs = forwarding && pacsMoveSource(config, forwarding, this.intake);
    const { sources, close } = await openSources(config, { from: config.integrity?.repairFrom }, pacs ? [pacs] : []);
    try {
      const row = await repair({ store, catalogue, sources, entries: new StudyCache(store), by }, finding);
      this.state.repaired(row);
      return row;
    } finally {
      await close();
    }
  }

  async #noteGrowth(): Promise<void> {
    const { instances, bytes } = await this.#context.archive.catalogue.totals();
    this.state.grew({ day: new Date().toISOString().slice(0, 10), instances, bytes });
  }
}

/** null where the store does not tell how much it can hold. */
async function spaceOf(
  { archive }: RouterContext,
  growth: IntegrityAnswer['growth'],
): Promise<IntegrityAnswer['space']> {
  if (!(archive.store instanceof FileStore)) return null;
  const disk = await statfs(archive.store.root);
  const freeBytes = disk.bavail * disk.bsize;
  return { freeBytes, totalBytes: disk.blocks * disk.bsize, daysUntilFull: daysUntilFull(freeBytes, growth) };
}

/** At the average growth of the last month; null while there is no growth to judge by. */
export function daysUntilFull(freeBytes: number, growth: IntegrityAnswer['growth']): number | null {
  const last = growth.at(-1);
  if (!last) return null;
  const from = new Date(Date.parse(last.day) - TREND_DAYS * DAY_MS).toISOString().slice(0, 10);
  const first = growth.find(({ day }) => day >= from)!;
  const days = (Date.parse(last.day) - Date.parse(first.day)) / DAY_MS;
  const perDay = (last.bytes - first.bytes) / days;
  return days > 0 && perDay > 0 ? Math.floor(freeBytes / perDay) : null;
}

export function registerIntegrityMetrics(registry: Registry, integrity: Integrity): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  const seconds = (iso: string | undefined) => (iso ? Date.parse(iso) / 1000 : 0);
  const { state, scrub, seal } = integrity;
  gauge('lifeboat_integrity_errors_open', 'Findings of the last passes that are open', () => state.counts().open);
  gauge(
    'lifeboat_integrity_not_checked',
    'Things that could not be checked for want of an answer',
    () => state.counts().notChecked,
  );
  gauge('lifeboat_integrity_repaired_total', 'Findings that were repaired', () => state.counts().repaired);
  gauge('lifeboat_scrub_running', '1 while a pass over the archive is at work', () =>
    scrub.status().state === 'running' ? 1 : 0,
  );
  gauge(
    'lifeboat_scrub_progress',
    'Part of the archive that the pass at work has read, 0 to 1',
    () => scrub.status().pass?.progress ?? 0,
  );
  gauge('lifeboat_scrub_last_pass_timestamp_seconds', 'End of the last pass over the whole archive, 0 for none', () =>
    seconds(state.lastPass()?.endedAt),
  );
  gauge(
    'lifeboat_scrub_last_clean_pass_timestamp_seconds',
    'End of the last pass over the whole archive without a finding, 0 for none',
    () => seconds(state.lastPass({ clean: true })?.endedAt),
  );
  gauge('lifeboat_seal_timestamp_seconds', 'Time of the newest seal, 0 for none', () =>
    seconds(seal.status().newest?.createdAt),
  );
  gauge('lifeboat_seal_failing', '1 while the last attempt to seal failed', () => (seal.status().failure ? 1 : 0));
}
