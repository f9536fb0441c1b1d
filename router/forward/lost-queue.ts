import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Archive } from '../../storage/archive-types.ts';
import { studiesReceived } from './entries-since.ts';
import type { Forwarding } from './forwarding.ts';
import type { ForwardQueue } from './queue.ts';

export interface LostQueueOptions {
  dataDir: string;
  queue: ForwardQueue;
  archive: Archive;
  forwarding: Pick<Forwarding, 'counts' | 'owedOf' | 'wake'>;
  log: Logger;
}

const marker = z.object({ destinations: z.record(z.string(), z.object({ openSince: z.iso.datetime() })) });
type Marker = z.output<typeof marker>;

const MARK_EVERY_MS = 60_000;
const TRY_AGAIN_MS = 5_000;
/** Imports have a spool of their own, of which this process knows nothing. */
const MARGIN_MS = 3_600_000;

/**
 * A queue that was lost or damaged owes nothing any more to anybody, and nobody would notice. So a small file beside it says for
 * each destination since when something may be open; a queue that was begun anew is filled from the archive from then on. What
 * a destination had already is sent twice, which it recognises; nothing is left out.
 */
export class LostQueue {
  readonly #options: LostQueueOptions;
  readonly #file: string;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Until the queue is whole again, the file keeps saying what it said. */
  #whole = false;

  constructor(options: LostQueueOptions) {
    this.#options = options;
    this.#file = join(options.dataDir, 'forward-open.json');
  }

  start(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    const { queue, log } = this.#options;
    try {
      if (!queue.complete && !(await this.#refill())) {
        this.#later(() => this.#run(), TRY_AGAIN_MS);
        return;
      }
    } catch (error) {
      if (this.#closed) return;
      log.warn({ err: error }, 'the forwarding queue cannot be filled again yet');
      this.#later(() => this.#run(), TRY_AGAIN_MS);
      return;
    }
    this.#whole = true;
    this.mark();
  }

  /** false: the catalogue is not complete itself. */
  async #refill(): Promise<boolean> {
    const { queue, archive, forwarding, log } = this.#options;
    const before = this.#read();
    const since = Object.values(before?.destinations ?? {}).map(({ openSince }) => openSince);
    if (before && since.length > 0) {
      if (archive.tending().filling || archive.catalogue.needsRebuild) return false;
      const oldest = since.sort()[0]!;
      let count = 0;
      for await (const { entries } of studiesReceived(archive, oldest)) {
        if (this.#closed) return false;
        const owed = (await forwarding.owedOf(entries)).filter(({ destination, instance }) => {
          const known = before.destinations[destination];
          return known !== undefined && instance.receivedAt >= known.openSince;
        });
        await queue.add(owed);
        forwarding.wake();
        count += owed.length;
      }
      log.warn({ since: oldest, instances: count }, 'the forwarding queue was lost: filled again from the archive');
    }
    queue.markComplete();
    return true;
  }

  /** Writes down since when something may be open, now and every minute. */
  mark(): void {
    clearTimeout(this.#timer);
    if (this.#closed || !this.#whole) return;
    const { archive, forwarding, queue, log } = this.#options;
    const known = this.#read();
    const spooled = archive.spool().oldest;
    const destinations: Marker['destinations'] = {};
    for (const { name } of forwarding.counts()) {
      const open = [new Date().toISOString(), spooled, queue.oldestOpen(name)].filter((time) => time !== null);
      const oldest = open.sort()[0]!;
      const openSince = new Date(Date.parse(oldest) - MARGIN_MS).toISOString();
      // A new destination is owed nothing from before it was there.
      destinations[name] = known?.destinations[name] ? { openSince } : { openSince: oldest };
    }
    try {
      this.#write({ destinations });
    } catch (error) {
      log.warn({ err: error, file: this.#file }, 'what is open in the forwarding queue cannot be written down');
    }
    this.#later(() => this.mark(), MARK_EVERY_MS);
  }

  #read(): Marker | undefined {
    try {
      return marker.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#options.log.warn({ err: error, file: this.#file }, 'what was open in the forwarding queue is unknown');
      return undefined;
    }
  }

  #write(content: Marker): void {
    const part = `${this.#file}.part`;
    writeFileSync(part, JSON.stringify(content), { mode: 0o640 });
    const handle = openSync(part, 'r');
    fsyncSync(handle);
    closeSync(handle);
    renameSync(part, this.#file);
  }

  #later(work: () => unknown, ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
    this.#timer.unref();
  }

  close(): void {
    if (this.#whole) this.mark();
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
