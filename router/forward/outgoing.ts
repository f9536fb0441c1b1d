import { createHash } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { OutgoingInstance } from '../dimse/storage-scu.ts';
import type { ForwardedInstance, ForwardJob } from './forward-types.ts';

/** Data sets up to this size are read whole, and the next one while the peer works on the last. */
const WHOLE_BYTES = 4 * 1024 * 1024;

/**
 * The instances of one association, read from the store as they go out. Nothing is sent that is not what was received: its
 * hash is compared before the first byte leaves. Throws OBJECT_DAMAGED, OBJECT_NOT_FOUND, STORE_UNAVAILABLE while read.
 */
export function outgoing(store: ObjectStore, jobs: readonly ForwardJob[]): OutgoingInstance[] {
  const ahead = new Map<number, Promise<Buffer>>();
  const readAhead = (index: number) => {
    const job = jobs[index];
    if (!job || dataSetSize(job.instance) > WHOLE_BYTES || ahead.has(index)) return;
    const reading = readWhole(store, job.instance);
    // Awaited when its turn comes, if it comes.
    reading.catch(() => undefined);
    ahead.set(index, reading);
  };
  return jobs.map(({ id, instance }, index) => ({
    name: String(id),
    sopClassUID: instance.sopClassUID,
    sopInstanceUID: instance.sopInstanceUID,
    transferSyntaxUID: instance.transferSyntaxUID,
    size: dataSetSize(instance),
    async *open() {
      readAhead(index);
      const whole = ahead.get(index);
      if (!whole) return yield* streamChecked(store, instance);
      const bytes = await whole;
      ahead.delete(index);
      readAhead(index + 1);
      yield bytes;
    },
  }));
}

const dataSetSize = ({ size, dataSetOffset }: ForwardedInstance) => size - dataSetOffset;

async function readWhole(store: ObjectStore, instance: ForwardedInstance): Promise<Buffer> {
  const bytes = await store.get(instance.key, { start: instance.dataSetOffset });
  mustBe(instance, createHash('sha256').update(bytes).digest('hex'));
  return bytes;
}

/** Reads twice: first for the hash, then to send; a hash that comes last would come too late. */
async function* streamChecked(store: ObjectStore, instance: ForwardedInstance): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of (await store.stream(instance.key, { start: instance.dataSetOffset })).body)
    hash.update(chunk);
  mustBe(instance, hash.digest('hex'));
  yield* (await store.stream(instance.key, { start: instance.dataSetOffset })).body;
}

function mustBe(instance: ForwardedInstance, sha256: string): void {
  if (sha256 !== instance.dataSetSha256) throw new LifeboatError('OBJECT_DAMAGED');
}
