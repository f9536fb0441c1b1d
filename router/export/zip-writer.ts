import { crc32 } from 'node:zlib';

/** Where a ZIP file goes. */
export interface ZipSink {
  /** Appends. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Replaces bytes that were written before. Where it can be done, sizes and checksum stand in front of each member; else
   * behind it, which readers of a stream (Java's among them) do not all take for members that are not compressed.
   */
  rewrite?(bytes: Uint8Array, offset: number): Promise<void>;
}

/** A member as written. */
export interface ZipMember {
  name: Buffer;
  crc: number;
  size: number;
  /** Of the local header. */
  offset: number;
  /** Of the first byte of the content. */
  start: number;
  /** Sizes and checksum stand behind the content. */
  behind: boolean;
}

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
/** ZIP64 is understood from version 4.5 on. */
const VERSION = 45;
const UTF8_NAME = 0x0800;
const SIZES_BEHIND = 0x0008;
/** 1980-01-01 00:00, the earliest a ZIP file can say: the same members give the same bytes. */
const DOS_DATE = 0x0021;

/**
 * Writes a ZIP file (APPNOTE 6.3, ZIP64 where it is needed) whose members are stored, not compressed: images hardly shrink,
 * and every member can be read by byte range.
 */
export class ZipWriter {
  readonly #sink: ZipSink;
  readonly #members: ZipMember[] = [];
  #position = 0;

  constructor(sink: ZipSink) {
    this.#sink = sink;
  }

  /** Bytes of the whole members so far: where the sink is to be cut after `add` has failed. */
  get position(): number {
    return this.#position;
  }

  /** @param size of the body, which has to come as announced where the sink cannot be rewritten */
  async add(
    fileName: string,
    size: number,
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<ZipMember> {
    const name = Buffer.from(fileName);
    const offset = this.#position;
    const behind = this.#sink.rewrite === undefined;
    const placeholder = localHeader({ name, crc: 0, size, behind });
    const member: ZipMember = { name, crc: 0, size: 0, offset, start: offset + placeholder.length, behind };
    await this.#sink.write(placeholder);
    for await (const chunk of body) {
      member.crc = crc32(chunk, member.crc);
      member.size += chunk.length;
      await this.#sink.write(chunk);
    }
    if (member.size !== size) throw new RangeError(`${fileName}: ${member.size} bytes came, ${size} were announced`);
    let end = member.start + size;
    if (this.#sink.rewrite) await this.#sink.rewrite(localHeader(member), offset);
    else {
      const trailer = descriptor(member);
      await this.#sink.write(trailer);
      end += trailer.length;
    }
    this.#members.push(member);
    this.#position = end;
    return member;
  }

  async finish(): Promise<void> {
    const start = this.#position;
    let length = 0;
    for (const member of this.#members) {
      const header = centralHeader(member);
      length += header.length;
      await this.#sink.write(header);
    }
    await this.#sink.write(endRecords(this.#members.length, length, start));
  }
}

/** ZIP64 extended information (4.5.3) of those values that do not fit into 32 bits. */
function zip64Extra(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [i, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  return extra;
}

/** Local file header (4.3.7); as long for any checksum. */
function localHeader({ name, crc, size, behind }: Omit<ZipMember, 'offset' | 'start'>): Buffer {
  const wide = size >= MAX_32;
  const extra = zip64Extra(wide ? [size, size] : []);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(UTF8_NAME | (behind ? SIZES_BEHIND : 0), 6);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(wide ? MAX_32 : size, 18);
  header.writeUInt32LE(wide ? MAX_32 : size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** Data descriptor (4.3.9), 8-byte sizes where the local header has ZIP64 ones. */
function descriptor({ crc, size }: ZipMember): Buffer {
  const wide = size >= MAX_32;
  const bytes = Buffer.alloc(wide ? 24 : 16);
  bytes.writeUInt32LE(DESCRIPTOR, 0);
  bytes.writeUInt32LE(crc, 4);
  for (const i of [0, 1]) {
    if (wide) bytes.writeBigUInt64LE(BigInt(size), 8 + 8 * i);
    else bytes.writeUInt32LE(size, 8 + 4 * i);
  }
  return bytes;
}

/** Central directory header (4.3.12). */
function centralHeader({ name, crc, size, offset, behind }: ZipMember): Buffer {
  const wideSize = size >= MAX_32;
  const wideOffset = offset >= MAX_32;
  const extra = zip64Extra([...(wideSize ? [size, size] : []), ...(wideOffset ? [offset] : [])]);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(UTF8_NAME | (behind ? SIZES_BEHIND : 0), 8);
  header.writeUInt16LE(DOS_DATE, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(wideSize ? MAX_32 : size, 20);
  header.writeUInt32LE(wideSize ? MAX_32 : size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(wideOffset ? MAX_32 : offset, 42);
  return Buffer.concat([header, name, extra]);
}

/** ZIP64 records (4.3.14, 4.3.15) where needed, and the end of central directory record (4.3.16). */
function endRecords(count: number, length: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(Math.min(count, MAX_16), 8);
  end.writeUInt16LE(Math.min(count, MAX_16), 10);
  end.writeUInt32LE(Math.min(length, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  if (count < MAX_16 && length < MAX_32 && offset < MAX_32) return end;
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(ZIP64_END, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(VERSION, 12);
  record.writeUInt16LE(VERSION, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(length), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(ZIP64_LOCATOR, 56);
  record.writeBigUInt64LE(BigInt(offset + length), 64);
  record.writeUInt32LE(1, 72);
  return Buffer.concat([record, end]);
}
