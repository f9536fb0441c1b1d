import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import type { ExportItem, ExportTarget } from './export-types.ts';

/** Files in a folder; each gets its name when it is whole and on stable storage. Throws CONFLICT when the folder is not empty. */
export async function openFolder(folder: string, overwrite: boolean): Promise<ExportTarget> {
  await mkdir(folder, { recursive: true });
  if (!overwrite && (await readdir(folder)).length > 0) {
    throw new LifeboatError('CONFLICT', `${folder} is not empty; choose another folder or allow overwriting.`);
  }
  return new FolderTarget(folder);
}

class FolderTarget implements ExportTarget {
  readonly #folder: string;
  readonly #written = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(item: ExportItem): Promise<void> {
    return this.#write(item.name, item.body);
  }

  addText(name: string, text: string): Promise<void> {
    return this.#write(name, [Buffer.from(text)]);
  }

  readBack(name: string): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.#folder, name));
  }

  async finish(): Promise<void> {
    for (const folder of [...this.#folders, this.#folder]) {
      const handle = await open(folder, 'r');
      await handle.sync().finally(() => handle.close());
    }
  }

  async discard(): Promise<void> {
    for (const name of this.#written) await rm(join(this.#folder, name), { force: true });
    for (const folder of [...this.#folders].sort().reverse()) {
      await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
      });
    }
  }

  async #write(name: string, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const path = join(this.#folder, name);
    for (let folder = dirname(path); folder.length > this.#folder.length; folder = dirname(folder)) {
      this.#folders.add(folder);
    }
    await mkdir(dirname(path), { recursive: true });
    const part = `${path}.part`;
    try {
      const handle = await open(part, 'w');
      try {
        for await (const chunk of body) await handle.appendFile(chunk);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, path);
      this.#written.add(name);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}
