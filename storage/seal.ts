import { sign } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { asLifeboatError, LifeboatError } from '../contract/errors.ts';
import { MANIFESTS, ulid } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import type { SealKey } from './seal-key.ts';
import type { SealLedger } from './seal-ledger.ts';
import { listSeals, readLeaves, readSeal, sha256 } from './seal-read.ts';
import { leafHash } from './seal-tree.ts';
import { CLOCK_MARGIN_MS, leafLine, SEAL_FORMAT_VERSION, type Seal, sealKeys } from './seal-types.ts';
import { FileStore } from './stores/file-store.ts';
import { studiesIn } from './verify-listing.ts';
import type { StudyReader } from './verify-reader.ts';

export interface SealOptions {
  store: ObjectStore;
  /** Reads manifest segments; where it reads is where the time goes. */
  reader: StudyReader;
  ledger: SealLedger;
  key: SealKey;
  now?: () => Date;
  signal?: AbortSignal;
  /** Something IT should read: seals that were removed from the store and put back, segments that cannot be read. */
  onProblem?(error: LifeboatError): void;
}

const LIST_LEAVES = 20_000;
const zip = promisify(gzip);

/**
 * Seals the archive as it is now: every manifest line that no seal of this key has yet becomes a leaf of the tree, and the new
 * root is chained to the seal before and signed. Objects are not read. What is written lies below `seals/`; a seal that
 * was broken off leaves nothing that counts.
 * @throws STORE_UNAVAILABLE; CONFLICT while another process seals with this key
 */
export async function sealArchive(options: SealOptions): Promise<Seal> {
  const { store, ledger, key } = options;
  await publishKey(store, key);
  await catchUp(options);
  ledger.begin();
  try {
    return await sealNow(options);
  } catch (error) {
    ledger.rollback();
    throw error;
  }
}

async function sealNow(options: SealOptions): Promise<Seal> {
  const { store, ledger, key, signal } = options;
  const before = ledger.head();
  const now = (options.now ?? (() => new Date()))();
  const clockSetBack = before !== null && now.getTime() <= Date.parse(before.createdAt);
  const lateBefore =
    before && !clockSetBack ? new Date(Date.parse(before.createdAt) - CLOCK_MARGIN_MS).toISOString() : '';
  const lists: Seal['leaves'] = [];
  let lines: string[] = [];
  let [added, late, unreadable] = [0, 0, 0];
  for await (const { segment, path } of newSegments(options)) {
    if (signal?.aborted) throw new LifeboatError('STORE_UNAVAILABLE', ': sealing was ended');
    const { manifest, entries } = await options.reader.segment(segment, path);
    if (manifest.state === 'not-checked') throw new LifeboatError('STORE_UNAVAILABLE', `: ${manifest.reason}`);
    if (manifest.state !== 'read') {
      if (manifest.state !== 'missing') unreadable++;
      continue;
    }
    ledger.addSegment(segment);
    // what it replaces has no line of its own, and need not be readable any more
    for (const replaced of manifest.replaces) ledger.addSegment(replaced);
    for (const entry of entries) {
      const line = leafLine(entry);
      if (!ledger.add(leafHash(line))) continue;
      added++;
      if (entry.receivedAt < lateBefore) late++;
      lines.push(line);
    }
    if (lines.length >= LIST_LEAVES) lists.push(await writeList(store, key.keyId, lines.splice(0)));
  }
  if (lines.length > 0) lists.push(await writeList(store, key.keyId, lines));
  lines = [];
  const seal: Seal = {
    lifeboat: 'seal',
    formatVersion: SEAL_FORMAT_VERSION,
    keyId: key.keyId,
    sequence: (before?.sequence ?? 0) + 1,
    day: now.toISOString().slice(0, 10),
    createdAt: now.toISOString(),
    previous: before?.sha256 ?? null,
    treeSize: ledger.tree.size,
    rootHash: ledger.tree.root(),
    added,
    late,
    leaves: lists,
    unreadable,
    ...(clockSetBack ? { clockSetBack } : {}),
    others: await headsOfOthers(store, key.keyId),
  };
  await writeSeal(options, seal);
  return seal;
}

/** Signature first: whoever finds a seal finds its signature. */
async function writeSeal({ store, ledger, key }: SealOptions, seal: Seal): Promise<void> {
  const keys = sealKeys(key.keyId);
  const json = Buffer.from(`${JSON.stringify(seal, null, 1)}\n`);
  const signature = sign(null, json, key.privateKey);
  if (await store.head(keys.seal(seal.sequence)))
    throw new LifeboatError('CONFLICT', `${keys.seal(seal.sequence)} is there already: two routers use one seal key.`);
  await store.put(keys.signature(seal.sequence), signature);
  await store.put(keys.seal(seal.sequence), json);
  ledger.commit(seal.sequence, { json, signature, sha256: sha256(json), createdAt: seal.createdAt });
}

async function writeList(store: ObjectStore, keyId: string, lines: string[]): Promise<Seal['leaves'][number]> {
  const key = sealKeys(keyId).leaves(ulid());
  const packed = await zip(`${lines.join('\n')}\n`, { level: 6 });
  await store.put(key, packed);
  return { key, count: lines.length, sha256: sha256(packed) };
}

async function publishKey(store: ObjectStore, { keyId, publicPem }: SealKey): Promise<void> {
  const { publicKey } = sealKeys(keyId);
  if (!(await store.head(publicKey))) await store.put(publicKey, Buffer.from(publicPem));
}

async function* newSegments({ store, reader, ledger }: SealOptions): AsyncGenerator<{ segment: string; path: string }> {
  const pathOf = (key: string) => `${key.slice(MANIFESTS.length).split('/', 2).join('/')}/`;
  if (!(store instanceof FileStore)) {
    for await (const { key } of store.list(MANIFESTS))
      if (!ledger.knowsSegment(key)) yield { segment: key, path: pathOf(key) };
    return;
  }
  for await (const found of studiesIn(store)) {
    const { path, manifests } = found.keys ?? (await reader.list(found.path));
    for (const segment of manifests) if (!ledger.knowsSegment(segment)) yield { segment, path };
  }
}

async function headsOfOthers(store: ObjectStore, mine: string): Promise<Seal['others']> {
  const others: Seal['others'] = [];
  for (const [keyId, sequences] of await listSeals(store)) {
    if (keyId === mine || sequences.length === 0) continue;
    const sequence = Math.max(...sequences);
    try {
      others.push({ keyId, sequence, sha256: (await readSeal(store, keyId, sequence)).sha256 });
    } catch (error) {
      // somebody else's broken seal is told by verifying, and is no reason not to seal
      if (asLifeboatError(error).code === 'STORE_UNAVAILABLE') throw error;
    }
  }
  return others;
}

/**
 * Makes ledger and store agree: seals that the store has and the ledger lacks (a crash, a lost data folder) are read back;
 * seals that the ledger remembers and the store lacks were removed by somebody, and are put back.
 */
async function catchUp({ store, ledger, key, onProblem }: SealOptions): Promise<void> {
  const known = ledger.head()?.sequence ?? 0;
  const inStore = new Set((await listSeals(store)).get(key.keyId) ?? []);
  const keys = sealKeys(key.keyId);
  for (let sequence = 1; sequence <= known; sequence++) {
    if (inStore.has(sequence)) continue;
    const copy = ledger.copyOf(sequence)!;
    await store.put(keys.signature(sequence), copy.signature);
    await store.put(keys.seal(sequence), copy.json);
    onProblem?.(
      new LifeboatError('OBJECT_DAMAGED', `${keys.seal(sequence)} had been removed from the store; it was put back.`),
    );
  }
  for (let sequence = known + 1; inStore.has(sequence); sequence++) {
    const { seal, json, signature, sha256: hash } = await readSeal(store, key.keyId, sequence);
    ledger.begin();
    try {
      for (const list of seal.leaves) for (const line of await readLeaves(store, list)) ledger.add(leafHash(line));
      if (ledger.tree.root() !== seal.rootHash)
        throw new LifeboatError('OBJECT_DAMAGED', `: the leaves of ${keys.seal(sequence)} do not give its root`);
      ledger.commit(sequence, { json, signature, sha256: hash, createdAt: seal.createdAt });
    } catch (error) {
      ledger.rollback();
      throw error;
    }
  }
}
