import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { asLifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { DimseService, ServiceRequest } from '../dimse/dimse-service.ts';
import { clientTlsOptions } from '../forward/client-tls.ts';
import type { Destination, ForwardedInstance } from '../forward/forward-types.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { reasonWords } from './commitment-classes.ts';
import { requestCommitment, statusOfReport, type TakeReport } from './commitment-scu.ts';
import { requestWebCommitment, takeResult } from './commitment-stow.ts';
import { type Proof, type ProofCounts, ProofQueue } from './proof-queue.ts';

export interface ConfirmationsOptions {
  dataDir: string;
  aeTitle: string;
  archive: Pick<Archive, 'entries'>;
  forwarding: Forwarding;
  log: Logger;
  times?: Partial<ConfirmationTimes>;
}

/** ms. */
export interface ConfirmationTimes {
  /** From the sending to the question, so that one question is about many instances. */
  quiet: number;
  /** How long an association stays open for the report, and a web service is asked for the result. */
  sameAssociation: number;
  /** Without an answer so long it is asked again; doubled up to a day. */
  answer: number;
  /** After a destination that cannot be asked; doubled up to an hour. */
  pause: number;
}

const TIMES: ConfirmationTimes = { quiet: 5_000, sameAssociation: 5_000, answer: 3_600_000, pause: 10_000 };
const LONGEST_ANSWER_MS = 86_400_000;
const LONGEST_PAUSE_MS = 3_600_000;
const LONGEST_SLEEP_MS = 30_000;
/** Instances in one request. */
const ASKED_AT_ONCE = 1_000;
/** A destination that takes a content and says so often that it does not have it: a person has to look. */
const MOST_REFUSALS = 3;
/** At a start what was sent within so long and is not known here is asked for. */
const LOOK_BACK_MS = 2 * 86_400_000;
const LOOKED_AT_ONCE = 500;

/** One instance of a study and what a PACS has said of it. */
export type PacsConfirmation = Pick<
  Proof,
  'destination' | 'sopInstanceUID' | 'dataSetSha256' | 'transactionUID' | 'state' | 'reason'
> & {
  confirmed: boolean;
  /** UTC ISO of the answer; null: none so far. */
  at: string | null;
};

const asksFor = (destination: Destination): boolean => destination.commitment === true;

/**
 * Storage commitment asked of those to whom images are passed on (PS3.4 J.3, PS3.18 chapter 13): what a destination took is asked for, its answer
 * is kept for each instance, and what it says it does not have is owed to it again.
 */
export class Confirmations {
  readonly queue: ProofQueue;
  readonly #options: ConfirmationsOptions;
  readonly #times: ConfirmationTimes;
  readonly #held = new Map<string, { until: number; times: number; trouble: string }>();
  readonly #asking = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #resending: Promise<void> = Promise.resolve();
  #lookingBack: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.queue = new ProofQueue(options.dataDir);
  }

  start(): void {
    this.#resend();
    this.#run();
    this.#lookingBack = this.#lookBack().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'what was sent lately could not be compared with what is asked for');
    });
  }

  /** Finds what was sent and is not known here: a lost file, a crash, a destination that is asked only now. */
  async #lookBack(): Promise<void> {
    const since = new Date(Date.now() - LOOK_BACK_MS).toISOString();
    for (const { name } of this.#destinations())
      for (let after = { at: since, id: 0 }; ; ) {
        if (this.#closed) return;
        const some = this.#options.forwarding.sentSince(name, after, LOOKED_AT_ONCE);
        for (const { instance, at } of some)
          if (!this.queue.knows(name, instance.sopInstanceUID)) this.#note(name, instance, at);
        if (some.length < LOOKED_AT_ONCE) break;
        after = some.at(-1)!;
        await new Promise((resolve) => setImmediate(resolve));
      }
    this.#sleep(this.#times.quiet);
  }

  /** A destination said that it took an instance. */
  sent(destination: Destination, instance: ForwardedInstance): void {
    if (!asksFor(destination)) return;
    this.#note(destination.name, instance, new Date().toISOString());
    this.#sleep(this.#times.quiet);
  }

  #note(destination: string, instance: ForwardedInstance, sentAt: string): void {
    const { studyInstanceUID, sopInstanceUID, sopClassUID, dataSetSha256 } = instance;
    const proof = { destination, studyInstanceUID, sopInstanceUID, sopClassUID, dataSetSha256, sentAt };
    this.queue.sent(proof, Date.now() + this.#times.quiet);
  }

  /** N-EVENT-REPORT on an association of the destination's. */
  async *report({ dataSet, context }: ServiceRequest): ReturnType<DimseService['serve']> {
    yield statusOfReport(dataSet, context.transferSyntax, this.#take);
  }

  readonly #take: TakeReport = (information) => {
    const answer = this.queue.answered(information);
    if (!answer) return false;
    const { references, failed, transactionUID } = information;
    this.#options.log.info(
      { transactionUID, confirmed: references.length, refused: failed.length },
      'storage commitment answered',
    );
    if (answer.refused > 0) this.#resend();
    return true;
  };

  /** What each PACS that is asked has said of the instances of a study. */
  confirmedByPacs(studyInstanceUID: string): PacsConfirmation[] {
    return this.queue.ofStudy(studyInstanceUID).map((proof) => ({
      destination: proof.destination,
      sopInstanceUID: proof.sopInstanceUID,
      dataSetSha256: proof.dataSetSha256,
      transactionUID: proof.transactionUID,
      state: proof.state,
      reason: proof.reason,
      confirmed: proof.state === 'confirmed',
      at: proof.answeredAt,
    }));
  }

  /** SOP Instance UIDs of these, in the very content, to which a destination committed; undefined: it is not asked. */
  proof(name: string, entries: readonly InstanceEntry[]): ReadonlySet<string> | undefined {
    if (!this.#destinations().some((one) => one.name === name)) return undefined;
    const confirmed = entries.filter(({ sopInstanceUID, dataSetSha256 }) => {
      const proof = this.queue.of(name, sopInstanceUID);
      return proof?.state === 'confirmed' && proof.dataSetSha256 === dataSetSha256;
    });
    return new Set(confirmed.map(({ sopInstanceUID }) => sopInstanceUID));
  }

  /** undefined: the destination is not asked. */
  counts(name: string): (ProofCounts & { trouble: string }) | undefined {
    if (!this.#destinations().some((one) => one.name === name)) return undefined;
    return { ...this.queue.counts(name), trouble: this.#held.get(name)?.trouble ?? '' };
  }

  #destinations(): Destination[] {
    return this.#options.forwarding.destinations.filter(asksFor);
  }

  #run(): void {
    if (this.#closed) return;
    const now = Date.now();
    let next = now + LONGEST_SLEEP_MS;
    for (const destination of this.#destinations()) {
      const { name } = destination;
      if (this.#asking.has(name)) continue;
      const heldUntil = this.#held.get(name)?.until ?? 0;
      const due = now < heldUntil ? [] : this.queue.due(name, now, ASKED_AT_ONCE);
      if (due.length > 0) {
        const asking = this.#ask(destination, due).finally(() => {
          this.#asking.delete(name);
          this.#sleep(0);
        });
        this.#asking.set(name, asking);
      } else {
        next = Math.min(next, Math.max(heldUntil, this.queue.nextDue(name) ?? Number.POSITIVE_INFINITY));
      }
    }
    this.#sleep(next - now);
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#run(), Math.min(Math.max(ms, 20), LONGEST_SLEEP_MS));
    this.#timer.unref();
  }

  async #ask(destination: Destination, all: Proof[]): Promise<void> {
    const { name } = destination;
    const { log } = this.#options;
    const due = await this.#stillDue(destination, all);
    if (due.length === 0 || this.#closed) return;
    // PS3.5 B.2: a UUID as a UID, which nobody can guess.
    const transactionUID = `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
    const { pause, sameAssociation } = this.#times;
    this.queue.asked(due, transactionUID, ({ attempts }) => this.#answerDue(attempts));
    try {
      await this.#request(destination, transactionUID, due, sameAssociation);
      this.#held.delete(name);
      log.info({ destination: name, transactionUID, instances: due.length }, 'storage commitment asked for');
    } catch (cause) {
      const { message } = asLifeboatError(cause);
      const times = this.#held.get(name)?.times ?? 0;
      const until =
        Date.now() + Math.min(LONGEST_PAUSE_MS, pause * 2 ** Math.min(times, 10)) * (0.8 + 0.4 * Math.random());
      if (times === 0) log.warn({ destination: name, message }, 'storage commitment cannot be asked for');
      this.#held.set(name, { until, times: times + 1, trouble: message });
      if (!this.#closed) this.queue.notAsked(transactionUID, name, until);
    }
  }

  /** When an answer that has not come is asked for again. */
  #answerDue(attempts: number): number {
    return Date.now() + Math.min(LONGEST_ANSWER_MS, this.#times.answer * 2 ** Math.min(attempts, 10));
  }

  async #request(
    destination: Destination,
    transactionUID: string,
    due: readonly Proof[],
    waitMs: number,
  ): Promise<unknown> {
    if (destination.kind === 'stow') return requestWebCommitment(destination, transactionUID, due, this.#take, waitMs);
    const { host, port, aeTitle, tls } = destination;
    const peer = {
      host,
      port,
      calledAE: aeTitle,
      callingAE: destination.callingAE ?? this.#options.aeTitle,
      ...(tls && { tls: clientTlsOptions(tls, host) }),
    };
    return requestCommitment(peer, transactionUID, due, this.#take, waitMs);
  }

  /** A web service reports nothing by itself: the results of what it was asked for earlier are looked at first. */
  async #stillDue(destination: Destination, due: Proof[]): Promise<Proof[]> {
    if (destination.kind !== 'stow') return due;
    const earlier = new Set(due.map(({ transactionUID }) => transactionUID));
    earlier.delete(null);
    if (earlier.size === 0) return due;
    for (const transactionUID of earlier)
      try {
        const result = await takeResult(destination, transactionUID!, this.#take);
        const attempts = due.find((one) => one.transactionUID === transactionUID)?.attempts ?? 0;
        if (result === 'working' && !this.#closed)
          this.queue.postpone(destination.name, transactionUID!, this.#answerDue(attempts));
      } catch (cause) {
        // It is asked anew, which tells what is wrong.
        const { message } = asLifeboatError(cause);
        this.#options.log.info({ transactionUID, message }, 'the result of a storage commitment is not to be had');
      }
    if (this.#closed) return [];
    const open = this.queue.due(destination.name, Date.now(), ASKED_AT_ONCE);
    const asked = new Set(due.map(({ sopInstanceUID }) => sopInstanceUID));
    return open.filter(({ sopInstanceUID }) => asked.has(sopInstanceUID));
  }

  /** Owes again what was refused. */
  #resend(): void {
    this.#resending = this.#resending
      .then(async () => {
        for (const { name } of this.#destinations())
          for (let list = this.queue.refused(name, 500); list.length > 0; list = this.queue.refused(name, 500)) {
            if (this.#closed) return;
            for (const study of new Set(list.map(({ studyInstanceUID }) => studyInstanceUID)))
              await this.#resendStudy(
                study,
                list.filter(({ studyInstanceUID }) => studyInstanceUID === study),
              );
          }
      })
      .catch((error: unknown) => {
        // It stays refused; the next report or start tries again.
        this.#options.log.warn({ err: error }, 'what the PACS does not have cannot be sent again yet');
      });
  }

  async #resendStudy(studyInstanceUID: string, proofs: readonly Proof[]): Promise<void> {
    const { archive, forwarding, log } = this.#options;
    const entries = await archive.entries(studyInstanceUID);
    for (const proof of proofs) {
      const { destination, sopInstanceUID, dataSetSha256, refusals, reason } = proof;
      const why = `took it and then said: ${reasonWords(reason ?? 0)}`;
      const entry = entries.find((one) => one.sopInstanceUID === sopInstanceUID && one.dataSetSha256 === dataSetSha256);
      if (!entry || refusals >= MOST_REFUSALS) {
        log.warn({ destination, sopInstanceUID, refusals }, 'storage commitment refused: needs a person');
        forwarding.needsPerson(destination, sopInstanceUID, dataSetSha256, `The peer ${why}, ${refusals} times.`);
        this.queue.settle(proof, 'person');
        continue;
      }
      log.info({ destination, sopInstanceUID, reason }, 'storage commitment refused: owed again');
      await forwarding.sendAgain(destination, [entry]);
      this.queue.settle(proof, 'resent');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const stopped = Promise.all([...this.#asking.values(), this.#resending, this.#lookingBack]);
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
    this.queue.close();
  }
}
