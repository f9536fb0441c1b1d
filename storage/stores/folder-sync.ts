import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes names in folders durable. A name is on stable storage only after its folder was fsynced; many writers of one
 * folder share one fsync (group commit): whoever asks while one is running is served by the next.
 */
export class FolderSync {
  private readonly running = new Map<string, { current: Promise<void>; next: Promise<void> | null }>();
  private readonly known = new Map<string, Promise<void>>();
  private readonly root: string;
  private readonly remembered: number;

  constructor(root: string, remembered = 20_000) {
    this.root = root;
    this.remembered = remembered;
  }

  /** Resolves when everything linked into `folder` before the call is durable. */
  sync(folder: string): Promise<void> {
    const slot = this.running.get(folder);
    if (!slot) {
      const current = this.fsync(folder);
      this.running.set(folder, { current, next: null });
      this.release(folder, current);
      return current;
    }
    slot.next ??= slot.current
      .catch(() => undefined)
      .then(() => {
        const current = this.fsync(folder);
        this.running.set(folder, { current, next: null });
        this.release(folder, current);
        return current;
      });
    return slot.next;
  }

  /** Creates `folder` below the root where missing; resolves when it and all folders above it are durable. */
  ensure(folder: string): Promise<void> {
    if (folder === this.root) return Promise.resolve();
    const known = this.known.get(folder);
    if (known) return known;
    const made = this.make(folder);
    this.known.set(folder, made);
    made.catch(() => this.known.delete(folder));
    if (this.known.size > this.remembered) this.known.delete(this.known.keys().next().value!);
    return made;
  }

  /** Somebody else removed the folder: forget that it was there, and everything above it. */
  forget(folder: string): void {
    for (let at = folder; at.length > this.root.length; at = dirname(at)) this.known.delete(at);
  }

  private async make(folder: string): Promise<void> {
    const parent = dirname(folder);
    await this.ensure(parent);
    try {
      await mkdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    // also when it was there already: its maker may have died before the name was durable
    await this.sync(parent);
  }

  private release(folder: string, done: Promise<void>): void {
    const clear = () => {
      const slot = this.running.get(folder);
      if (slot?.current === done && !slot.next) this.running.delete(folder);
    };
    done.then(clear, clear);
  }

  private async fsync(folder: string): Promise<void> {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
