/**
 * Where the frames of encapsulated pixel data are (PS3.5 A.4): Basic Offset Table, Extended Offset Table, or the fragments
 * themselves. Reads item headers only. Written as a generator of read requests, so that callers read as they can, together
 * where possible. Runs in the browser too.
 */

/** One read: at most `length` bytes from `offset`; fewer at the end of the object. */
export interface ReadRequest {
  offset: number;
  length: number;
}
/** Yields reads that may be made at once, is sent the bytes in the same order. */
export type Reads<T> = Generator<ReadRequest[], T, Uint8Array[]>;

export interface EncapsulatedFrames {
  /** For each frame offset,length,offset,length… of its fragments. */
  frames: number[][];
  /** First byte behind the sequence delimiter, or the end of the object. */
  end: number;
  notes: string[];
}

export interface EncapsulatedInput {
  /** First byte of the value field of Pixel Data. */
  offset: number;
  /** Bytes of the object. */
  size: number;
  /** Number of Frames as sent; only a hint. */
  numberOfFrames: number;
  transferSyntaxUID: string;
  littleEndian: boolean;
  /** Value fields of (7FE0,0001) and (7FE0,0002). */
  extendedOffsets?: { offset: number; length: number };
  extendedLengths?: { offset: number; length: number };
}

const ITEM = 0xfffee000;
const SEQUENCE_DELIMITER = 0xfffee0dd;
const HEADER = 8;
/** Item header and enough behind it to recognise the start of a code stream. */
const PEEK = HEADER + 12;
const BATCH = 256;
const MAX_FRAGMENTS = 2_000_000;
const READ_AHEAD = 4096;
/** Longest offset table that is believed, bytes. */
const MAX_TABLE = 8 * MAX_FRAGMENTS;

interface Fragment {
  offset: number;
  length: number;
  startsCodeStream: boolean;
}

/** MPEG-2, MPEG-4 and HEVC: one stream over all frames (PS3.5 8.2.5 to 8.2.9). */
export function isVideo(transferSyntaxUID: string): boolean {
  return /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/.test(transferSyntaxUID);
}

/** Start of JPEG and JPEG-LS (SOI), JPEG 2000 (SOC, or its file signature), JPEG XL, or an RLE header (PS3.5 G.5). */
function startsCodeStream(bytes: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (a === 0xff && b === 0xd8 && c === 0xff) return true;
  if (a === 0xff && b === 0x4f && c === 0xff && d === 0x51) return true;
  if (a === 0xff && b === 0x0a) return true;
  if (a === 0 && b === 0 && c === 0 && d === 0x0c && bytes[4] === 0x6a) return true;
  return a >= 1 && a <= 15 && b === 0 && c === 0 && d === 0 && bytes[4] === 64 && bytes[5] === 0 && bytes[6] === 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function itemHeader(bytes: Uint8Array, littleEndian: boolean): { tag: number; length: number } | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = viewOf(bytes);
  return {
    tag: view.getUint16(0, littleEndian) * 0x10000 + view.getUint16(2, littleEndian),
    length: view.getUint32(4, littleEndian),
  };
}

/** Finds the frames. Never throws on bad input and never allocates by what the object merely claims. */
export function* locateFrames(input: EncapsulatedInput): Reads<EncapsulatedFrames> {
  const { size, littleEndian } = input;
  const notes: string[] = [];
  const [head = new Uint8Array(0)] = yield [{ offset: input.offset, length: HEADER }];
  const table = itemHeader(head, littleEndian);
  if (!table || table.tag !== ITEM) {
    if (table?.tag !== SEQUENCE_DELIMITER) notes.push('encapsulated pixel data without a first item');
    return { frames: [], end: table?.tag === SEQUENCE_DELIMITER ? input.offset + HEADER : size, notes };
  }
  const base = input.offset + HEADER + table.length;
  if (base > size) return { frames: [], end: size, notes: ['the object ends inside the Basic Offset Table'] };
  const extended = yield* extendedTable(input, base, notes);
  if (extended) return { ...extended, notes };

  const offsets = yield* basicOffsets(input, table.length, notes);
  if (offsets && offsets.length > 1 && !isVideo(input.transferSyntaxUID)) {
    const quick = yield* oneFragmentPerFrame(input, base, offsets);
    if (quick) return { ...quick, notes };
  }
  const { fragments, end } = yield* walk(input, base, notes);
  return { frames: divide(fragments, offsets, base, input, notes), end, notes };
}

/** Frames by the Extended Offset Table: each frame is one fragment, lengths are without padding (PS3.3 C.7.6.3.1.8). */
function* extendedTable(
  input: EncapsulatedInput,
  base: number,
  notes: string[],
): Reads<Omit<EncapsulatedFrames, 'notes'> | undefined> {
  const { extendedOffsets, extendedLengths, size, littleEndian } = input;
  if (!extendedOffsets || !extendedLengths || extendedOffsets.length < 8) return undefined;
  if (extendedOffsets.length > MAX_TABLE || extendedLengths.length > MAX_TABLE) {
    notes.push('the Extended Offset Table is longer than is read');
    return undefined;
  }
  const [offsets = new Uint8Array(0), lengths = new Uint8Array(0)] = yield [extendedOffsets, extendedLengths];
  const count = Math.floor(offsets.length / 8);
  if (Math.floor(lengths.length / 8) === count) {
    const frames: number[][] = [];
    let highest = base;
    for (let i = 0; i < count; i++) {
      const offset = base + Number(viewOf(offsets).getBigUint64(i * 8, littleEndian)) + HEADER;
      const length = Number(viewOf(lengths).getBigUint64(i * 8, littleEndian));
      if (length === 0 || offset + length > size) break;
      frames.push([offset, length]);
      highest = Math.max(highest, offset + length + (length % 2));
    }
    const [first = new Uint8Array(0), last = new Uint8Array(0)] = yield [
      { offset: base, length: HEADER },
      { offset: highest, length: HEADER },
    ];
    const plausible = itemHeader(first, littleEndian)?.tag === ITEM && frames.length === count;
    if (plausible) {
      const ends = itemHeader(last, littleEndian)?.tag === SEQUENCE_DELIMITER;
      return { frames, end: ends ? highest + HEADER : size };
    }
  }
  notes.push('the Extended Offset Table does not match the object');
  return undefined;
}

function* basicOffsets(input: EncapsulatedInput, length: number, notes: string[]): Reads<number[] | undefined> {
  if (length < 4) return undefined;
  if (length > MAX_TABLE) {
    notes.push('the Basic Offset Table is longer than is read');
    return undefined;
  }
  const [bytes = new Uint8Array(0)] = yield [{ offset: input.offset + HEADER, length }];
  const view = viewOf(bytes);
  const offsets: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) offsets.push(view.getUint32(at, input.littleEndian));
  const rising = offsets.every((offset, i) => (i === 0 ? offset === 0 : offset > offsets[i - 1]!));
  if (rising) return offsets;
  notes.push('the Basic Offset Table does not match the object');
  return undefined;
}

/** The usual case, checked with batched reads: every offset is an item that ends where the next begins. */
function* oneFragmentPerFrame(
  input: EncapsulatedInput,
  base: number,
  offsets: number[],
): Reads<Omit<EncapsulatedFrames, 'notes'> | undefined> {
  const frames: number[][] = [];
  for (let from = 0; from < offsets.length; from += BATCH) {
    const batch = offsets.slice(from, from + BATCH);
    if (base + batch[batch.length - 1]! + HEADER > input.size) return undefined;
    const headers = yield batch.map((offset) => ({ offset: base + offset, length: HEADER }));
    for (const [i, bytes] of headers.entries()) {
      const item = itemHeader(bytes, input.littleEndian);
      if (item?.tag !== ITEM) return undefined;
      const start = base + batch[i]! + HEADER;
      const next = offsets[from + i + 1];
      if (next !== undefined ? start + item.length !== base + next : start + item.length > input.size) return undefined;
      frames.push([start, item.length]);
    }
  }
  const last = frames[frames.length - 1]!;
  const end = last[0]! + last[1]!;
  const [behind = new Uint8Array(0)] = yield [{ offset: end, length: HEADER }];
  return itemHeader(behind, input.littleEndian)?.tag === SEQUENCE_DELIMITER ? { frames, end: end + HEADER } : undefined;
}

/** Reads one item header after the other. */
function* walk(input: EncapsulatedInput, base: number, notes: string[]): Reads<{ fragments: Fragment[]; end: number }> {
  const fragments: Fragment[] = [];
  let at = base;
  let chunk: Uint8Array = new Uint8Array(0);
  let chunkStart = base;
  while (at + HEADER <= input.size) {
    if (at < chunkStart || at + Math.min(PEEK, input.size - at) > chunkStart + chunk.length) {
      const average = fragments.length > 0 ? (at - base) / fragments.length : 0;
      [chunk = new Uint8Array(0)] = yield [{ offset: at, length: average < READ_AHEAD / 2 ? READ_AHEAD : PEEK }];
      chunkStart = at;
    }
    const here = chunk.subarray(at - chunkStart);
    const item = itemHeader(here, input.littleEndian);
    if (item?.tag === SEQUENCE_DELIMITER) return { fragments, end: at + HEADER };
    if (item?.tag !== ITEM) {
      notes.push('the fragments of the pixel data have no end');
      return { fragments, end: input.size };
    }
    if (fragments.length >= MAX_FRAGMENTS) {
      notes.push('more fragments than are read');
      return { fragments, end: input.size };
    }
    const offset = at + HEADER;
    const length = Math.min(item.length, input.size - offset);
    if (length < item.length) notes.push('the object ends inside the pixel data');
    if (length > 0) {
      fragments.push({
        offset,
        length,
        startsCodeStream: startsCodeStream(here.subarray(HEADER, Math.min(PEEK, HEADER + length))),
      });
    }
    at = offset + item.length;
  }
  if (!notes.includes('the object ends inside the pixel data'))
    notes.push('the fragments of the pixel data have no end');
  return { fragments, end: input.size };
}

const flat = (fragments: Fragment[]) => fragments.flatMap(({ offset, length }) => [offset, length]);

function groupBy(fragments: Fragment[], begins: (fragment: Fragment, index: number) => boolean): number[][] {
  const frames: number[][] = [];
  for (const [i, fragment] of fragments.entries()) {
    if (i === 0 || begins(fragment, i)) frames.push([]);
    frames[frames.length - 1]!.push(fragment.offset, fragment.length);
  }
  return frames;
}

/** Puts fragments together to frames. */
function divide(
  fragments: Fragment[],
  offsets: number[] | undefined,
  base: number,
  input: EncapsulatedInput,
  notes: string[],
): number[][] {
  const wanted = input.numberOfFrames;
  if (fragments.length === 0) return [];
  if (isVideo(input.transferSyntaxUID)) return [flat(fragments)];
  if (offsets) {
    const starts = new Set(offsets.map((offset) => base + offset + HEADER));
    const frames = groupBy(fragments, ({ offset }) => starts.has(offset));
    if (frames.length === offsets.length && (wanted === frames.length || offsets.length > 1)) return frames;
    if (offsets.length > 1) notes.push('the Basic Offset Table does not match the object');
  }
  if (wanted === 1) return [flat(fragments)];
  if (fragments.length === wanted) return groupBy(fragments, () => true);
  const starts = fragments.filter((fragment) => fragment.startsCodeStream).length;
  if (starts > 0 && fragments[0]!.startsCodeStream) {
    if (starts !== wanted) notes.push(`${wanted} frames are announced, ${starts} found`);
    return groupBy(fragments, (fragment) => fragment.startsCodeStream);
  }
  if (fragments.length > wanted && fragments.length % wanted === 0) {
    const each = fragments.length / wanted;
    return groupBy(fragments, (_, i) => i % each === 0);
  }
  notes.push(`${wanted} frames are announced, ${fragments.length} fragments found`);
  return groupBy(fragments, () => true);
}
