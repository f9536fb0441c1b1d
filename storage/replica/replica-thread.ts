import { Worker } from 'node:worker_threads';
import { type ErrorCode, LifeboatError } from '../../contract/errors.ts';
import { describeReplica } from './open-replica.ts';
import type { FreshStudy, ReplicaOptions, ReplicaStatus } from './replica-types.ts';

export type ReplicaAnswer = { status: ReplicaStatus } | { problem: { code: ErrorCode; message: string } };
export type ReplicaRequest = { stored: FreshStudy[] } | { receiving: boolean } | { compareNow: true } | { close: true };

const AGAIN_MS = 5000;

/** The replicator in a thread of its own: reading and hashing for the second store holds up nobody. A thread that dies begins again. */
export class ReplicaThread {
  readonly #options: ReplicaOptions;
  #worker: Worker | undefined;
  #closed = false;
  #status: ReplicaStatus;
  #again: NodeJS.Timeout | undefined;
  #ended: Promise<void> = Promise.resolve();
  #receiving = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#status = {
      description: describeReplica(options.replica),
      state: 'starting',
      lag: { segments: 0, instances: 0, bytes: 0, oldest: null },
      copied: { instances: 0, bytes: 0 },
      problems: { count: 0, newest: [] },
      comparing: false,
      compared: null,
    };
  }

  start(): void {
    if (this.#closed) return;
    const { onProblem, ...workerData } = this.#options;
    const worker = new Worker(new URL('./replica-worker.ts', import.meta.url), { workerData });
    this.#worker = worker;
    worker.on('message', (answer: ReplicaAnswer) => {
      if ('problem' in answer) onProblem(new LifeboatError(answer.problem.code, answer.problem.message));
      else this.#status = answer.status;
    });
    worker.on('error', (error) => onProblem(new LifeboatError('INTERNAL', ': replication', { cause: error })));
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#worker = undefined;
        resolve();
        // what was told to the thread that died is found again by the comparison with which the next one begins
        if (!this.#closed) this.#again = setTimeout(() => this.start(), AGAIN_MS);
      });
    });
  }

  /** As the thread told it last, at most a second ago. */
  status(): ReplicaStatus {
    return this.#status;
  }

  noteStored(stored: FreshStudy[]): void {
    this.#tell({ stored });
  }

  noteReceiving(receiving: boolean): void {
    if (receiving === this.#receiving) return;
    this.#receiving = receiving;
    this.#tell({ receiving });
  }

  compareNow(): void {
    this.#tell({ compareNow: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#tell({ close: true });
    await this.#ended;
  }

  #tell(request: ReplicaRequest): void {
    this.#worker?.postMessage(request);
  }
}
