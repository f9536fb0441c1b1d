import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { Limiter } from '../../storage/limiter.ts';
import { type Hashers, openReader } from '../../storage/verify-threads.ts';
import type { AccessControl } from '../access/access-types.ts';
import type { PresentationContext } from '../dimse/dimse-message.ts';
import type { DimseService, ServedAssociation, ServiceRequest } from '../dimse/dimse-service.ts';
import { CommitmentQueue, type CommitmentRequest, type NewRequest, type StudyCommitment } from './commitment-queue.ts';
import { commitmentScp } from './commitment-scp.ts';
import { reportOn, reportTo } from './event-report.ts';
import { judge } from './judge.ts';
import type { CommitmentInformation } from './references.ts';

export interface CommitmentsOptions {
  dataDir: string;
  aeTitle: string;
  archive: Archive;
  access: Pick<AccessControl, 'refused' | 'audit'>;
  log: Logger;
  /** Where an AE title takes reports. */
  addressOf(aeTitle: string): { host: string; port: number } | undefined;
  /** For tests; default 5 s. */
  firstPauseMs?: number;
}

/** An open association on which somebody asked. */
interface Channel {
  callingAE: string;
  address: string;
  association: ServedAssociation;
  context: PresentationContext;
}

const AT_ONCE = 8;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
/** Who asks and hangs up at once wants the report on an association of its own: time to do so, ms. */
const MAY_HANG_UP_MS = 250;
const ANSWER_MS = 30_000;
/** Nobody waits longer for a report. */
const GIVE_UP_MS = 14 * 86_400_000;
/** Transaction UIDs are in use for so long. */
const KEPT_MS = 400 * 86_400_000;
const LONGEST_SLEEP_MS = 30_000;

/**
 * Storage commitment for those who send to us (PS3.4 Annex J, PS3.18 chapter 13). A request is kept before it is accepted;
 * then it is judged against the store, and told: on the same association when it is still open, else on a new one, again and
 * again until it was taken.
 */
export class Commitments {
  readonly service: DimseService;
  readonly queue: CommitmentQueue;
  readonly #options: CommitmentsOptions;
  readonly #channels = new Set<Channel>();
  readonly #working = new Map<number, Promise<void>>();
  readonly #judging = new Limiter(1);
  #hashers: Hashers | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CommitmentsOptions, report?: (request: ServiceRequest) => ReturnType<DimseService['serve']>) {
    this.#options = options;
    this.queue = new CommitmentQueue(options.dataDir);
    this.service = commitmentScp({
      access: options.access,
      accept: ({ callingAE: requester, address }, { transactionUID, references }) =>
        this.request({ transactionUID, via: 'dimse', requester, address, references }) !== undefined,
      accepted: (request) => this.#accepted(request),
      ...(report && { report }),
    });
  }

  start(): void {
    this.queue.prune(new Date(Date.now() - KEPT_MS).toISOString());
    this.wake();
  }

  /** Keeps a request for good; undefined: its Transaction UID was used before for something else. */
  request(request: NewRequest): CommitmentRequest | undefined {
    const kept = this.queue.add(request);
    const { requester: user, address, transactionUID: object, references } = request;
    const detail = `storage commitment asked for ${references.length} instances`;
    const outcome = kept ? 'ok' : 'refused';
    this.#options.access.audit({ user, address, action: 'commitment', object, detail, outcome });
    return kept;
  }

  /** Waits until a request is judged, or `ms`. */
  async judgedWithin(transactionUID: string, ms: number): Promise<CommitmentRequest | undefined> {
    const until = Date.now() + ms;
    this.wake();
    for (;;) {
      const request = this.queue.byTransaction(transactionUID);
      const work = request && this.#working.get(request.id);
      if (request?.state !== 'open' || !work || Date.now() >= until) return request;
      await Promise.race([work, new Promise((resolve) => setTimeout(resolve, until - Date.now()).unref())]);
    }
  }

  ofStudy(studyInstanceUID: string): StudyCommitment | undefined {
    return this.queue.ofStudy(studyInstanceUID);
  }

  /** Where this AE takes reports is known now, or known better. */
  addressKnown(aeTitle: string): void {
    this.queue.hasCome(aeTitle);
    this.wake();
  }

  #accepted({ callingAE, address, association, context }: ServiceRequest): void {
    for (const channel of this.#channels) if (channel.association.over) this.#channels.delete(channel);
    this.#channels.add({ callingAE, address, association, context });
    this.queue.hasCome(callingAE);
    this.#sleep(MAY_HANG_UP_MS);
  }

  /** Does what is due. */
  wake(): void {
    if (this.#closed) return;
    const now = Date.now();
    const taken = new Set(this.#working.keys());
    for (const request of this.queue.due(now, taken, AT_ONCE - this.#working.size)) {
      const work = this.#work(request)
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'storage commitment'))
        .finally(() => {
          this.#working.delete(request.id);
          this.wake();
        });
      this.#working.set(request.id, work);
    }
    if (this.#working.size >= AT_ONCE) return;
    const next = this.queue.nextDue(new Set(this.#working.keys()));
    this.#sleep(next === null ? LONGEST_SLEEP_MS : Math.max(next - now, 50));
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.wake(), Math.min(ms, LONGEST_SLEEP_MS));
    this.#timer.unref();
  }

  async #work(request: CommitmentRequest): Promise<void> {
    try {
      if (request.state === 'open') await this.#judging.run(0, () => this.#judge(request));
      else await this.#report(request);
    } catch (cause) {
      if (this.#closed) return;
      this.#later(request, asLifeboatError(cause));
    }
  }

  async #judge(request: CommitmentRequest): Promise<void> {
    if (this.#closed) return;
    const { archive, access, log } = this.#options;
    this.#hashers ??= hashersOf(archive);
    const judgement = await judge({ archive, check: (key) => this.#hashers!.check(key) }, request.references);
    this.queue.judged(request, judgement, Date.now());
    const { requester: user, address, transactionUID: object, references } = request;
    const failures = judgement.failed.length;
    const detail = `storage commitment: ${references.length - failures} confirmed, ${failures} not`;
    access.audit({ user, address, action: 'commitment', object, detail, outcome: failures > 0 ? 'error' : 'ok' });
    log.info(
      { requester: user, transactionUID: object, asked: references.length, failures },
      'storage commitment judged',
    );
  }

  async #report(request: CommitmentRequest): Promise<void> {
    const { requester, transactionUID, references, failed } = request;
    const not = new Set(failed.map(({ sopInstanceUID }) => sopInstanceUID));
    const information = {
      transactionUID,
      references: references.filter(({ sopInstanceUID }) => !not.has(sopInstanceUID)),
      failed,
    };
    if (!(await this.#reportHere(request, information))) {
      const to = this.#options.addressOf(requester);
      if (!to)
        throw new LifeboatError(
          'PEER_UNREACHABLE',
          `Nobody knows where ${requester} takes reports: enter its port under IT, Senders, or with "lifeboat ae allow ${requester} --port PORT".`,
        );
      await reportTo({ ...to, calledAE: requester, callingAE: this.#options.aeTitle }, information);
    }
    this.queue.reported(request.id);
  }

  /** On an association that the requester still holds; false: there is none that takes it. */
  async #reportHere({ requester, address }: CommitmentRequest, information: CommitmentInformation): Promise<boolean> {
    for (const channel of [...this.#channels]) {
      const { association, context } = channel;
      if (association.over) this.#channels.delete(channel);
      if (association.over || channel.callingAE !== requester || channel.address !== address) continue;
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new LifeboatError('DIMSE_TIMEOUT')), ANSWER_MS);
      });
      try {
        const invoke: ServedAssociation['invoke'] = (at, command, dataSet) => association.invoke(at, command, dataSet);
        await Promise.race([reportOn(invoke, context, information, this.#options.aeTitle), silence]);
        return true;
      } catch (error) {
        this.#options.log.info({ err: error, requester }, 'the report was not taken on the same association');
        this.#channels.delete(channel);
      } finally {
        clearTimeout(timer);
      }
    }
    return false;
  }

  #later(request: CommitmentRequest, { message }: LifeboatError): void {
    const { id, attempts, requester, transactionUID, requestedAt } = request;
    if (Date.now() - Date.parse(requestedAt) > GIVE_UP_MS) {
      this.#options.log.error({ requester, transactionUID, message }, 'storage commitment could not be reported');
      this.queue.giveUp(id, message);
      return;
    }
    const first = this.#options.firstPauseMs ?? FIRST_PAUSE_MS;
    const pause = Math.min(LONGEST_PAUSE_MS, first * 2 ** Math.min(attempts, 20)) * (0.8 + 0.4 * Math.random());
    if (attempts === 0)
      this.#options.log.warn({ requester, transactionUID, message }, 'storage commitment: again later');
    this.queue.later(id, attempts + 1, Date.now() + pause, message);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#hashers?.close();
    await Promise.race([
      Promise.all(this.#working.values()),
      new Promise((resolve) => setTimeout(resolve, 2_000).unref()),
    ]);
    this.queue.close();
  }
}

/** One thread: a commitment may take a while, receiving may not. */
function hashersOf({ store }: Archive): Hashers {
  const reader = openReader(store, { threads: 1 });
  return { check: async (key) => (await reader.check([key]))[0]!, close: () => reader.close() };
}

export function registerCommitmentMetrics(registry: Registry, commitments: Commitments): void {
  new Gauge({
    name: 'lifeboat_commitment_requests',
    help: 'Requests for storage commitment by what became of them',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, n] of Object.entries(commitments.queue.counts())) this.set({ state }, n);
    },
  });
}
