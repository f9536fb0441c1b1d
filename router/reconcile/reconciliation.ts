import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { ReconcileAnswer, ReconcileDecide, ReconcileDetail, ReconcileStart } from '../../contract/reconcile.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { Config } from '../config.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { makePdf } from '../reports/make-pdf.ts';
import { newestContents } from './compare-study.ts';
import { reconcileCsv, reconcileReport } from './reconcile-report.ts';
import { ReconcileState } from './reconcile-state.ts';
import { type CommitmentProof, Reconciler } from './reconciler.ts';
import { Remotes } from './remotes.ts';

export interface ReconciliationOptions {
  config: Pick<Config, 'dataDir' | 'aeTitle' | 'pacs'>;
  archive: Archive;
  forwarding: Forwarding;
  log: Logger;
  proof?: CommitmentProof;
  /** A run is over and somebody has to look at it, or nobody has. */
  onDone?(run: NonNullable<ReturnType<ReconcileState['run']>>): void;
  /** Between two looks for work, ms; default 5 s. */
  tickMs?: number;
}

const TICK_MS = 5_000;
const SHOWN = 500;
const COMMITMENT_MS = 120_000;
/** After something that patience does not help. */
const RESTS_MS = 5 * 60_000;
/** What the PACS acknowledged shortly before it went down may be lost too. */
const BEFORE_OUTAGE_MS = 15 * 60_000;

/** Reconciliations of the running router: after each outage by itself, and those that somebody begins. One at a time. */
export class Reconciliation {
  readonly state: ReconcileState;
  readonly #options: ReconciliationOptions;
  readonly #remotes: Remotes;
  readonly #reconciler: Reconciler;
  readonly #stop = new AbortController();
  /** Runs that others go before, and until when. */
  readonly #resting = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: ReconciliationOptions) {
    this.#options = options;
    const { config, archive, forwarding, log, proof } = options;
    this.state = new ReconcileState(config.dataDir);
    this.#remotes = new Remotes(config, forwarding, archive);
    this.#reconciler = new Reconciler({
      state: this.state,
      archive,
      forwarding,
      remote: (name) => this.#remotes.remote(name),
      log,
      mend: true,
      commitmentMs: COMMITMENT_MS,
      ...(proof && { proof }),
    });
  }

  start(): void {
    const tick = () => {
      this.#working = this.#work().finally(() => {
        if (this.#stop.signal.aborted) return;
        this.#timer = setTimeout(tick, this.#options.tickMs ?? TICK_MS);
      });
    };
    tick();
  }

  async #work(): Promise<void> {
    const { log, onDone } = this.#options;
    const now = Date.now();
    const resting = [...this.#resting].filter(([, until]) => until > now).map(([id]) => id);
    const id = this.state.next(resting);
    if (id === undefined || this.#stop.signal.aborted) return;
    const before = this.state.run(id)!;
    if (this.#waitsForForwarding(before)) {
      this.#resting.set(id, now + (this.#options.tickMs ?? TICK_MS));
      return;
    }
    try {
      await this.#reconciler.work(id, this.#stop.signal);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      log.error({ err: error, run: id }, 'reconciliation');
      this.state.setState(id, 'held', error.message);
      this.#resting.set(id, Date.now() + RESTS_MS);
      return;
    }
    const run = this.state.run(id)!;
    if (run.state !== 'done') return;
    log.info({ run: id, received: run.received, delivered: run.delivered, open: run.open }, 'reconciliation is done');
    onDone?.(run);
  }

  /** A run after an outage compares when what is owed was sent: everything else would be found to be missing. */
  #waitsForForwarding({
    id,
    peer,
    reason,
    state,
  }: {
    id: number;
    peer: string;
    reason: string;
    state: string;
  }): boolean {
    const { forwarding } = this.#options;
    if (state !== 'queued' || !reason.startsWith(OUTAGE) || !forwarding.has(peer)) return false;
    const waiting = forwarding.queued(peer);
    if (waiting === 0) return false;
    this.state.setState(id, 'queued', `Waits until the forwarding has sent what is owed: ${waiting} images.`);
    return true;
  }

  /** The main PACS is back. */
  afterOutage({ from, to }: { from: string; to: string }): void {
    const peer = this.#remotes.pacsName;
    if (peer === undefined) return;
    const begin = new Date(Date.parse(from) - BEFORE_OUTAGE_MS).toISOString();
    this.state.begin({ peer, from: begin, to }, `${OUTAGE} from ${from} to ${to}`, 'router');
  }

  /** @throws BAD_REQUEST for an unknown peer */
  begin({ peer, from, to }: ReconcileStart, by: string): void {
    const name = this.#remotes.nameFor(peer);
    if (name === undefined)
      throw new LifeboatError('BAD_REQUEST', 'There is no such PACS; the list says whom one can ask.');
    const utc = (time: string) => new Date(time).toISOString();
    this.state.begin({ peer: name, from: utc(from), to: utc(to) }, `asked for by ${by}`, 'router');
  }

  answer(): ReconcileAnswer {
    return { runs: this.state.runs(), peers: this.#remotes.names };
  }

  /** @throws NOT_FOUND */
  detail(id: number): ReconcileDetail {
    const run = this.#run(id);
    const findings = this.state.findings(id, SHOWN + 1);
    return { run, findings: findings.slice(0, SHOWN), more: findings.length > SHOWN };
  }

  again(id: number): void {
    const run = this.#run(id);
    if (run.signedAt) throw new LifeboatError('CONFLICT', 'It is signed off; begin another one for the same time.');
    if (run.state !== 'done') throw new LifeboatError('CONFLICT', 'It is not over yet.');
    this.state.restart(id);
  }

  /** @throws NOT_FOUND, BAD_REQUEST for what is not possible, CONFLICT when it was signed off */
  async decide(id: number, findingId: number, { decision, why }: ReconcileDecide, by: string): Promise<void> {
    const run = this.#run(id);
    const finding = this.state.finding(id, findingId);
    if (!finding) throw new LifeboatError('NOT_FOUND', 'There is no such finding.');
    if (run.signedAt) throw new LifeboatError('CONFLICT', 'It is signed off; begin another one for the same time.');
    if (!finding.possible.includes(decision)) throw new LifeboatError('BAD_REQUEST', 'This is not possible here.');
    const study = finding.studyInstanceUID;
    if (decision === 'resend') {
      const uids = new Set(finding.uids);
      const newest = newestContents(await this.#options.archive.entries(study)).values();
      const entries = [...newest].filter(({ sopInstanceUID }) => uids.size === 0 || uids.has(sopInstanceUID));
      await this.#options.forwarding.sendAgain(run.peer, entries);
    }
    this.state.decide(findingId, decision, by, why);
    // Fetched by the comparison that follows, which is the first of its rounds again.
    if (decision !== 'accept') this.state.recheck(id, study);
  }

  /** @throws NOT_FOUND, CONFLICT while something is open */
  sign(id: number, by: string, note: string): void {
    const run = this.#run(id);
    if (run.state !== 'done') throw new LifeboatError('CONFLICT', 'It is not over yet.');
    if (run.open > 0) throw new LifeboatError('CONFLICT', `${run.open} findings are open: decide on each first.`);
    if (run.signedAt) throw new LifeboatError('CONFLICT', 'It is signed off already.');
    this.state.sign(id, by, note);
  }

  pdf(id: number): Promise<Buffer> {
    return makePdf(reconcileReport(this.state, this.#run(id)));
  }

  csv(id: number): string {
    return reconcileCsv(this.state, this.#run(id));
  }

  #run(id: number) {
    const run = this.state.run(id);
    if (!run) throw new LifeboatError('NOT_FOUND', 'There is no such reconciliation.');
    return run;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#working;
    this.state.close();
  }
}

const OUTAGE = 'outage';
