import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { LifeboatError } from '../../contract/errors.ts';
import type { ExportItem, ExportTarget } from './export-types.ts';

/** Throws CONFLICT when the file is there already. */
export async function openZipTarget(file: string, overwrite: boolean): Promise<ExportTarget> {
  const exists = await stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (exists && !overwrite) {
    throw new LifeboatError('CONFLICT', `${file} is there already; choose another name or allow overwriting.`);
  }
  await mkdir(dirname(file), { recursive: true });
  return new ZipTarget(file, await open(`${file}.part`, 'w+'));
}

interface Member {
  name: Buffer;
  crc: number;
  size: number;
  /** Of the local header. */
  offset: number;
  /** Of the first byte of the content. */
  start: number;
}

const MAX_32 = 0xffffffff;
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
/** ZIP64 is understood from version 4.5 on. */
const VERSION = 45;
const UTF8_NAME = 0x0800;
/** 1980-01-01 00:00, the earliest a ZIP file can say: the same study gives the same bytes. */
const DOS_DATE = 0x0021;

/**
 * A ZIP file (APPNOTE 6.3, ZIP64) whose members are stored, not compressed: images hardly shrink, and every member can be
 * read by byte range. Written beside its name and renamed when whole.
 */
class ZipTarget implements ExportTarget {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #members = new Map<string, Member>();
  #position = 0;

  constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  async add(item: ExportItem): Promise<void> {
    const offset = this.#position;
    const name = Buffer.from(item.name);
    const member: Member = { name, crc: 0, size: 0, offset, start: offset + 30 + name.length + 20 };
    let at = member.start;
    try {
      for await (const chunk of item.body) {
        await this.#writeAt(chunk, at);
        member.crc = crc32(chunk, member.crc);
        at += chunk.length;
      }
    } catch (error) {
      await this.#handle.truncate(offset);
      throw error;
    }
    member.size = at - member.start;
    await this.#writeAt(localHeader(member), offset);
    this.#members.set(item.name, member);
    this.#position = at;
  }

  async addText(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.add({ name, size: bytes.length, sha256: '', body: oneChunk(bytes) });
  }

  async *readBack(name: string): AsyncGenerator<Uint8Array> {
    const member = this.#members.get(name);
    if (!member) throw new LifeboatError('NOT_FOUND', `${name} is not in the ZIP file.`);
    for (let at = 0; at < member.size; ) {
      const length = Math.min(1 << 20, member.size - at);
      const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, member.start + at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async finish(): Promise<void> {
    const members = [...this.#members.values()];
    const directory = Buffer.concat(members.map(centralHeader));
    await this.#writeAt(
      Buffer.concat([directory, endRecords(members.length, directory.length, this.#position)]),
      this.#position,
    );
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#file}.part`, this.#file);
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(`${this.#file}.part`, { force: true });
  }

  async #writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Local file header (4.3.7) with ZIP64 sizes always, so that its length is known before the content. */
function localHeader({ name, crc, size }: Member): Buffer {
  const header = Buffer.alloc(30 + name.length + 20);
  header.writeUInt32LE(LOCAL, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(UTF8_NAME, 6);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(MAX_32, 18);
  header.writeUInt32LE(MAX_32, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(20, 28);
  name.copy(header, 30);
  const extra = 30 + name.length;
  header.writeUInt16LE(1, extra);
  header.writeUInt16LE(16, extra + 2);
  header.writeBigUInt64LE(BigInt(size), extra + 4);
  header.writeBigUInt64LE(BigInt(size), extra + 12);
  return header;
}

/** Central directory header (4.3.12). */
function centralHeader({ name, crc, size, offset }: Member): Buffer {
  const header = Buffer.alloc(46 + name.length + 28);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(UTF8_NAME, 8);
  header.writeUInt16LE(DOS_DATE, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(MAX_32, 20);
  header.writeUInt32LE(MAX_32, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(28, 30);
  header.writeUInt32LE(MAX_32, 42);
  name.copy(header, 46);
  const extra = 46 + name.length;
  header.writeUInt16LE(1, extra);
  header.writeUInt16LE(24, extra + 2);
  header.writeBigUInt64LE(BigInt(size), extra + 4);
  header.writeBigUInt64LE(BigInt(size), extra + 12);
  header.writeBigUInt64LE(BigInt(offset), extra + 20);
  return header;
}

/** ZIP64 end of central directory record and locator, end of central directory record (4.3.14 to 4.3.16). */
function endRecords(count: number, length: number, offset: number): Buffer {
  const end = Buffer.alloc(56 + 20 + 22);
  end.writeUInt32LE(ZIP64_END, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(VERSION, 12);
  end.writeUInt16LE(VERSION, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(length), 40);
  end.writeBigUInt64LE(BigInt(offset), 48);
  end.writeUInt32LE(ZIP64_LOCATOR, 56);
  end.writeBigUInt64LE(BigInt(offset + length), 64);
  end.writeUInt32LE(1, 72);
  end.writeUInt32LE(END, 76);
  end.writeUInt16LE(Math.min(count, 0xffff), 84);
  end.writeUInt16LE(Math.min(count, 0xffff), 86);
  end.writeUInt32LE(Math.min(length, MAX_32), 88);
  end.writeUInt32LE(Math.min(offset, MAX_32), 92);
  return end;
}
