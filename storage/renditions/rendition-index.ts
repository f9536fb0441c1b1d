import { sign, verify } from 'node:crypto';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { FORMAT_VERSION } from '../format/manifest.ts';
import { studyPath, ulid } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';
import { readPublicKey, type SealKey } from '../seal-key.ts';

export const RENDITIONS = 'renditions/';

const frame = z.tuple([z.int().nonnegative(), z.int().positive(), z.string().regex(/^[0-9a-f]{64}$/)]);
const shape = z.object({
  lifeboat: z.literal('rendition'),
  formatVersion: z.int().positive().max(FORMAT_VERSION),
  derived: z.literal(true),
  keyId: z.string(),
  studyInstanceUID: z.string(),
  seriesInstanceUID: z.string(),
  createdAt: z.string(),
  transferSyntaxUID: z.string(),
  /** Key and length of the codestreams, put one after another; '' and 0 when there is none. */
  pack: z.string(),
  size: z.int().nonnegative(),
  instances: z.array(z.object({ key: z.string(), sha256: z.string(), frames: z.array(frame).min(1) })),
  /** Objects that get none, and why: they are not tried again. */
  none: z.array(z.object({ key: z.string(), reason: z.string() })),
});

/** What a pack holds (storage/README.md, "Renditions"). */
export type RenditionIndex = z.infer<typeof shape>;
export type RenditionOfObject = RenditionIndex['instances'][number];

const envelope = z.object({ payload: z.string(), signature: z.base64() });

export function renditionPrefix(studyInstanceUID: string): string {
  return `${RENDITIONS}${studyPath(studyInstanceUID)}/`;
}

/** Keys of a new pack and of its index. */
export function newRenditionKeys(studyInstanceUID: string): { pack: string; index: string } {
  const name = `${renditionPrefix(studyInstanceUID)}${ulid()}`;
  return { pack: `${name}.htj2k`, index: `${name}.json` };
}

/** Signs and writes an index; its pack is there already. Durable when resolved. */
export async function writeRenditionIndex(
  store: ObjectStore,
  key: SealKey,
  name: string,
  content: Omit<RenditionIndex, 'lifeboat' | 'formatVersion' | 'derived' | 'keyId' | 'createdAt'>,
): Promise<RenditionIndex> {
  const index: RenditionIndex = {
    lifeboat: 'rendition',
    formatVersion: FORMAT_VERSION,
    derived: true,
    keyId: key.keyId,
    createdAt: new Date().toISOString(),
    ...content,
  };
  const payload = JSON.stringify(index);
  const signature = sign(null, Buffer.from(payload), key.privateKey).toString('base64');
  await store.put(name, Buffer.from(`${JSON.stringify({ payload, signature })}\n`), {
    contentType: 'application/json',
  });
  return index;
}

/**
 * Reads an index. Only what this router signed itself counts: whoever can write to the store could otherwise show other pixels than
 * those that seals prove.
 * @throws OBJECT_NOT_FOUND, MANIFEST_DAMAGED (no index, not ours, of another study), STORE_UNAVAILABLE
 */
export async function readRenditionIndex(
  store: ObjectStore,
  name: string,
  key: Pick<SealKey, 'publicPem'>,
): Promise<RenditionIndex> {
  const bytes = await store.get(name);
  const wrong = (why: string, cause?: unknown) => new LifeboatError('MANIFEST_DAMAGED', `: ${name}: ${why}`, { cause });
  let index: RenditionIndex;
  let signed: z.infer<typeof envelope>;
  try {
    signed = envelope.parse(JSON.parse(bytes.toString('utf8')));
    index = shape.parse(JSON.parse(signed.payload));
  } catch (error) {
    throw wrong('it is no index of a rendition', error);
  }
  const signature = Buffer.from(signed.signature, 'base64');
  if (!verify(null, Buffer.from(signed.payload), readPublicKey(key.publicPem), signature))
    throw wrong('this router has not signed it');
  const prefix = renditionPrefix(index.studyInstanceUID);
  if (!name.startsWith(prefix) || (index.pack !== '' && !index.pack.startsWith(prefix)))
    throw wrong(`it belongs to the study ${index.studyInstanceUID}`);
  return index;
}

/** Keys of the indexes of a study, the oldest first. */
export async function renditionIndexes(store: ObjectStore, studyInstanceUID: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(renditionPrefix(studyInstanceUID))) if (key.endsWith('.json')) keys.push(key);
  return keys;
}

/** Object keys that any index names, whoever signed it; null when it cannot be read. For deleting only. */
export async function objectsNamedBy(store: ObjectStore, name: string): Promise<string[] | null> {
  try {
    const { payload } = envelope.parse(JSON.parse((await store.get(name)).toString('utf8')));
    const { instances, none } = shape.parse(JSON.parse(payload));
    return [...instances, ...none].map(({ key }) => key);
  } catch (error) {
    if (error instanceof LifeboatError && error.code === 'STORE_UNAVAILABLE') throw error;
    return null;
  }
}
