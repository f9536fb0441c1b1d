import { randomBytes } from 'node:crypto';
import { giveAlignedBlock, takeAlignedBlock } from './aligned-blocks.ts';
import { SpoolLogFile } from './spool-log-file.ts';
import {
  GENERATION_BYTES,
  PAGE_BYTES,
  pageAlign,
  readRecordPage,
  readSegmentPage,
  SEGMENT_BYTES,
  writeSegmentPage,
} from './spool-log-format.ts';
import { SpoolLogPart } from './spool-log-part.ts';

/** A stretch of the log that one reception at a time writes on. */
export interface Segment {
  readonly index: number;
  /** null: empty. */
  generation: Buffer | null;
  /** Where the next record may start. */
  tail: number;
  /** Records that are not unpacked yet. */
  records: number;
  /** found: left by an earlier run, to be read. busy: being written. */
  state: 'idle' | 'busy' | 'found';
}

/** One acknowledged instance in the log. */
export interface LogRecord {
  readonly segment: Segment;
  /** First byte in the segment. */
  readonly start: number;
  readonly size: number;
  /** Its file name in the spool. */
  readonly name: string;
}

/** Room that is sought for a reception before the first size is known. */
const FIRST_EXPECTED_BYTES = 1024 * 1024;
/** Empty segments kept ready besides as many as are in use. */
const SPARE_SEGMENTS = 2;
const GROW_AGAIN_MS = 60_000;

/**
 * The fast lane of the spool: small instances are acknowledged out of a file that exists already, after one flush of the disk
 * and no work of the file system; when the sender pauses they are unpacked into files of their own (spool-unpacker.ts).
 * PostgreSQL's recycled log segments are the model. Recovery: every record of a segment in use is unpacked.
 */
export class SpoolLog {
  readonly file: SpoolLogFile;
  readonly #limit: number;
  readonly #mayGrow: (bytes: number) => boolean;
  readonly #segments: Segment[] = [];
  #expected = FIRST_EXPECTED_BYTES;
  #growing: Promise<void> | null = null;
  #noGrowthBefore = 0;
  #closed = false;

  /**
   * Opens the file and finds the segments that hold records; nothing is written on these before `forget`.
   * @param maxBytes size that the file may grow to. @param mayGrow whether the disk has room for so many bytes more
   * Throws what the disk throws.
   */
  constructor(path: string, maxBytes: number, mayGrow: (bytes: number) => boolean) {
    this.file = SpoolLogFile.open(path);
    this.#limit = Math.floor(maxBytes / SEGMENT_BYTES);
    this.#mayGrow = mayGrow;
    const block = takeAlignedBlock();
    try {
      for (let index = 0; index < this.file.segments; index++) {
        this.file.readSync(block, PAGE_BYTES, index * SEGMENT_BYTES);
        const generation = readSegmentPage(block);
        this.#segments.push(generation ? foundSegment(index, generation) : emptySegment(index));
      }
    } finally {
      giveAlignedBlock(block);
    }
  }

  /** Segments found in use at the start. */
  found(): Segment[] {
    return this.#segments.filter(({ generation }) => generation !== null);
  }

  /** Bytes of all segments in use, and of the file as it may become. */
  usage(): { used: number; limit: number } {
    const used = this.#segments.filter(({ generation }) => generation !== null).length;
    return { used: used * SEGMENT_BYTES, limit: this.#limit * SEGMENT_BYTES };
  }

  /** A place for one more instance; null when there is none now (the caller writes a file, and the log grows meanwhile). */
  begin(): SpoolLogPart | null {
    if (this.#closed) return null;
    const segment = this.#choose();
    this.#growIfNeeded();
    if (!segment) return null;
    segment.state = 'busy';
    segment.generation ??= randomBytes(GENERATION_BYTES);
    return new SpoolLogPart(this, segment);
  }

  /** The fullest segment that has room for an instance as large as the last one, else an empty one. */
  #choose(): Segment | null {
    let best: Segment | null = null;
    for (const segment of this.#segments) {
      if (segment.state !== 'idle') continue;
      if (segment.generation !== null && SEGMENT_BYTES - segment.tail < this.#expected + 2 * PAGE_BYTES) continue;
      if (!best || segment.tail > best.tail) best = segment;
    }
    return best;
  }

  #growIfNeeded(): void {
    if (this.#growing || this.#segments.length >= this.#limit || performance.now() < this.#noGrowthBefore) return;
    const empty = this.#segments.filter(({ generation }) => generation === null).length;
    const used = this.#segments.length - empty;
    if (empty >= used + SPARE_SEGMENTS) return;
    if (!this.#mayGrow(2 * SEGMENT_BYTES)) return;
    this.#growing = this.file
      .grow()
      .then(() => {
        this.#segments.push(emptySegment(this.#segments.length));
      })
      // The disk has no room or cannot do it: files do without the log.
      .catch(() => {
        this.#noGrowthBefore = performance.now() + GROW_AGAIN_MS;
      })
      .finally(() => {
        this.#growing = null;
        if (!this.#closed) this.#growIfNeeded();
      });
  }

  /** Called by the part when its record is on stable storage. */
  sealed(segment: Segment, start: number, size: number, name: string): LogRecord {
    segment.tail = start + pageAlign(size) + PAGE_BYTES;
    segment.records++;
    segment.state = 'idle';
    this.#expected = pageAlign(size);
    return { segment, start, size, name };
  }

  /** Called by the part when nothing of it is kept. */
  dropped(segment: Segment): void {
    segment.state = 'idle';
    if (segment.tail === PAGE_BYTES) segment.generation = null;
  }

  /** Reads the segment of an earlier run: its records, in the order they were written. */
  async recordsOf(segment: Segment): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const block = takeAlignedBlock();
    try {
      const base = segment.index * SEGMENT_BYTES;
      for (let at = 0; at < SEGMENT_BYTES; at += block.length) {
        const got = await this.file.read(block, block.length, base + at);
        for (let page = 0; page < got; page += PAGE_BYTES) {
          const record = readRecordPage(block.subarray(page, page + PAGE_BYTES), segment.generation!);
          if (record && record.start + pageAlign(record.size) === at + page) records.push({ segment, ...record });
        }
      }
    } finally {
      giveAlignedBlock(block);
    }
    segment.records = records.length;
    return records;
  }

  /** The bytes of a record in pieces that are good until the next one is asked for. Throws what the disk throws. */
  async *read(record: LogRecord): AsyncGenerator<Buffer> {
    const block = takeAlignedBlock();
    try {
      const base = record.segment.index * SEGMENT_BYTES + record.start;
      for (let at = 0; at < record.size; at += block.length) {
        const got = await this.file.read(block, Math.min(block.length, pageAlign(record.size - at)), base + at);
        yield block.subarray(0, Math.min(got, record.size - at));
      }
    } finally {
      giveAlignedBlock(block);
    }
  }

  /**
   * Makes the log forget records whose files are on stable storage, so that no later start finds them again; resolves when
   * that is on stable storage too. Segments that hold nothing else are empty then. Throws what the disk throws; the records
   * are then still known.
   */
  async forget(records: LogRecord[]): Promise<void> {
    const counts = new Map<Segment, number>();
    for (const { segment } of records) counts.set(segment, (counts.get(segment) ?? 0) + 1);
    const done = (segment: Segment) => segment.records === (counts.get(segment) ?? 0) && segment.generation !== null;
    const emptied = this.#segments.filter((segment) => segment.state !== 'busy' && done(segment));
    const before = emptied.map(({ state }) => state);
    for (const segment of emptied) segment.state = 'busy';
    const zeros = takeAlignedBlock().fill(0, 0, PAGE_BYTES);
    try {
      for (const { index } of emptied) await this.file.write(zeros, PAGE_BYTES, index * SEGMENT_BYTES);
      for (const { segment, start, size } of records) {
        if (emptied.includes(segment)) continue;
        await this.file.write(zeros, PAGE_BYTES, segment.index * SEGMENT_BYTES + start + pageAlign(size));
      }
      await this.file.sync();
    } catch (error) {
      for (const [i, segment] of emptied.entries()) segment.state = before[i]!;
      throw error;
    } finally {
      giveAlignedBlock(zeros);
    }
    for (const [segment, count] of counts) segment.records -= count;
    for (const segment of emptied) Object.assign(segment, emptySegment(segment.index));
  }

  /** Gives empty segments at the end of the file back to a disk that is full; true when there were some. */
  giveBack(): boolean {
    if (this.#growing) return false;
    let keep = this.#segments.length;
    while (keep > 0 && this.#segments[keep - 1]!.generation === null) keep--;
    if (keep === this.#segments.length) return false;
    this.#segments.length = keep;
    this.file.shrink(keep);
    return true;
  }

  /** The segment's first page, for the part that is first to write on it. */
  segmentPage(segment: Segment, page: Buffer): void {
    writeSegmentPage(page, segment.generation!);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#growing;
    this.file.close();
  }
}

function emptySegment(index: number): Segment {
  return { index, generation: null, tail: PAGE_BYTES, records: 0, state: 'idle' };
}

/** Never empty before its records were read. */
function foundSegment(index: number, generation: Buffer): Segment {
  return { index, generation, tail: SEGMENT_BYTES, records: Number.POSITIVE_INFINITY, state: 'found' };
}
