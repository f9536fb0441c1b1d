import { createHash } from 'node:crypto';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';

export type ObjectSource = Pick<Archive, 'reading'>;

/** The object's bytes; fails with OBJECT_DAMAGED at the end when they are not those recorded. */
export async function checkedObject(archive: ObjectSource, entry: InstanceEntry): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await archive.reading.stream(entry.key, { start: 0, end: entry.size });
  return (async function* () {
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    } catch (thrown) {
      throw asLifeboatError(thrown);
    }
    if (size !== entry.size || hash.digest('hex') !== entry.sha256) throw new LifeboatError('OBJECT_DAMAGED');
  })();
}
