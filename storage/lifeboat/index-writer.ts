import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import {
  HEADS,
  headKey,
  headOfKey,
  type IndexHead,
  MERGED_HEAD,
  mergedHead,
  type PieceInfo,
  packHead,
  pieceKey,
} from '../format/lifeboat-index-head.ts';
import { type IndexRow, mergeRows } from '../format/lifeboat-index-row.ts';
import { ulid } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { KnownHeads } from './index-state.ts';
import { PieceBuilder, pieceFile } from './piece-builder.ts';
import { mergedStudies } from './row-stream.ts';

export interface IndexWriterOptions {
  store: ObjectStore;
  /** Name of the writer, its own for ever: no two that run at the same time share one. [A-Za-z0-9._-] */
  writer: string;
  /** For pieces while they are made; emptied at the start. */
  workDir: string;
  onProblem(error: LifeboatError): void;
  /** So many fresh studies are kept in the head; more become a piece. Default 100. */
  recentRows?: number;
  /** For tests: awaited after each step that a kill may follow. */
  onStep?(step: 'piece' | 'head' | 'merged' | 'tidied'): void | Promise<void>;
}

const RECENT_ROWS = 100;
/** A piece is merged with what is smaller than it, when that is at least the 16th part of it. */
const GROWTH = 16;
/** Own heads that stay besides the newest, for readers that hold an older list. */
const KEPT_HEADS = 2;

/**
 * One writer of the search index. It writes pieces and heads under names never used again and changes nothing of another writer's;
 * only `head.json`, the union of all heads, is written over, and by everybody. Killed between any two steps it leaves an index
 * that is whole: a piece counts when a head names it, and a head is put in one request.
 */
export class IndexWriter {
  readonly #options: IndexWriterOptions;
  readonly heads: KnownHeads;
  #head: IndexHead;
  /** The store was emptied or put back: what this writer had published is not there any more. For whoever compares to take back. */
  lost = false;

  private constructor(options: IndexWriterOptions, heads: KnownHeads) {
    this.#options = options;
    this.heads = heads;
    this.#head = heads.get(options.writer) ?? {
      writer: options.writer,
      id: '',
      publishedAt: '',
      pieces: [],
      recent: [],
    };
  }

  /** Goes on where this writer stopped. @throws STORE_UNAVAILABLE */
  static async open(options: IndexWriterOptions): Promise<IndexWriter> {
    await rm(options.workDir, { recursive: true, force: true });
    await mkdir(options.workDir, { recursive: true, mode: 0o700 });
    const heads = new KnownHeads(options.store, options.onProblem);
    await heads.refresh();
    return new IndexWriter(options, heads);
  }

  get publishedAt(): string {
    return this.#head.publishedAt;
  }

  /**
   * Adds rows; the same ones again do no harm.
   * @throws STORE_UNAVAILABLE: call it again with the same rows
   */
  async publish(rows: Iterable<IndexRow>): Promise<void> {
    await this.look();
    const recent = new Map(this.#head.recent.map((row) => [row.path, row]));
    for (const row of rows) {
      const known = recent.get(row.path);
      recent.set(row.path, known ? mergeRows(known, row) : row);
    }
    if (recent.size <= (this.#options.recentRows ?? RECENT_ROWS))
      return this.#publishHead({ pieces: this.#ownPieces(), recent: [...recent.values()] });
    const piece = await this.#buildOnto(this.#toMerge(recent.size), [...recent.values()]);
    await this.#publishHead({ pieces: [...this.#ownPieces(piece), piece], recent: [] });
  }

  /**
   * Looks at the heads, and whether the own one is still there. A list may lag behind, so the head itself is asked for: only a real
   * 404 means that the store is another one than before; then nothing that was published counts any more.
   * @throws STORE_UNAVAILABLE
   */
  async look(): Promise<void> {
    const { store, writer } = this.#options;
    await this.heads.refresh();
    const { id } = this.#head;
    if (id === '' || this.heads.get(writer)) return;
    if (await store.head(headKey(writer, id))) {
      this.heads.put(this.#head);
      return;
    }
    this.#head = { ...this.#head, pieces: [], recent: [] };
    this.lost = true;
  }

  /** A piece of the rows and of others; of the rows alone where another cannot be read, so that nothing fresh waits for that. */
  async #buildOnto(inputs: readonly PieceInfo[], rows: IndexRow[]): Promise<PieceInfo> {
    try {
      return await this.#build(mergedStudies(this.#options.store, inputs, rows), inputs);
    } catch (thrown) {
      const error = asLifeboatError(thrown);
      if (!['MANIFEST_DAMAGED', 'OBJECT_NOT_FOUND'].includes(error.code)) throw thrown;
      this.#options.onProblem(error);
      return this.#build(rows, []);
    }
  }

  /** Adds many studies as a piece of their own, each once, in any order. `merge` afterwards. */
  async publishPiece(rows: AsyncIterable<IndexRow> | Iterable<IndexRow>): Promise<void> {
    const piece = await this.#build(rows, []);
    await this.heads.refresh();
    await this.#publishHead({ pieces: [...this.#ownPieces(), piece], recent: this.#head.recent });
  }

  /** Makes few pieces of many, as their sizes allow; all into one when `whole`. */
  async merge(whole = false): Promise<void> {
    await this.heads.refresh();
    const inputs = whole ? this.heads.live() : this.#toMerge(this.#head.recent.length);
    if (inputs.length >= 2) await this.#mergeInto(inputs, []);
  }

  /** Makes one piece of all but the ones given, which count no more: what they knew was read anew from the manifests. */
  async replace(outdated: readonly PieceInfo[]): Promise<void> {
    await this.heads.refresh();
    const gone = new Set(outdated.map(({ id }) => id));
    await this.#mergeInto(
      this.heads.live().filter(({ id }) => !gone.has(id)),
      outdated,
    );
  }

  async #mergeInto(inputs: readonly PieceInfo[], outdated: readonly PieceInfo[]): Promise<void> {
    const { recent } = this.#head;
    const rows = mergedStudies(this.#options.store, inputs, recent);
    const piece = await this.#build(rows, [...inputs, ...outdated]);
    await this.#publishHead({ pieces: [...this.#ownPieces(piece), piece], recent: [] });
  }

  /** Writes `head.json` again where it lacks something, which two writers at once may cause. @throws STORE_UNAVAILABLE */
  async heal(): Promise<void> {
    await this.heads.refresh();
    await this.#publishMerged();
  }

  /** The smaller pieces, as long as all before are not much less than the next. */
  #toMerge(fresh: number): PieceInfo[] {
    const bySize = this.heads.live().sort((a, b) => a.studies - b.studies);
    const inputs: PieceInfo[] = [];
    let total = fresh;
    for (const piece of bySize) {
      if (piece.studies > total * GROWTH) break;
      inputs.push(piece);
      total += piece.studies;
    }
    return inputs;
  }

  /** What this writer's head goes on naming: its own pieces that nothing else replaces. */
  #ownPieces(added?: PieceInfo): PieceInfo[] {
    const live = new Set(this.heads.live().map(({ id }) => id));
    return this.#head.pieces.filter(({ id }) => live.has(id) && !added?.replaces.includes(id));
  }

  async #build(rows: AsyncIterable<IndexRow> | Iterable<IndexRow>, inputs: readonly PieceInfo[]): Promise<PieceInfo> {
    const { store, workDir, onStep } = this.#options;
    const folder = await mkdtemp(join(workDir, 'piece-'));
    try {
      const builder = new PieceBuilder(folder);
      for await (const row of rows) builder.add(row);
      const path = pieceFile(folder);
      const made = builder.finish(path);
      const id = ulid();
      await store.putFile(pieceKey(id), path, made.size);
      await onStep?.('piece');
      return { id, createdAt: new Date().toISOString(), ...made, replaces: this.#replaced(inputs) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The inputs, and what these replaced as long as some head still names it: that must not count again. */
  #replaced(inputs: readonly PieceInfo[]): string[] {
    const named = new Set(this.heads.all().flatMap(({ pieces }) => pieces.map(({ id }) => id)));
    const older = inputs.flatMap(({ replaces }) => replaces).filter((id) => named.has(id));
    return [...new Set([...inputs.map(({ id }) => id), ...older])].sort();
  }

  async #publishHead(content: Pick<IndexHead, 'pieces' | 'recent'>): Promise<void> {
    const { store, writer, onStep } = this.#options;
    const now = Date.now();
    let id = ulid(now);
    // a clock set back, or the same millisecond: heads of a writer sort by their making all the same
    if (id <= this.#head.id) id = ulid(timeOf(this.#head.id) + 1);
    const head: IndexHead = { writer, id, publishedAt: new Date(now).toISOString(), ...content };
    await store.put(headKey(writer, id), Buffer.from(packHead(head)));
    this.#head = head;
    this.heads.put(head);
    await onStep?.('head');
    await this.#publishMerged();
    await onStep?.('merged');
    await this.#tidyHeads();
    await onStep?.('tidied');
  }

  /** Again when another writer's head appeared meanwhile: its own union may have been written before this one. */
  async #publishMerged(): Promise<void> {
    const { store, writer } = this.#options;
    for (let attempt = 0; attempt < 3; attempt++) {
      const now = Date.now();
      const merged = mergedHead(this.heads.all(), writer, ulid(now), new Date(now).toISOString());
      await store.put(MERGED_HEAD, Buffer.from(packHead({ ...merged, publishedAt: newestOf(this.heads.all()) })));
      if (!(await this.heads.refresh())) return;
    }
  }

  async #tidyHeads(): Promise<void> {
    const { store, writer } = this.#options;
    const own: string[] = [];
    for await (const { key } of store.list(`${HEADS}${writer}/`)) if (headOfKey(key)) own.push(key);
    for (const key of own.sort().slice(0, -1 - KEPT_HEADS)) await store.delete(key);
  }
}

const newestOf = (heads: IndexHead[]) =>
  heads
    .map(({ publishedAt }) => publishedAt)
    .sort()
    .at(-1) ?? '';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Milliseconds in a ULID. */
export function timeOf(id: string): number {
  let time = 0;
  for (const digit of id.slice(0, 10)) time = time * 32 + ALPHABET.indexOf(digit);
  return time;
}
