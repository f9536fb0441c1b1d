import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import type { ExportItem, ExportTarget } from './export-types.ts';
import { type ZipMember, ZipWriter } from './zip-writer.ts';

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

/** A ZIP file on disk, written beside its name and renamed when whole. */
class ZipTarget implements ExportTarget {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #writer: ZipWriter;
  readonly #members = new Map<string, ZipMember>();
  #position = 0;

  constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
    this.#writer = new ZipWriter({
      write: async (bytes) => {
        await this.#writeAt(bytes, this.#position);
        this.#position += bytes.length;
      },
      rewrite: (bytes, offset) => this.#writeAt(bytes, offset),
    });
  }

  async add(item: ExportItem): Promise<void> {
    try {
      this.#members.set(item.name, await this.#writer.add(item.name, item.size, item.body));
    } catch (error) {
      this.#position = this.#writer.position;
      await this.#handle.truncate(this.#position);
      throw error;
    }
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
    await this.#writer.finish();
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
