import { randomUUID } from 'node:crypto';
import { createReadStream, constants as fsConstants } from 'node:fs';
import { copyFile, type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { LifeboatError } from '../../contract/errors.ts';
import { checkKey, checkPrefix, isKeySegment } from '../keys.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from '../object-store.ts';
import { FolderSync } from './folder-sync.ts';
import { exactLength, resolveRange } from './range.ts';

/** Not a possible key: `~` never occurs in one. Holds half-written objects; what a crash leaves there is removed later. */
const WORKSHOP = '~tmp';
const LEFTOVER_AGE_MS = 3_600_000;

/**
 * The embedded store: objects are plain files, a key is a path below the root. An object appears under its key complete
 * or not at all (written aside, fsynced, then linked; the folder is fsynced before `put` resolves).
 */
export class FileStore implements ObjectStore {
  readonly description: string;
  readonly root: string;
  private readonly folders: FolderSync;

  private constructor(root: string) {
    this.root = root;
    this.description = `file:${root}`;
    this.folders = new FolderSync(root);
  }

  /** Creates the folder where it is missing. Throws STORE_UNAVAILABLE when that cannot be done. */
  static async open(folder: string): Promise<FileStore> {
    const root = resolve(folder);
    try {
      await mkdir(join(root, WORKSHOP), { recursive: true });
      await clearLeftovers(join(root, WORKSHOP));
    } catch (error) {
      throw unavailable(error);
    }
    return new FileStore(root);
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    checkKey(key);
    const aside = this.aside();
    try {
      const handle = await open(aside, 'wx', 0o644);
      try {
        await handle.writeFile(body);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.publish(aside, key);
    } catch (error) {
      throw await this.explain(error, key);
    } finally {
      await rm(aside, { force: true });
    }
  }

  async putFile(key: string, path: string, size: number): Promise<void> {
    checkKey(key);
    try {
      const found = await stat(path);
      if (found.size !== size) throw new LifeboatError('OBJECT_DAMAGED', `: ${found.size} bytes instead of ${size}`);
      try {
        await this.publish(path, key);
      } catch (error) {
        if (!cannotLink(error)) throw error;
        await this.putCopy(key, path, size);
      }
    } catch (error) {
      throw await this.explain(error, key);
    }
  }

  async get(key: string, range?: ByteRange): Promise<Buffer> {
    const { handle, start, length } = await this.openAt(key, range);
    try {
      const buffer = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
        if (bytesRead === 0) throw new LifeboatError('OBJECT_DAMAGED', ': it became shorter while it was read');
        filled += bytesRead;
      }
      return buffer;
    } catch (error) {
      throw await this.explain(error, key);
    } finally {
      await handle.close();
    }
  }

  async stream(key: string, range?: ByteRange): Promise<{ body: Readable; size: number }> {
    const { handle, start, length } = await this.openAt(key, range);
    if (length === 0) {
      await handle.close();
      return { body: Readable.from([]), size: 0 };
    }
    const source = handle.createReadStream({ start, end: start + length - 1, highWaterMark: 256 * 1024 });
    const body = exactLength(length);
    pipeline(source, body, () => undefined);
    return { body, size: length };
  }

  async head(key: string): Promise<ObjectInfo | null> {
    checkKey(key);
    try {
      const found = await stat(this.pathOf(key));
      return found.isFile() ? { key, size: found.size, modifiedMs: found.mtimeMs } : null;
    } catch (error) {
      const explained = await this.explain(error, key);
      if (explained.code === 'OBJECT_NOT_FOUND') return null;
      throw explained;
    }
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    await this.ping();
    for await (const info of this.walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix))
      if (info.key > after) yield info;
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    try {
      await rm(this.pathOf(key), { force: true });
      await this.folders.sync(dirname(this.pathOf(key)));
    } catch (error) {
      const explained = await this.explain(error, key);
      if (explained.code !== 'OBJECT_NOT_FOUND') throw explained;
    }
  }

  presign(): null {
    return null;
  }

  async ping(): Promise<void> {
    try {
      await stat(join(this.root, WORKSHOP));
    } catch (error) {
      throw unavailable(error);
    }
  }

  async close(): Promise<void> {}

  /** Where an object lies, for readers on the same machine. */
  pathOf(key: string): string {
    return join(this.root, key);
  }

  private aside(): string {
    return join(this.root, WORKSHOP, randomUUID());
  }

  private async putCopy(key: string, path: string, size: number): Promise<void> {
    const aside = this.aside();
    try {
      await copyFile(path, aside, fsConstants.COPYFILE_FICLONE);
      const handle = await open(aside, 'r+');
      try {
        const copied = (await handle.stat()).size;
        if (copied !== size) throw new LifeboatError('OBJECT_DAMAGED', `: ${copied} bytes instead of ${size}`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.publish(aside, key);
    } finally {
      await rm(aside, { force: true });
    }
  }

  /** Gives the complete, fsynced file `source` its key; resolves when the name is durable. */
  private async publish(source: string, key: string): Promise<void> {
    const target = this.pathOf(key);
    const folder = dirname(target);
    for (let attempt = 0; ; attempt++) {
      await this.folders.ensure(folder);
      try {
        await link(source, target);
        break;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EEXIST') {
          if (!(await sameContent(source, target))) await this.replaceDamaged(source, target);
          break;
        }
        if (code !== 'ENOENT' || attempt > 0) throw error;
        this.folders.forget(folder);
        await stat(source);
      }
    }
    await this.folders.sync(folder);
  }

  /** A key stands for one content only, so other bytes under it are a damaged copy: the new file takes its place at once. */
  private async replaceDamaged(source: string, target: string): Promise<void> {
    const aside = this.aside();
    await link(source, aside);
    await rename(aside, target);
  }

  private async openAt(key: string, range?: ByteRange) {
    checkKey(key);
    let handle: FileHandle;
    try {
      handle = await open(this.pathOf(key), 'r');
    } catch (error) {
      throw await this.explain(error, key);
    }
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new LifeboatError('OBJECT_NOT_FOUND');
      const { start, end } = resolveRange(range, found.size);
      return { handle, start, length: end - start };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private async *walk(folder: string, prefix: string): AsyncIterable<ObjectInfo> {
    let entries: { name: string; folder: boolean }[];
    try {
      const found = await readdir(join(this.root, folder), { withFileTypes: true });
      entries = found
        // a name that no key can have (a ransom note, say) is none of ours; `verify` names it
        .filter(
          (entry) => (entry.isFile() || entry.isDirectory()) && (isKeySegment(entry.name) || entry.name === WORKSHOP),
        )
        .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, folder: entry.isDirectory() }));
    } catch (error) {
      const explained = await this.explain(error, folder);
      if (explained.code === 'OBJECT_NOT_FOUND') return;
      throw explained;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const key = folder + entry.name;
      if (key === `${WORKSHOP}/`) continue;
      if (entry.folder) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.walk(key, prefix);
      } else if (key.startsWith(prefix)) {
        const info = await this.head(key);
        if (info) yield info;
      }
    }
  }

  /** Missing is said only while the store's own folder is there: an unmounted disk is no lost object. */
  private async explain(error: unknown, key: string): Promise<LifeboatError> {
    if (error instanceof LifeboatError) return error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      try {
        await this.ping();
      } catch (away) {
        return away as LifeboatError;
      }
      return new LifeboatError('OBJECT_NOT_FOUND', `: ${key}`, { cause: error });
    }
    return unavailable(error);
  }
}

/** Only what nobody has written to for an hour: other processes may be at work in the same store. */
async function clearLeftovers(workshop: string): Promise<void> {
  for (const name of await readdir(workshop)) {
    const path = join(workshop, name);
    const found = await stat(path).catch(() => null);
    if (found && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { force: true });
  }
}

function unavailable(error: unknown): LifeboatError {
  return new LifeboatError('STORE_UNAVAILABLE', `: ${(error as Error).message}`, { cause: error });
}

/** Other file system, or one that knows no hard links, or too many of them. */
function cannotLink(error: unknown): boolean {
  return ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}

async function sameContent(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([stat(a), stat(b)]);
  if (left.ino === right.ino && left.dev === right.dev) return true;
  if (left.size !== right.size) return false;
  const one = createReadStream(a, { highWaterMark: 1 << 20 })[Symbol.asyncIterator]();
  const two = createReadStream(b, { highWaterMark: 1 << 20 })[Symbol.asyncIterator]();
  for (;;) {
    const [x, y] = await Promise.all([one.next(), two.next()]);
    if (x.done || y.done) return Boolean(x.done && y.done);
    if (!(x.value as Buffer).equals(y.value as Buffer)) {
      await Promise.all([one.return?.(), two.return?.()]);
      return false;
    }
  }
}
