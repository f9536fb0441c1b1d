import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../../contract/errors.ts';
import { loadSealKey, readPublicKey, SEAL_KEY_FILE } from '../seal-key.ts';

const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g;

export interface TrustSettings {
  dataDir: string;
  /** LIFEBOAT_TRUSTED_KEYS: files with public keys in PEM, one or more in each. */
  trustedKeys?: string[] | undefined;
}

/**
 * Public keys in PEM whose removals count here: that of this data folder, and those that IT named (other routers on the same store).
 * What merely lies in the store is not trusted: who may write there could add a key of his own.
 * @throws CONFIG_INVALID
 */
export function trustedPems({ dataDir, trustedKeys = [] }: TrustSettings): string[] {
  return [loadSealKey(dataDir).publicPem, ...trustedKeys.flatMap(keysOfFile)];
}

/** True where this folder has signed or may sign; false: a machine that only looks, an auditor's. */
export const hasSealKey = (dataDir: string): boolean => existsSync(join(dataDir, SEAL_KEY_FILE));

function keysOfFile(file: string): string[] {
  try {
    const keys = readFileSync(file, 'utf8').match(PUBLIC_KEY) ?? [];
    if (keys.length === 0) throw new LifeboatError('BAD_REQUEST', 'it holds no public key in PEM');
    for (const pem of keys) readPublicKey(pem);
    return keys.map((pem) => `${pem}\n`);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new LifeboatError('CONFIG_INVALID', `LIFEBOAT_TRUSTED_KEYS: ${file}: ${reason}`, { cause });
  }
}
