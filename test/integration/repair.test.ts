import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FindingRow } from '../../contract/integrity.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { metadataKeyOf } from '../../storage/keys.ts';
import { repair } from '../../storage/repair.ts';
import { filesSource, type RepairSource, storeSource } from '../../storage/repair-sources.ts';
import { ScrubState } from '../../storage/scrub-state.ts';
import { FileStore } from '../../storage/stores/file-store.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { verify } from '../../storage/verify.ts';
import type { Finding } from '../../storage/verify-types.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';

let folder: ArchiveFolder;
let archive: Archive;
let copy: string;
let state: ScrubState;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  for (let i = 1; i <= 4; i++) await receive(archive, slice(i));
  await archive.flush();
  copy = mkdtempSync(join(tmpdir(), 'lifeboat-copy-'));
  cpSync(join(folder.dir, 'store'), copy, { recursive: true });
  state = new ScrubState(join(folder.dir, 'integrity.sqlite'));
});
afterEach(async () => {
  state.close();
  await archive.close();
  folder.remove();
  rmSync(copy, { recursive: true, force: true });
});

async function findings(): Promise<Finding[]> {
  const found: Finding[] = [];
  const run = verify({ store: archive.store, catalogue: archive.catalogue, strayAgeMs: 0, threads: 1 });
  for await (const finding of run) found.push(finding);
  return found;
}

/** Verifies, tries to repair everything from these sources, and verifies again. */
async function repairAll(sources: RepairSource[]) {
  const before = await findings();
  state.record('all', before);
  const rows = [];
  for (const finding of state.findings()) {
    const parts = {
      store: archive.store,
      catalogue: archive.catalogue,
      sources,
      entries: new StudyCache(archive.store),
      by: 'test',
    };
    if (finding.kind === 'stray') continue;
    const row = await repair(parts, finding);
    state.repaired(row);
    rows.push(row);
  }
  return { rows, after: (await findings()).map(({ kind, key }) => `${kind} ${key}`) };
}

const second = async () => storeSource(await FileStore.open(copy));
const path = (key: string) => join(folder.dir, 'store', key);
const bytesOf = (key: string) => readFileSync(path(key));

function overwrite(key: string, bytes: Uint8Array): void {
  rmSync(path(key));
  writeFileSync(path(key), bytes);
}

async function keys(): Promise<string[]> {
  return (await archive.entries(STUDY)).map(({ key }) => key).sort();
}

test('objects missing, cut and flipped come back from a second store, bit for bit, and it is written down', async () => {
  const [a, b, c] = (await keys()) as [string, string, string];
  const right = [a, b, c].map(bytesOf);
  rmSync(path(a));
  truncateSync(path(b), 100);
  const flipped = Buffer.from(right[2]!);
  flipped[flipped.length - 1]! ^= 1;
  overwrite(c, flipped);
  const { rows, after } = await repairAll([await second()]);
  expect(after).toEqual([]);
  expect([a, b, c].map(bytesOf)).toEqual(right);
  expect(rows.map(({ outcome, source }) => [outcome, source])).toEqual(Array(3).fill(['repaired', `file:${copy}`]));
  expect(state.counts()).toMatchObject({ open: 0, repaired: 3 });
  expect(state.repairs()[0]).toMatchObject({ by: 'test', studyInstanceUID: STUDY, outcome: 'repaired' });
});

test('worse bytes never come in: a second store with the same damage, or another one, changes nothing', async () => {
  const [a] = (await keys()) as [string];
  const damaged = Buffer.from(bytesOf(a));
  damaged[200]! ^= 1;
  overwrite(a, damaged);
  rmSync(join(copy, a));
  writeFileSync(join(copy, a), Buffer.alloc(damaged.length));
  const { rows, after } = await repairAll([await second()]);
  expect(rows).toMatchObject([{ outcome: 'failed', detail: expect.stringContaining(`file:${copy}`) }]);
  expect(after).toEqual([`flipped ${a}`]);
  expect(bytesOf(a)).toEqual(damaged);
  expect(state.counts()).toMatchObject({ open: 1, repaired: 0 });
  expect(state.findings()).toMatchObject([{ patientID: 'P1', patientName: 'Doe^Jane' }]);
});

test('a right object is not touched, whatever a finding says', async () => {
  const [a] = (await keys()) as [string];
  const finding = { kind: 'flipped', key: a, studyInstanceUID: STUDY, sopInstanceUID: '' } as FindingRow;
  const parts = { store: archive.store, sources: [], entries: new StudyCache(archive.store), by: 'test' };
  expect(await repair(parts, finding)).toMatchObject({ outcome: 'repaired', source: 'itself' });
});

test('files under any name serve, also with another header in front of the same data set', async () => {
  const [a, b] = (await keys()) as [string, string];
  const files = mkdtempSync(join(tmpdir(), 'lifeboat-files-'));
  writeFileSync(join(files, 'IM1'), bytesOf(a));
  const entry = (await archive.entries(STUDY)).find(({ key }) => key === b)!;
  const dataSet = bytesOf(b).subarray(entry.dataSetOffset);
  const uid = Buffer.from('1.2.840.10008.1.2.1\0');
  const element = Buffer.concat([Buffer.from([2, 0, 0x10, 0, 0x55, 0x49, uid.length, 0]), uid]);
  writeFileSync(
    join(files, 'from-pacs.dcm'),
    Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element, dataSet]),
  );
  rmSync(path(a));
  rmSync(path(b));
  const { rows, after } = await repairAll([filesSource(files)]);
  expect(rows.map(({ outcome }) => outcome)).toEqual(['repaired', 'repaired']);
  expect(after).toEqual([]);
  rmSync(files, { recursive: true });
});

test('a lost metadata segment is made again from the objects; a new pair replaces it', async () => {
  const [manifest] = (await storedKeys(archive, 'manifests/')) as [string];
  const before = await archive.metadata(STUDY);
  rmSync(path(metadataKeyOf(manifest)));
  const { rows, after } = await repairAll([]);
  expect(rows).toMatchObject([{ outcome: 'repaired', source: 'the objects' }]);
  expect(after).toEqual([]);
  const texts = await new StudyCache(archive.store).metadata(STUDY);
  expect(texts.map(({ json }) => json).sort()).toEqual(before.map(({ json }) => json).sort());
});

test('a damaged manifest segment comes back from a second store with every line as it was', async () => {
  const [manifest] = (await storedKeys(archive, 'manifests/')) as [string];
  const before = await archive.entries(STUDY);
  const bytes = bytesOf(manifest);
  overwrite(manifest, bytes.subarray(0, bytes.length - 30));
  const { rows, after } = await repairAll([await second()]);
  expect(rows).toMatchObject([{ outcome: 'repaired', source: `file:${copy}` }]);
  expect(after).toEqual([]);
  const now = await new StudyCache(archive.store).entries(STUDY);
  expect(now.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([...before].sort((a, b) => (a.key < b.key ? -1 : 1)));
});

test('without a second store its lines are made again from the objects, and say so', async () => {
  const [manifest] = (await storedKeys(archive, 'manifests/')) as [string];
  const before = await archive.entries(STUDY);
  rmSync(path(manifest));
  const { rows, after } = await repairAll([]);
  expect(rows).toMatchObject([{ outcome: 'repaired', source: 'the objects' }]);
  expect(after).toEqual([]);
  const now = await new StudyCache(archive.store).entries(STUDY);
  const hashes = (entries: typeof now) =>
    entries.map(({ key, sha256, dataSetSha256 }) => [key, sha256, dataSetSha256]).sort();
  expect(hashes(now)).toEqual(hashes(before));
  expect(now[0]!.notes!.at(-1)).toContain('made again from the object');
});
