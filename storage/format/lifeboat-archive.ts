/** `lifeboat/archive.json`: a small signed description of the archive. Runs in the browser too. */
import { LifeboatError } from '../../contract/errors.ts';

export const ARCHIVE_KEY = 'lifeboat/archive.json';

export interface ArchiveFacts {
  lifeboat: 'archive-description';
  formatVersion: number;
  /** Of the search index. */
  indexVersion: number;
  studies: number;
  instances: number;
  /** Version of the program that wrote it. */
  program: string;
  publishedBy: string;
  /** UTC ISO. */
  publishedAt: string;
  keyId: string;
}

/** The object itself: the signature is over the UTF-8 bytes of `payload`. */
export interface SignedArchive {
  payload: string;
  /** Ed25519 (RFC 8032), base64. */
  signature: string;
  /** SubjectPublicKeyInfo (DER), base64. Its SHA-256 begins with the key id. */
  publicKey: string;
}

/**
 * `valid`: signed by the key named, which is compared with what the hospital wrote down. `cannot-be-checked`: this browser has no
 * Ed25519, or hides cryptography from pages that came over HTTP. `missing`: nothing published yet. `invalid`: changed or damaged.
 */
export type SignatureState = 'valid' | 'invalid' | 'cannot-be-checked' | 'missing' | 'not-answered';

export interface ArchiveDescription {
  signature: SignatureState;
  facts?: ArchiveFacts;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const hex = (bytes: ArrayBuffer) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Reads a description and checks its signature as far as that can be done here; never throws. */
export async function checkArchive(bytes: Uint8Array): Promise<ArchiveDescription> {
  let signed: SignedArchive;
  let facts: ArchiveFacts;
  let parts: { signature: Uint8Array<ArrayBuffer>; publicKey: Uint8Array<ArrayBuffer> };
  try {
    signed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as SignedArchive;
    facts = JSON.parse(signed.payload) as ArchiveFacts;
    parts = { signature: bytesOf(signed.signature), publicKey: bytesOf(signed.publicKey) };
    if (facts.lifeboat !== 'archive-description' || typeof facts.keyId !== 'string') return { signature: 'invalid' };
  } catch {
    return { signature: 'invalid' };
  }
  const subtle = globalThis.crypto?.subtle as (typeof crypto)['subtle'] | undefined;
  if (!subtle) return { signature: 'cannot-be-checked', facts };
  const digest = hex(await subtle.digest('SHA-256', parts.publicKey));
  if (!digest.startsWith(facts.keyId) || facts.keyId.length !== 32) return { signature: 'invalid' };
  let key: Awaited<ReturnType<typeof subtle.importKey>>;
  try {
    key = await subtle.importKey('spki', parts.publicKey, { name: 'Ed25519' }, false, ['verify']);
  } catch (error) {
    const unsupported = (error as { name?: string }).name === 'NotSupportedError';
    return unsupported ? { signature: 'cannot-be-checked', facts } : { signature: 'invalid' };
  }
  const payload = new TextEncoder().encode(signed.payload);
  const valid = await subtle.verify('Ed25519', key, parts.signature, payload);
  return valid ? { signature: 'valid', facts } : { signature: 'invalid' };
}

/** Fetches and checks the description; never throws. */
export async function readArchive(get: (key: string) => Promise<Uint8Array>): Promise<ArchiveDescription> {
  try {
    return await checkArchive(await get(ARCHIVE_KEY));
  } catch (error) {
    const missing = error instanceof LifeboatError && error.code === 'OBJECT_NOT_FOUND';
    return { signature: missing ? 'missing' : 'not-answered' };
  }
}
