import { setTimeout as sleep } from 'node:timers/promises';
import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import type { ObjectStore } from '../object-store.ts';
import type { SealKey } from '../seal-key.ts';
import { publishArchive } from './archive-description.ts';
import { catchUpIndex } from './catch-up-index.ts';
import { listedStudies, rowsOf } from './compare.ts';
import { IndexWriter, type IndexWriterOptions } from './index-writer.ts';
import { PieceRemover } from './remove-pieces.ts';

export interface IndexTimes {
  /** Changed studies wait so long for others, ms. Default 2 s. */
  gatherMs?: number;
  /** Shortest time between two comparisons with the manifests, ms. Default 20 minutes. */
  compareMs?: number;
  /** After a comparison it rests so many times as long as that took, and never longer than 45 minutes. Default 20. */
  rest?: number;
  /** While nothing changes the signed description is written again after this, so that the index does not look old, ms. Default 10 minutes. */
  beatMs?: number;
  /** It is looked whether the index is still in the store, ms. Default one minute. */
  lookMs?: number;
}

export interface IndexKeeperOptions extends IndexTimes, Omit<IndexWriterOptions, 'onProblem'> {
  store: ObjectStore;
  key: SealKey;
  program: string;
  onProblem(error: LifeboatError): void;
  onStatus(status: IndexStatus): void;
}

export interface IndexStatus {
  /** When this router last put a part of the index into the store, UTC ISO; null: not yet since it exists. */
  publishedAt: string | null;
  /** Since when studies wait to get into the index, UTC ISO; null: none wait. */
  waitingSince: string | null;
  /** Last comparison with the manifests that came to its end, UTC ISO. */
  comparedAt: string | null;
  /** Present while the first comparison, or one that finds much, is under way: studies added so far. */
  filling?: number;
}

const RETRY_MS = 5000;
/** Replaced manifest segments go after an hour: the index must know their successors before. */
const LONGEST_REST_MS = 45 * 60_000;
/** Fresh studies of one turn. */
const TURN = 200;

/** Keeps the index of one store up with its manifests: what changed within seconds, everything else by comparison. */
export class IndexKeeper {
  readonly #options: IndexKeeperOptions;
  readonly #stop = new AbortController();
  readonly #remover: PieceRemover;
  /** Paths of studies that changed. */
  readonly #changed = new Set<string>();
  #status: IndexStatus = { publishedAt: null, waitingSince: null, comparedAt: null };
  #writer: IndexWriter | undefined;
  #compareDue = 0;
  #beatDue = 0;
  #lookDue = 0;
  #failure = '';
  #loop: Promise<void> = Promise.resolve();

  constructor(options: IndexKeeperOptions) {
    this.#options = options;
    this.#remover = new PieceRemover(options.store);
  }

  start(): void {
    this.#loop = this.#run();
  }

  changed(paths: Iterable<string>): void {
    for (const path of paths) this.#changed.add(path);
    if (this.#changed.size > 0 && this.#status.waitingSince === null)
      this.#tell({ waitingSince: new Date().toISOString() });
  }

  /** Ends what is under way; what waits is found again by the next comparison. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { gatherMs = 2000, onProblem } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let wait = gatherMs;
      try {
        await this.#turn();
        this.#failure = '';
      } catch (thrown) {
        const error = asLifeboatError(thrown);
        if (error.message !== this.#failure && !signal.aborted) onProblem(error);
        this.#failure = error.message;
        wait = RETRY_MS;
      }
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async #turn(): Promise<void> {
    const { onProblem, ...options } = this.#options;
    this.#writer ??= await IndexWriter.open({ ...options, onProblem });
    if (this.#writer.publishedAt && !this.#status.publishedAt) this.#tell({ publishedAt: this.#writer.publishedAt });
    await this.#publishChanged(this.#writer);
    if (performance.now() >= this.#lookDue) {
      await this.#writer.look();
      this.#lookDue = performance.now() + (this.#options.lookMs ?? 60_000);
    }
    if (this.#writer.lost || performance.now() >= this.#compareDue) await this.#compare(this.#writer);
    else if (this.#changed.size === 0 && performance.now() >= this.#beatDue) await this.#describe(this.#writer);
  }

  async #publishChanged(writer: IndexWriter): Promise<void> {
    const { store, onProblem } = this.#options;
    while (this.#changed.size > 0 && !this.#stop.signal.aborted) {
      const paths = [...this.#changed].slice(0, TURN);
      for (const path of paths) this.#changed.delete(path);
      try {
        const rows = [];
        for (const path of paths)
          for await (const row of rowsOf(store, listedStudies(store, `manifests/${path}/`), onProblem)) rows.push(row);
        await writer.publish(rows);
      } catch (error) {
        for (const path of paths) this.#changed.add(path);
        throw error;
      }
      this.#tell({ publishedAt: writer.publishedAt, ...(this.#changed.size === 0 && { waitingSince: null }) });
    }
  }

  async #compare(writer: IndexWriter): Promise<void> {
    const { store, onProblem, compareMs = 20 * 60_000, rest = 20 } = this.#options;
    const startedAt = performance.now();
    const { signal } = this.#stop;
    writer.lost = false;
    const added = await catchUpIndex({
      store,
      writer,
      onProblem,
      signal,
      onProgress: (filling) => this.#tell({ filling }),
    }).finally(() => {
      const { filling: _, ...status } = this.#status;
      this.#status = status;
    });
    if (signal.aborted) return;
    if (added === 0) await writer.heal();
    await this.#describe(writer);
    await this.#remover.run(writer.heads);
    const took = performance.now() - startedAt;
    this.#compareDue = performance.now() + Math.min(LONGEST_REST_MS, Math.max(compareMs, took * rest));
    this.#tell({ comparedAt: new Date().toISOString(), publishedAt: writer.publishedAt || null });
  }

  /** Says to readers that the index has everything as of now. */
  async #describe(writer: IndexWriter): Promise<void> {
    const { store, key, program, beatMs = 10 * 60_000 } = this.#options;
    await publishArchive({ store, heads: writer.heads, key, program, publishedBy: this.#options.writer });
    this.#beatDue = performance.now() + beatMs;
  }

  #tell(news: Partial<IndexStatus>): void {
    this.#status = { ...this.#status, ...news };
    this.#options.onStatus(this.#status);
  }
}
