import { sign, verify } from 'node:crypto';
import { z } from 'zod';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { FORMAT_VERSION } from '../format/manifest.ts';
import { studyPath, ulid } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { keyIdOf, readPublicKey, type SealKey } from '../seal-key.ts';
import { sealKeys } from '../seal-types.ts';

export const REMOVALS = 'removals/';

const shape = z.looseObject({
  lifeboat: z.literal('removal'),
  formatVersion: z.number().int().positive().max(FORMAT_VERSION),
  keyId: z.string(),
  studyInstanceUID: z.string(),
  createdAt: z.string(),
  by: z.string(),
  /** Name of the rule, or what a person gave as the reason. */
  rule: z.string(),
  /** What was known of the PACS then, in words. */
  because: z.string(),
  instances: z.array(
    z.looseObject({
      seriesInstanceUID: z.string(),
      sopInstanceUID: z.string(),
      key: z.string(),
      size: z.number(),
      sha256: z.string(),
      dataSetSha256: z.string(),
      receivedAt: z.string(),
      confirmedByPacs: z.boolean(),
    }),
  ),
});

/** What was removed rightfully, when, by whom and why; signed with the key of the router's seals. */
export type RemovalRecord = z.infer<typeof shape>;

/** Which public keys count, by key id; null: not one of them. */
export type TrustedKeys = (keyId: string) => Promise<string | null>;

export interface RemovalReasons {
  by: string;
  rule: string;
  because: string;
  /** `contentId`s that the PACS has been proven to hold. */
  confirmed: ReadonlySet<string>;
}

/** Writes record and signature, durable when resolved. @returns the record's key */
export async function writeRemoval(
  store: ObjectStore,
  key: SealKey,
  studyInstanceUID: string,
  entries: InstanceEntry[],
  { by, rule, because, confirmed }: RemovalReasons,
): Promise<string> {
  const record: RemovalRecord = {
    lifeboat: 'removal',
    formatVersion: FORMAT_VERSION,
    keyId: key.keyId,
    studyInstanceUID,
    createdAt: new Date().toISOString(),
    by,
    rule,
    because,
    instances: entries.map(
      ({ seriesInstanceUID, sopInstanceUID, key: object, size, sha256, dataSetSha256, receivedAt }) => ({
        seriesInstanceUID,
        sopInstanceUID,
        key: object,
        size,
        sha256,
        dataSetSha256,
        receivedAt,
        confirmedByPacs: confirmed.has(`${sopInstanceUID} ${dataSetSha256}`),
      }),
    ),
  };
  const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
  const name = `${REMOVALS}${studyPath(studyInstanceUID)}/${ulid()}`;
  // a key that never sealed has not been published yet
  const published = sealKeys(key.keyId).publicKey;
  if (!(await store.head(published))) await store.put(published, Buffer.from(key.publicPem));
  await store.put(`${name}.sig`, sign(null, bytes, key.privateKey));
  await store.put(`${name}.json`, bytes);
  return `${name}.json`;
}

/** @throws OBJECT_NOT_FOUND, MANIFEST_DAMAGED (not signed by a key that counts, or no record), STORE_UNAVAILABLE */
export async function readRemoval(store: ObjectStore, key: string, trusted: TrustedKeys): Promise<RemovalRecord> {
  const bytes = await store.get(key);
  const signature = await store.get(key.replace(/\.json$/, '.sig')).catch((error: unknown) => {
    if (asLifeboatError(error).code === 'OBJECT_NOT_FOUND') throw wrong(key, 'it is not signed', error);
    throw error;
  });
  let record: RemovalRecord;
  try {
    record = shape.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw wrong(key, 'it is no removal record', error);
  }
  const pem = await trusted(record.keyId);
  if (pem === null)
    throw wrong(
      key,
      `a removal signed with the key ${record.keyId}, which is not trusted here, takes nothing out; if it is that of another router of yours, name its public key in LIFEBOAT_TRUSTED_KEYS`,
    );
  if (!verify(null, bytes, readPublicKey(pem), signature)) throw wrong(key, 'its signature is wrong');
  if (!key.startsWith(`${REMOVALS}${studyPath(record.studyInstanceUID)}/`))
    throw wrong(key, `it belongs to the study ${record.studyInstanceUID}`);
  return record;
}

/** Keys that lie in the store beside their seals. Who may write there can add one: an auditor names the keys instead. */
export function keysInStore(store: ObjectStore): TrustedKeys {
  const known = new Map<string, Promise<string | null>>();
  const read = async (keyId: string) => {
    if (!/^[0-9a-f]{32}$/.test(keyId)) return null;
    try {
      const pem = (await store.get(sealKeys(keyId).publicKey)).toString('utf8');
      return keyIdOf(readPublicKey(pem)) === keyId ? pem : null;
    } catch (error) {
      if (['OBJECT_NOT_FOUND', 'BAD_REQUEST'].includes(asLifeboatError(error).code)) return null;
      throw error;
    }
  };
  return (keyId) => {
    const answer = known.get(keyId) ?? read(keyId);
    known.set(keyId, answer);
    answer.catch(() => known.delete(keyId));
    return answer;
  };
}

/** Only these keys count. */
export function theseKeys(pems: readonly string[]): TrustedKeys {
  const byId = new Map(pems.map((pem) => [keyIdOf(readPublicKey(pem)), pem]));
  return async (keyId) => byId.get(keyId) ?? null;
}

function wrong(key: string, why: string, cause?: unknown): LifeboatError {
  return new LifeboatError('MANIFEST_DAMAGED', `: ${key}: ${why}`, { cause });
}
