import { createReadStream, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import { spoolError } from '../../storage/disk-error.ts';
import type { Config } from '../config.ts';
import type { Elsewhere } from './json-data-set.ts';

const folderOf = (config: Config) => join(config.dataDir, 'bulk');
let made = 0;

/** Removes what a killed router left behind: none of it was acknowledged. */
export function clearBulkFiles(config: Config): void {
  rmSync(folderOf(config), { recursive: true, force: true });
}

/**
 * Bulk data of one store request on its way into the spool, in one file beside it: parts come in any order, and an object can be
 * written only when all of its own are there. Errors: SPOOL_FULL, SPOOL_UNWRITABLE.
 */
export class BulkFile {
  readonly #config: Config;
  readonly #path: string;
  #handle: FileHandle | null = null;
  #size = 0;

  constructor(config: Config) {
    this.#config = config;
    this.#path = join(folderOf(config), `${process.pid}-${made++}`);
  }

  get size(): number {
    return this.#size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      this.#handle ??= await this.#open();
      for (let at = 0; at < chunk.length; ) at += (await this.#handle.write(chunk, at)).bytesWritten;
      this.#size += chunk.length;
    } catch (error) {
      throw spoolError(error);
    }
  }

  /** Throws SPOOL_FULL when the disk has less room than receiving is to leave free. */
  async checkRoom(): Promise<void> {
    await mkdir(folderOf(this.#config), { recursive: true });
    const { bavail, bsize } = await statfs(folderOf(this.#config));
    if (bavail * bsize < this.#config.spoolMinFreeBytes) throw new LifeboatError('SPOOL_FULL');
  }

  part(offset: number, length: number): Elsewhere {
    return {
      length,
      read: () => (length === 0 ? empty() : createReadStream(this.#path, { start: offset, end: offset + length - 1 })),
    };
  }

  async remove(): Promise<void> {
    await this.#handle?.close();
    await rm(this.#path, { force: true });
  }

  async #open(): Promise<FileHandle> {
    await mkdir(folderOf(this.#config), { recursive: true });
    return await open(this.#path, 'wx', 0o600);
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}
