import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LifeboatError } from '../contract/errors.ts';

export interface SealKey {
  privateKey: KeyObject;
  /** SubjectPublicKeyInfo in PEM (RFC 8410). */
  publicPem: string;
  keyId: string;
}

export const SEAL_KEY_FILE = 'seal-key.pem';

/** What a public key is called: the first 32 hex digits of SHA-256 of its SubjectPublicKeyInfo (DER). */
export function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 32);
}

/** @throws BAD_REQUEST when it is no Ed25519 public key in PEM */
export function readPublicKey(pem: string | Buffer): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}`);
    return key;
  } catch (error) {
    throw new LifeboatError('BAD_REQUEST', `This is no Ed25519 public key in PEM: ${(error as Error).message}`);
  }
}

/**
 * The key with which this data folder's router signs; made at the first start, mode 600. It never leaves the folder.
 * @throws CONFIG_INVALID when the file is there and cannot be used
 */
export function loadSealKey(dataDir: string): SealKey {
  const path = join(dataDir, SEAL_KEY_FILE);
  let pem: string;
  try {
    // copied about, it may have lost its mode; a file system without modes cannot do better
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    pem = makeKey(path);
  }
  try {
    const privateKey = createPrivateKey(pem);
    const publicKey = createPublicKey(privateKey);
    return {
      privateKey,
      publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
      keyId: keyIdOf(publicKey),
    };
  } catch (error) {
    throw new LifeboatError('CONFIG_INVALID', `${path} is no private key in PEM.`, { cause: error });
  }
}

/** Durable before it is used: a key that signed and then was lost would look like a break-in. */
function makeKey(path: string): string {
  const pem = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const aside = `${path}.${process.pid}`;
  const fd = openSync(aside, 'w', 0o600);
  try {
    writeSync(fd, pem);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
  rmSync(aside, { force: true });
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return pem;
}
