import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentId } from '../../storage/merge.ts';
import { createReceiver, type ReceiverOptions } from '../../storage/receive.ts';
import type { ReceivedInstance, Receiver, Reception } from '../../storage/receive-types.ts';
import { Spool, type SpoolEntry, type SpoolOptions } from '../../storage/spool.ts';

/** A receiver with a spool of its own in a temporary folder. */
export interface Receiving {
  dir: string;
  spool: Spool;
  receiver: Receiver;
  /** The newest entry with this content. */
  entry(received: ReceivedInstance): SpoolEntry;
  close(): Promise<void>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'lifeboat-spool-'));
}

export async function receiving(options: ReceiverOptions & SpoolOptions = {}): Promise<Receiving> {
  const dir = temporaryFolder();
  const spool = await Spool.open(dir, { minFreeBytes: 0, ...options });
  const latest = new Map<string, SpoolEntry>();
  spool.events.on('entry', (entry) => latest.set(contentId(entry), entry));
  return {
    dir,
    spool,
    receiver: createReceiver(spool, options),
    entry: (received) => latest.get(contentId(received))!,
    async close() {
      await spool.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Feeds `bytes` in chunks of `step`, from a buffer that is overwritten after each, as a socket's would be. */
export async function feed(reception: Reception, bytes: Uint8Array, step = 65536): Promise<ReceivedInstance> {
  const reused = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    const chunk = bytes.subarray(at, at + step);
    reused.set(chunk);
    await reception.write(reused.subarray(0, chunk.length));
    reused.fill(0xee);
  }
  return reception.finish();
}

/** `kept` or the error's code. */
export async function outcome(received: Promise<ReceivedInstance>): Promise<string> {
  try {
    await received;
    return 'kept';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
