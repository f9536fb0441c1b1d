import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LifeboatError } from '../../contract/errors.ts';
import { compactStudy, removeReplaced } from '../../storage/compact.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { manifestKey, manifestPrefix, metadataKeyOf, ulid } from '../../storage/keys.ts';
import { keyIdOf, loadSealKey, SEAL_KEY_FILE } from '../../storage/seal-key.ts';
import { sealKeys } from '../../storage/seal-types.ts';
import { writeSegments } from '../../storage/segments.ts';
import { FileStore } from '../../storage/stores/file-store.ts';
import { severityOf } from '../../storage/verify-types.ts';
import { type ArchiveFolder, archiveFolder, receive, SERIES, STUDY, slice, storedKeys } from '../support/archive.ts';
import { audit, sealAt } from '../support/sealing.ts';

const day = 86_400_000;
const at = (daysAgo: number, minutes = 0) => new Date(Date.now() - daysAgo * day + minutes * 60_000).toISOString();

let folder: ArchiveFolder;
let copy: string;
let store: FileStore;
let keyId: string;
let publicPem: string;
let heads: string[];

beforeAll(async () => {
  folder = archiveFolder();
  const archive = await folder.open();
  heads = [];
  for (const [daysAgo, images] of [
    [2, [1, 2, 3]],
    [1, [4, 5]],
    [0, []],
  ] as const) {
    for (const image of images) await receive(archive, slice(image));
    if (daysAgo === 2) await receive(archive, slice(1, 1, '1.2.3.77'));
    await archive.flush();
    await sealAt(archive.store, folder.dir, at(daysAgo));
  }
  await archive.close();
  ({ keyId, publicPem } = loadSealKey(folder.dir));
  const { audit: seals } = await audit(await FileStore.open(join(folder.dir, 'store')));
  heads.push(seals.chains[0]!.newest!.sha256);
});
afterAll(() => folder.remove());

beforeEach(async () => {
  copy = mkdtempSync(join(tmpdir(), 'lifeboat-seals-test-'));
  cpSync(folder.dir, copy, { recursive: true });
  store = await FileStore.open(join(copy, 'store'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

async function put(key: string, bytes: Uint8Array): Promise<void> {
  await store.delete(key);
  await store.put(key, bytes);
}

const segments = (study = STUDY) => storedKeys({ store }, manifestPrefix(study));
const linesOf = async (key: string) =>
  gunzipSync(await store.get(key))
    .toString()
    .trimEnd()
    .split('\n');
const entriesOf = async (key: string) => (await linesOf(key)).slice(1).map((line) => JSON.parse(line) as InstanceEntry);

async function removeAll(prefix: string): Promise<void> {
  for (const key of await storedKeys({ store }, prefix)) await store.delete(key);
}

/** Kinds that are wrong, each once. */
async function wrong(options?: Parameters<typeof audit>[1]): Promise<string[]> {
  const { found } = await audit(store, options);
  return [...new Set(found.map(({ kind }) => kind).filter((kind) => severityOf(kind) === 'error'))].sort();
}

test('the key is made once, is readable by its owner alone, and its public half lies in the store', async () => {
  expect(statSync(join(copy, SEAL_KEY_FILE)).mode & 0o777).toBe(0o600);
  expect((await store.get(sealKeys(keyId).publicKey)).toString()).toBe(publicPem);
  expect(loadSealKey(copy).keyId).toBe(keyId);
});

test('an archive that nobody touched is as it was sealed, day by day', async () => {
  const { found, audit: seals } = await audit(store, { publicKey: publicPem });
  expect(found).toEqual([]);
  expect(seals.chains).toMatchObject([{ keyId, seals: 3, newest: { sequence: 3, treeSize: 6 } }]);
  expect({ sealed: seals.sealed, unsealed: seals.unsealed }).toEqual({ sealed: 6, unsealed: 0 });
});

interface Tampering {
  what: string;
  tamper(): Promise<unknown>;
  kinds: string[];
  options?: () => Parameters<typeof audit>[1];
}
const seal = (sequence: number) => sealKeys(keyId).seal(sequence);
const signature = (sequence: number) => sealKeys(keyId).signature(sequence);
const leafLists = async (sequence: number) =>
  (JSON.parse((await store.get(seal(sequence))).toString()) as { leaves: { key: string }[] }).leaves;

const TAMPERINGS: Tampering[] = [
  {
    what: 'a bit of an object',
    kinds: ['flipped'],
    tamper: async () => {
      const { key } = (await entriesOf((await segments())[0]!))[0]!;
      const bytes = await store.get(key);
      bytes[bytes.length - 1]! ^= 1;
      await put(key, bytes);
    },
  },
  {
    what: 'an object, and its manifest so that it fits',
    kinds: ['sealed-missing', 'stray', 'wrong-key'],
    tamper: async () => {
      const segment = (await segments())[0]!;
      const [header, first, ...rest] = await linesOf(segment);
      const entry = JSON.parse(first!) as InstanceEntry;
      const other = (await entriesOf(segment))[1]!;
      const forged = {
        ...entry,
        key: other.key,
        size: other.size,
        sha256: other.sha256,
        dataSetSha256: 'f'.repeat(64),
      };
      await put(segment, gzipSync(`${[header, JSON.stringify(forged), ...rest].join('\n')}\n`));
      const metadata = await linesOf(metadataKeyOf(segment));
      const text = metadata.join('\n').replace(entry.dataSetSha256, forged.dataSetSha256);
      await put(metadataKeyOf(segment), gzipSync(`${text}\n`));
    },
  },
  {
    what: 'the time of receipt in a manifest',
    kinds: ['sealed-changed'],
    tamper: async () => {
      const segment = (await segments())[0]!;
      const text = (await linesOf(segment)).join('\n').replace(/"receivedAt":"2\d/, '"receivedAt":"19');
      await put(segment, gzipSync(`${text}\n`));
    },
  },
  {
    what: 'a manifest segment and all its objects, removed',
    kinds: ['sealed-missing'],
    tamper: async () => {
      const segment = (await segments())[1]!;
      for (const { key } of await entriesOf(segment)) await store.delete(key);
      await store.delete(metadataKeyOf(segment));
      await store.delete(segment);
    },
  },
  {
    what: 'a whole study, removed without a trace',
    kinds: ['sealed-missing'],
    tamper: async () => {
      const path = manifestPrefix('1.2.3.77').slice('manifests/'.length);
      for (const root of ['objects/', 'metadata/', 'manifests/']) await removeAll(root + path);
    },
  },
  {
    what: 'the text of a seal',
    kinds: ['seal-chain', 'seal-signature'],
    tamper: async () =>
      put(seal(2), Buffer.from((await store.get(seal(2))).toString().replace('"late": 0', '"late": 1'))),
  },
  {
    what: 'a signature, taken from another seal',
    kinds: ['seal-signature'],
    tamper: async () => put(signature(2), await store.get(signature(1))),
  },
  { what: 'a signature, removed', kinds: ['seal-signature'], tamper: () => store.delete(signature(3)) },
  {
    what: 'the order of two seals',
    kinds: ['seal-damaged'],
    tamper: async () => {
      const [two, three] = [await store.get(seal(2)), await store.get(seal(3))];
      await put(seal(2), three);
      await put(seal(3), two);
    },
  },
  { what: 'a day, removed from the middle', kinds: ['seal-missing'], tamper: () => store.delete(seal(2)) },
  {
    what: 'the newest day, removed; the auditor has written it down',
    kinds: ['seal-missing'],
    options: () => ({ known: { sequence: 3, sha256: heads[0]! } }),
    tamper: async () => {
      await store.delete(seal(3));
      await store.delete(signature(3));
    },
  },
  {
    what: 'the newest day, removed; another router has seen it',
    kinds: ['seal-missing'],
    tamper: async () => {
      const other = mkdtempSync(join(tmpdir(), 'lifeboat-other-router-'));
      await sealAt(store, other, at(0, 1));
      rmSync(other, { recursive: true });
      await store.delete(seal(3));
    },
  },
  {
    what: 'a list of leaves',
    kinds: ['seal-damaged'],
    tamper: async () => {
      const { key } = (await leafLists(1))[0]!;
      const [first, ...rest] = await linesOf(key);
      await put(key, gzipSync(`${[first!.replace('.1.1"', '.1.9"'), ...rest].join('\n')}\n`));
    },
  },
  {
    what: 'the order within a list of leaves',
    kinds: ['seal-damaged'],
    tamper: async () => {
      const { key } = (await leafLists(1))[0]!;
      await put(key, gzipSync(`${(await linesOf(key)).reverse().join('\n')}\n`));
    },
  },
  {
    what: 'a list of leaves, removed',
    kinds: ['seal-damaged'],
    tamper: async () => store.delete((await leafLists(2))[0]!.key),
  },
  {
    what: 'the public key, replaced',
    kinds: ['seal-key'],
    options: () => ({ publicKey: publicPem }),
    tamper: () => put(sealKeys(keyId).publicKey, Buffer.from(foreign().pem)),
  },
  {
    what: 'the public key, replaced, and everything signed anew with the new one',
    kinds: ['seal-key'],
    tamper: async () => {
      const { pem, privateKey } = foreign();
      await put(sealKeys(keyId).publicKey, Buffer.from(pem));
      for (const n of [1, 2, 3]) await put(signature(n), sign(null, await store.get(seal(n)), privateKey));
    },
  },
  {
    what: 'all seals, replaced by a whole chain of another key; the auditor has the true one',
    kinds: ['seal-key'],
    options: () => ({ publicKey: publicPem }),
    tamper: async () => {
      await removeAll('seals/');
      const other = mkdtempSync(join(tmpdir(), 'lifeboat-other-router-'));
      await sealAt(store, other, at(0));
      rmSync(other, { recursive: true });
    },
  },
  { what: 'all seals, removed', kinds: ['seal-missing'], tamper: () => removeAll('seals/') },
  {
    what: 'an image, slipped in and dated back',
    kinds: ['seal-back-dated', 'wrong-key'],
    tamper: async () => {
      const entry = (await entriesOf((await segments())[0]!))[0]!;
      const past = Date.now() - 30 * day;
      const forged = {
        ...entry,
        dataSetSha256: 'e'.repeat(64),
        sopInstanceUID: `${SERIES}.66`,
        receivedAt: new Date(past).toISOString(),
      };
      const key = manifestKey(STUDY, ulid(past));
      const header = { formatVersion: 1, studyInstanceUID: STUDY, createdAt: forged.receivedAt, count: 1 };
      const pack = (kind: string, line: object) =>
        gzipSync(`${JSON.stringify({ lifeboat: kind, ...header })}\n${JSON.stringify(line)}\n`);
      const { seriesInstanceUID, sopInstanceUID, dataSetSha256 } = forged;
      await put(metadataKeyOf(key), pack('metadata', { seriesInstanceUID, sopInstanceUID, dataSetSha256, json: {} }));
      await put(key, pack('manifest', forged));
    },
  },
];

function foreign() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, keyId: keyIdOf(publicKey), pem: String(publicKey.export({ type: 'spki', format: 'pem' })) };
}

describe('tampering is seen', () => {
  test.each(TAMPERINGS)('$what', async ({ tamper, kinds, options }) => {
    await tamper();
    expect(await wrong(options?.())).toEqual(kinds);
  });
});

test('what arrives late is sealed when it comes, and the auditor is told', async () => {
  const entry = (await entriesOf((await segments())[0]!))[0]!;
  const late = { ...entry, dataSetSha256: 'd'.repeat(64), receivedAt: at(1, -300) };
  await writeSegments(store, STUDY, [{ entry: late, metadata: '{}' }]);
  const before = await audit(store);
  expect(before.found.map(({ kind }) => kind)).toEqual(['two-contents', 'seal-late']);
  expect(before.audit.unsealed).toBe(1);
  expect(await sealAt(store, copy, at(0, 5))).toMatchObject({ sequence: 4, added: 1, late: 1, treeSize: 7 });
  const after = await audit(store);
  expect(after.found.map(({ kind }) => kind)).toEqual(['two-contents', 'seal-late']);
  expect(after.found[1]!.key).toBe(seal(4));
  expect(after.audit.unsealed).toBe(0);
});

test('compaction changes nothing of what was sealed', async () => {
  expect(await compactStudy(store, STUDY, { minSegments: 2, quietMs: 0 })).not.toBeNull();
  await removeReplaced(store, STUDY, 0);
  expect(await segments()).toHaveLength(1);
  expect((await audit(store)).found).toEqual([]);
  expect(await sealAt(store, copy, at(0, 1))).toMatchObject({ sequence: 4, added: 0, late: 0 });
  expect((await audit(store)).found).toEqual([]);
});

test('a clock set back breaks no chain and is told', async () => {
  expect(await sealAt(store, copy, at(5))).toMatchObject({ sequence: 4, clockSetBack: true, late: 0 });
  expect(await sealAt(store, copy, at(0, 1))).toMatchObject({ sequence: 5 });
  const { found } = await audit(store);
  expect(found.map(({ kind }) => kind)).toEqual(['seal-clock']);
  expect(await wrong()).toEqual([]);
});

test('a lost ledger is read back from the store: the chain goes on and nothing is sealed twice', async () => {
  for (const end of ['', '-wal', '-shm']) rmSync(join(copy, `seal-ledger.sqlite${end}`), { force: true });
  expect(await sealAt(store, copy, at(0, 1))).toMatchObject({ sequence: 4, added: 0, treeSize: 6 });
  expect((await audit(store)).found).toEqual([]);
});

test('a router killed between the seal and its own ledger goes on behind that seal', async () => {
  copyFileSync(join(copy, 'seal-ledger.sqlite'), join(copy, 'before'));
  await sealAt(store, copy, at(0, 1));
  for (const end of ['-wal', '-shm']) rmSync(join(copy, `seal-ledger.sqlite${end}`), { force: true });
  copyFileSync(join(copy, 'before'), join(copy, 'seal-ledger.sqlite'));
  expect(await sealAt(store, copy, at(0, 2))).toMatchObject({ sequence: 5, added: 0 });
  expect((await audit(store)).found).toEqual([]);
});

test('a seal that somebody removed is put back by the router, which says so', async () => {
  await store.delete(seal(3));
  const problems: LifeboatError[] = [];
  await sealAt(store, copy, at(0, 1), (problem) => problems.push(problem));
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(seal(3))]);
  expect((await audit(store, { known: { sequence: 3, sha256: heads[0]! } })).found).toEqual([]);
});

test('a newest seal of last week is pointed out', async () => {
  const { found } = await audit(store, { now: new Date(Date.now() + 7 * day).toISOString() });
  expect(found.map(({ kind }) => kind)).toEqual(['seal-old']);
});

const python = spawnSync('python3', ['--version']).status === 0;
const canVerify =
  spawnSync('python3', ['-c', 'import cryptography']).status === 0 || spawnSync('openssl', ['version']).status === 0;
test.skipIf(!python || !canVerify)('somebody who has only storage/README.md comes to the same verdicts', async () => {
  const script = resolve(import.meta.dirname, '../support/stranger_seals.py');
  const pem = join(copy, 'auditor.pem');
  await store.put('x', Buffer.from(publicPem));
  copyFileSync(join(copy, 'store/x'), pem);
  const stranger = () => {
    const { status, stdout, stderr } = spawnSync('python3', [script, join(copy, 'store'), pem]);
    return { status, out: stdout.toString() + stderr.toString() };
  };
  expect(stranger()).toEqual({ status: 0, out: 'seals 3 instances 6\n' });
  await put(signature(2), await store.get(signature(1)));
  expect(stranger()).toEqual({ status: 1, out: '00000002.json: signature\nseals 3 instances 6\n' });
  const { key } = (await entriesOf((await segments())[0]!))[0]!;
  await store.delete(key);
  expect(stranger().out).toContain(`${key}: gone`);
});
