import { join } from 'node:path';
import type { LifeboatError } from '../../contract/errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { sealArchive } from '../../storage/seal.ts';
import { SealAudit } from '../../storage/seal-audit.ts';
import type { KnownSeal } from '../../storage/seal-chain.ts';
import { loadSealKey } from '../../storage/seal-key.ts';
import { SealLedger } from '../../storage/seal-ledger.ts';
import type { Seal } from '../../storage/seal-types.ts';
import { verify } from '../../storage/verify.ts';
import { readerOf } from '../../storage/verify-reader.ts';
import type { Finding } from '../../storage/verify-types.ts';

/** Seals as the router of that data folder does it, at a time of the test's choosing. */
export async function sealAt(
  store: ObjectStore,
  dataDir: string,
  now: string,
  onProblem?: (error: LifeboatError) => void,
): Promise<Seal> {
  const ledger = new SealLedger(join(dataDir, 'seal-ledger.sqlite'));
  try {
    const key = loadSealKey(dataDir);
    return await sealArchive({ store, reader: readerOf(store), ledger, key, now: () => new Date(now), onProblem });
  } finally {
    ledger.close();
  }
}

/** `lifeboat verify --seals`, as a list of `kind` and the key or image concerned. */
export async function audit(
  store: ObjectStore,
  options: { publicKey?: string; known?: KnownSeal; now?: string } = {},
): Promise<{ found: Finding[]; audit: SealAudit }> {
  const { now, ...rest } = options;
  const seals = await SealAudit.open({ store, ...rest, now: () => new Date(now ?? Date.now()) });
  try {
    const found: Finding[] = [];
    const run = verify({ store, strayAgeMs: 0, threads: 1, also: (study) => seals.compare(study) });
    for await (const finding of run) found.push(finding);
    return { found: [...found, ...seals.findings, ...seals.rest()], audit: seals };
  } finally {
    seals.close();
  }
}
