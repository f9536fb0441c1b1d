import { createHash, randomBytes } from 'node:crypto';
import { LifeboatError } from '../contract/errors.ts';

/**
 * Names of everything in the store; storage/README.md documents them for strangers.
 *
 *     lifeboat.json
 *     objects/<hh>/<study>/<series>/<sop>.<first 32 hex digits of the object's SHA-256>.dcm
 *     manifests/<hh>/<study>/<ulid>.ndjson.gz
 *     metadata/<hh>/<study>/<ulid>.ndjson.gz
 *
 * `<hh>` is the first byte, in hex, of SHA-256(Study Instance UID): it spreads studies over 256 folders.
 */
export const FORMAT_KEY = 'lifeboat.json';
export const OBJECTS = 'objects/';
export const MANIFESTS = 'manifests/';
export const METADATA = 'metadata/';

const wellFormedUid = /^[0-9]+(\.[0-9]+)*$/;
const keySegment = /^[A-Za-z0-9._-]{1,255}$/;

/** UIDs a store key may carry as they are (PS3.5 9.1: digits and dots, 64 at most). */
export function isPlainUid(uid: string): boolean {
  return uid.length <= 64 && wellFormedUid.test(uid);
}

/**
 * A UID as one segment of a key. One that is no UID becomes `x-` and the hex of its UTF-8 bytes, or `h-` and its SHA-256
 * when that would be too long: nothing a sender writes can leave its folder.
 */
export function uidSegment(uid: string): string {
  if (isPlainUid(uid)) return uid;
  const bytes = Buffer.from(uid, 'utf8');
  return bytes.length <= 64 ? `x-${bytes.toString('hex')}` : `h-${createHash('sha256').update(bytes).digest('hex')}`;
}

/** `<hh>/<study>`, the part that all keys of a study share. */
export function studyPath(studyInstanceUID: string): string {
  const shard = createHash('sha256').update(studyInstanceUID, 'utf8').digest('hex').slice(0, 2);
  return `${shard}/${uidSegment(studyInstanceUID)}`;
}

/** Key of an object. It holds the object's own hash, so a key can never stand for two different contents. */
export function objectKey(instance: {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
  sha256: string;
}): string {
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, sha256 } = instance;
  const name = `${uidSegment(sopInstanceUID)}.${sha256.slice(0, 32)}.dcm`;
  return `${OBJECTS}${studyPath(studyInstanceUID)}/${uidSegment(seriesInstanceUID)}/${name}`;
}

export function manifestPrefix(studyInstanceUID: string): string {
  return `${MANIFESTS}${studyPath(studyInstanceUID)}/`;
}

export function manifestKey(studyInstanceUID: string, id: string): string {
  return `${manifestPrefix(studyInstanceUID)}${id}.ndjson.gz`;
}

/** The metadata segment written together with a manifest segment has the same id. */
export function metadataKeyOf(manifest: string): string {
  return METADATA + manifest.slice(MANIFESTS.length);
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of milliseconds and 80 random bits, so names sort by time and never meet. */
export function ulid(nowMs = Date.now()): string {
  let time = '';
  let rest = nowMs;
  for (let i = 0; i < 10; i++) {
    time = crockford[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  const random = randomBytes(16);
  let tail = '';
  for (const byte of random) tail += crockford[byte % 32];
  return time + tail;
}

/** Whether a file or folder of this name can be part of a key. */
export function isKeySegment(name: string): boolean {
  return keySegment.test(name) && name !== '.' && name !== '..';
}

/** Throws BAD_REQUEST unless `key` is one that a store may be asked for. */
export function checkKey(key: string): void {
  const ok =
    key.length <= 1024 &&
    key.split('/').every((segment) => keySegment.test(segment) && segment !== '.' && segment !== '..');
  if (!ok) throw new LifeboatError('BAD_REQUEST', 'This is no key of an object store.');
}

/** Like `checkKey` for the beginning of keys: the last segment may be incomplete or empty. */
export function checkPrefix(prefix: string): void {
  const segments = prefix.split('/');
  const last = segments.pop()!;
  const ok =
    prefix.length <= 1024 &&
    /^[A-Za-z0-9._-]{0,255}$/.test(last) &&
    segments.every((segment) => keySegment.test(segment) && segment !== '.' && segment !== '..');
  if (!ok) throw new LifeboatError('BAD_REQUEST', 'This is no key of an object store.');
}
