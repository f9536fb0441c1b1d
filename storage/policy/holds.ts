import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { FORMAT_VERSION } from '../format/manifest.ts';
import { MANIFESTS, METADATA, OBJECTS, studyPath, ulid } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import type { VersionedBucket } from './versioned-bucket.ts';

export const HOLDS = 'holds/';

const shape = z.looseObject({
  lifeboat: z.literal('hold'),
  formatVersion: z.number().int().positive(),
  studyInstanceUID: z.string(),
  state: z.enum(['placed', 'released']),
  at: z.string(),
  by: z.string(),
  reason: z.string(),
});

/** A legal hold on a study, or its end. The newest of a study counts. */
export type HoldRecord = z.infer<typeof shape>;

/** Writes down that a study must not be removed, or may be again. Nothing of it is ever changed. Throws STORE_UNAVAILABLE. */
export async function writeHold(
  store: ObjectStore,
  studyInstanceUID: string,
  { state, by, reason }: Pick<HoldRecord, 'state' | 'by' | 'reason'>,
): Promise<HoldRecord> {
  const at = new Date().toISOString();
  const record: HoldRecord = {
    lifeboat: 'hold',
    formatVersion: FORMAT_VERSION,
    studyInstanceUID,
    state,
    at,
    by,
    reason,
  };
  const key = `${HOLDS}${studyPath(studyInstanceUID)}/${ulid()}.json`;
  await store.put(key, Buffer.from(`${JSON.stringify(record)}\n`));
  return record;
}

/** Everything that was written down of a study, oldest first. Throws STORE_UNAVAILABLE, MANIFEST_DAMAGED. */
export async function holdsOf(store: ObjectStore, studyInstanceUID: string): Promise<HoldRecord[]> {
  return recordsIn(store, `${HOLDS}${studyPath(studyInstanceUID)}/`);
}

/**
 * Whether a study is held. A record that cannot be read counts as a hold: nothing is removed that somebody may have wanted kept.
 * Throws STORE_UNAVAILABLE.
 */
export async function isHeld(store: ObjectStore, studyInstanceUID: string): Promise<boolean> {
  try {
    return (await holdsOf(store, studyInstanceUID)).at(-1)?.state === 'placed';
  } catch (error) {
    if (error instanceof LifeboatError && error.code === 'MANIFEST_DAMAGED') return true;
    throw error;
  }
}

/** The studies that are held now, in key order. Throws STORE_UNAVAILABLE, MANIFEST_DAMAGED. */
export async function heldStudies(store: ObjectStore): Promise<HoldRecord[]> {
  const newest = new Map<string, HoldRecord>();
  for (const record of await recordsIn(store, HOLDS)) newest.set(record.studyInstanceUID, record);
  return [...newest.values()].filter(({ state }) => state === 'placed');
}

async function recordsIn(store: ObjectStore, prefix: string): Promise<HoldRecord[]> {
  const records: HoldRecord[] = [];
  for await (const { key } of store.list(prefix)) {
    const bytes = await store.get(key);
    try {
      records.push(shape.parse(JSON.parse(bytes.toString('utf8'))));
    } catch (error) {
      throw new LifeboatError('MANIFEST_DAMAGED', `: ${key}: it is no record of a hold`, { cause: error });
    }
  }
  return records;
}

/**
 * Sets or ends the store's own legal hold (S3) on every version of everything of a study. The router's everyday key may not.
 * @returns how many versions
 * @throws STORE_UNAVAILABLE, also where the key may not or the bucket has no object lock
 */
export async function holdInBucket(bucket: VersionedBucket, studyInstanceUID: string, on: boolean): Promise<number> {
  let count = 0;
  for (const root of [OBJECTS, METADATA, MANIFESTS]) {
    for await (const { key, versionId, isDeleteMarker } of bucket.versions(`${root}${studyPath(studyInstanceUID)}/`)) {
      if (isDeleteMarker) continue;
      await bucket.setLegalHold(key, versionId, on);
      count++;
    }
  }
  return count;
}
