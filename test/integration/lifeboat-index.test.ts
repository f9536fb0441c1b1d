import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { compactStudy } from '../../storage/compact.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { catchUpIndex } from '../../storage/lifeboat/catch-up-index.ts';
import { IndexThread } from '../../storage/lifeboat/index-thread.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import type { StoreConfig } from '../../storage/stores/open-store.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';

const reader = resolve(import.meta.dirname, '../support/stranger_index.py');
let folder: ArchiveFolder;
let archive: Archive;
let thread: IndexThread | undefined;
beforeEach(() => {
  folder = archiveFolder();
});
afterEach(async () => {
  await thread?.close();
  thread = undefined;
  await archive.close();
  folder.remove();
});

const problem = (error: Error) => {
  throw error;
};

async function start(store: StoreConfig = folder.options.store): Promise<void> {
  archive = await folder.open({ store });
}

/** As router/lifeboat-index.ts does it. */
function startIndex(store: StoreConfig = folder.options.store): IndexThread {
  const started = new IndexThread({ dataDir: folder.dir, store, program: 'test', gatherMs: 50, onProblem: problem });
  archive.events.on('committed', (entries) => started.changed(new Set(entries.map((entry) => entry.studyInstanceUID))));
  started.start();
  thread = started;
  return started;
}

async function keep(...images: ReturnType<typeof slice>[]): Promise<void> {
  for (const image of images) await receive(archive, image);
  await archive.flush();
}

async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const found = await what();
    if (found) return found;
    await sleep(100);
  }
  throw new Error('it did not come');
}

const index = () => openLifeboatIndex(sourceOf(archive.store));
const writerOf = (name: string) =>
  IndexWriter.open({
    store: archive.store,
    writer: name,
    workDir: join(folder.dir, name),
    recentRows: 2,
    onProblem: problem,
  });

async function indexOf(count: number): Promise<IndexWriter> {
  await start();
  await keep(...Array.from({ length: count }, (_, i) => slice(1, 1, `${STUDY}.${i + 10}`)));
  const writer = await writerOf('one');
  await catchUpIndex({ store: archive.store, writer, onProblem: problem });
  return writer;
}

async function follows(store?: StoreConfig): Promise<void> {
  await start(store);
  await keep(slice(1), slice(2));
  startIndex(store);
  await until(async () => (await (await index()).study(STUDY))?.instances === 2);
  await until(async () => (await index()).archive.signature === 'valid');
  await keep(slice(3), slice(1, 1, `${STUDY}.9`));
  await until(async () => (await (await index()).study(STUDY))?.instances === 3);
  await until(async () => thread!.status().waitingSince === null);
  const { segments } = (await (await index()).study(STUDY))!;
  const listed = [];
  for await (const { key } of archive.store.list('manifests/')) if (key.includes(`${STUDY}/`)) listed.push(key);
  expect(segments).toEqual(listed.sort());
  const { get } = sourceOf(archive.store);
  const plain = await (await openLifeboatIndex({ get })).search({ limit: 10 });
  expect(plain).toMatchObject({ complete: true, problems: [] });
  expect(plain.hits.map((hit) => hit.studyInstanceUID).sort()).toEqual([STUDY, `${STUDY}.9`]);
}

test('the index follows what is committed, finds what was there before, and is signed', () => follows());

describe.skipIf(!cephAvailable())('on Ceph', () => {
  test('the index follows what is committed', { timeout: 180_000 }, async () => {
    const ceph = await CephS3.start();
    try {
      await follows(ceph.storeConfig('index-test'));
      await thread!.close();
    } finally {
      await ceph.stop();
    }
  });
});

test('segments that compaction put in place of others are found by comparison', async () => {
  await start();
  for (const number of [1, 2, 3]) await keep(slice(number));
  const writer = await writerOf('one');
  const options = { store: archive.store, writer, onProblem: problem };
  expect(await catchUpIndex(options)).toBe(1);
  expect(await catchUpIndex(options)).toBe(0);
  const { key } = (await compactStudy(archive.store, STUDY, { minSegments: 2, quietMs: 0 }))!;
  expect(await catchUpIndex(options)).toBe(1);
  expect((await (await index()).study(STUDY))!.segments).toContain(key);
});

test('a damaged or missing piece is said, and made anew by comparison', async () => {
  const writer = await indexOf(6);
  const pieces = join(folder.dir, 'store/lifeboat/index/pieces');
  const [piece] = readdirSync(pieces);
  const path = join(pieces, piece!);
  const bytes = readFileSync(path);
  const search = async () => (await index()).search({ limit: 10 });
  expect(await search()).toMatchObject({ complete: true, hits: { length: 6 } });
  for (let at = 20; at < bytes.length; at += 40) bytes[at]! ^= 0xff;
  for (const harm of [() => writeFileSync(path, bytes), () => rmSync(path)]) {
    harm();
    const said = await search();
    expect(said.complete).toBe(false);
    expect(said.problems.join(' ')).toMatch(/part of the search index/);
  }
  await catchUpIndex({ store: archive.store, writer, onProblem: () => undefined });
  expect(await search()).toMatchObject({ complete: true, hits: { length: 6 } });
});

test('without an index a search says so instead of finding nothing', async () => {
  await start();
  const result = await (await index()).search({ limit: 10 });
  expect(result).toMatchObject({ hits: [], complete: false });
  expect(result.problems).toEqual(['There is no search index in the store.']);
});

test('a changed description of the archive is not believed', async () => {
  await start();
  await keep(slice(1));
  startIndex();
  await until(async () => (await index()).archive.signature === 'valid');
  await thread!.close();
  thread = undefined;
  const path = join(folder.dir, 'store/lifeboat/archive.json');
  const text = readFileSync(path, 'utf8');
  expect((await index()).archive.facts).toMatchObject({ studies: 1, instances: 1, program: 'test' });
  rmSync(path);
  writeFileSync(path, text.replace('\\"studies\\":1', '\\"studies\\":2'));
  expect((await index()).archive).toEqual({ signature: 'invalid' });
});

test.skipIf(spawnSync('python3', ['--version']).status !== 0)(
  'a reader written from storage/README.md alone finds a study',
  async () => {
    await indexOf(7);
    const run = (table: string, value: string) =>
      execFileSync('python3', [reader, join(folder.dir, 'store'), table, value]).toString();
    const uid = `${STUDY}.12`;
    const hit = (await (await index()).study(uid))!;
    const theirs = JSON.parse(run('study', uid)) as Record<string, unknown>;
    expect(theirs).toEqual(hit);
    expect(run('patient', hit.patientID).trim().split('\n')).toHaveLength(7);
  },
);
