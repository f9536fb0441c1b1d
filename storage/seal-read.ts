import { createHash, type KeyObject, verify as verifySignature } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';
import { SEAL_FORMAT_VERSION, SEALS, type Seal, sealKeys, sealShape } from './seal-types.ts';

const unzip = promisify(gunzip);
const MAX_LIST_BYTES = 1 << 30;

export interface SealObject {
  seal: Seal;
  json: Buffer;
  signature: Buffer;
  /** SHA-256 of `json`, lower-case hex. */
  sha256: string;
}

/** Sequence numbers of the seals in the store, by key id. Throws STORE_UNAVAILABLE. */
export async function listSeals(store: ObjectStore): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for await (const { key } of store.list(SEALS)) {
    const [, keyId, sequence] = /^seals\/([0-9a-f]{32})\/(\d{8})\.json$/.exec(key) ?? [];
    const named = /^seals\/([0-9a-f]{32})\/public-key\.pem$/.exec(key)?.[1];
    if (named && !found.has(named)) found.set(named, []);
    if (!keyId || !sequence) continue;
    found.set(keyId, [...(found.get(keyId) ?? []), Number(sequence)]);
  }
  return found;
}

/**
 * One seal as it lies in the store. Throws OBJECT_NOT_FOUND, OBJECT_DAMAGED (no seal, or not the one its name says), and
 * STORE_UNAVAILABLE. The signature is not checked here; an absent one has no bytes.
 */
export async function readSeal(store: ObjectStore, keyId: string, sequence: number): Promise<SealObject> {
  const keys = sealKeys(keyId);
  const json = await store.get(keys.seal(sequence));
  let signature = Buffer.alloc(0);
  try {
    signature = Buffer.from(await store.get(keys.signature(sequence)));
  } catch (error) {
    if (asLifeboatError(error).code !== 'OBJECT_NOT_FOUND') throw error;
  }
  let seal: Seal;
  try {
    seal = sealShape.parse(JSON.parse(json.toString('utf8')));
  } catch (error) {
    throw new LifeboatError('OBJECT_DAMAGED', `: ${keys.seal(sequence)} is no seal`, { cause: error });
  }
  if (seal.formatVersion > SEAL_FORMAT_VERSION)
    throw new LifeboatError('OBJECT_DAMAGED', `: ${keys.seal(sequence)}: its format version is newer`);
  if (seal.keyId !== keyId || seal.sequence !== sequence)
    throw new LifeboatError('OBJECT_DAMAGED', `: ${keys.seal(sequence)} is seal ${seal.sequence} of ${seal.keyId}`);
  return { seal, json, signature, sha256: sha256(json) };
}

/** Ed25519 (RFC 8032) over the bytes of the seal. */
export function isSignedBy({ json, signature }: SealObject, publicKey: KeyObject): boolean {
  return signature.length === 64 && verifySignature(null, json, publicKey, signature);
}

/** Leaves of a list, in order. Throws OBJECT_NOT_FOUND, OBJECT_DAMAGED, STORE_UNAVAILABLE. */
export async function readLeaves(store: ObjectStore, list: Seal['leaves'][number]): Promise<string[]> {
  const packed = await store.get(list.key);
  if (sha256(packed) !== list.sha256)
    throw new LifeboatError('OBJECT_DAMAGED', `: ${list.key} is not the list that was sealed`);
  const text = (await unzip(packed, { maxOutputLength: MAX_LIST_BYTES })).toString('utf8');
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  if (lines.length !== list.count)
    throw new LifeboatError('OBJECT_DAMAGED', `: ${list.key} has ${lines.length} leaves of ${list.count}`);
  return lines;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
