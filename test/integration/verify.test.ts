import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { verify } from '../../storage/verify.ts';
import { FINDING_KINDS, type Finding, isClean } from '../../storage/verify-types.ts';
import { type ArchiveFolder, archiveFolder, SERIES, STUDY } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';
import { FaultyS3 } from '../support/faulty-s3.ts';
import { Bench, fillBench, PLANTED_FAULTS } from '../support/planted-faults.ts';

async function findings(store: ObjectStore, catalogue: Catalogue) {
  const run = verify({ store, catalogue, strayAgeMs: 0, threads: 1 });
  const found: Finding[] = [];
  for await (const finding of run) found.push(finding);
  return { found, summary: run.summary };
}

const named = (found: Finding[]) => found.map(({ kind, key }) => `${kind} ${key}`).sort();

/** The same table against any store. */
function findsEachFault(archive: () => Archive, dir: () => string): void {
  const clean = async () => {
    const { found, summary } = await findings(archive().store, archive().catalogue);
    expect(found).toEqual([]);
    expect(summary).toMatchObject({ studies: 3, sound: 13, findings: {} });
    expect(summary.segments).toBeGreaterThanOrEqual(4);
    expect(isClean(summary)).toBe(true);
    expect(summary.bytes).toBeGreaterThan(13 * 500);
  };

  test('an archive without a fault has no finding', clean);

  test.each(PLANTED_FAULTS)('$kind: $name', async ({ kind, plant }) => {
    const bench = await Bench.over(archive(), join(dir(), `catalogue-${randomUUID()}.sqlite`));
    try {
      const expected = await plant(bench);
      const { found, summary } = await findings(archive().store, bench.catalogue);
      expect(named(found)).toEqual(expected.sort());
      expect(found.map((finding) => finding.kind)).toContain(kind);
      expect(isClean(summary)).toBe(FINDING_KINDS[kind].severity === 'note');
      const ofStudy = found.filter(({ studyInstanceUID }) => studyInstanceUID === STUDY);
      for (const { patient } of ofStudy) expect(patient).toMatchObject({ patientID: 'P1', patientName: 'Doe^Jane' });
      if (!expected.includes('stray objects/copy-of-ct.dcm')) expect(found.every(({ patient }) => patient)).toBe(true);
    } finally {
      await bench.restore();
    }
  });

  test('with everything put back there is no finding again', clean);
}

test('the table plants every kind but the one that is no fault of the archive', () => {
  const planted = new Set<string>(PLANTED_FAULTS.map(({ kind }) => kind));
  const ofArchive = Object.keys(FINDING_KINDS).filter((kind) => !kind.startsWith('seal'));
  expect(ofArchive.filter((kind) => !planted.has(kind))).toEqual(['not-checked']);
});

describe('verify on the embedded store', () => {
  let folder: ArchiveFolder;
  let archive: Archive;
  beforeAll(async () => {
    folder = archiveFolder();
    archive = await folder.open();
    await fillBench(archive);
  });
  afterAll(async () => {
    await archive.close();
    folder.remove();
  });

  findsEachFault(
    () => archive,
    () => folder.dir,
  );

  test('a store that does not answer for one object leaves it not checked, never missing', async () => {
    const silent = (await archive.entries(STUDY)).find((e) => e.sopInstanceUID === `${SERIES}.7`)!.key;
    const half = new Proxy(archive.store, {
      getPrototypeOf: () => Object.prototype,
      get: (target, name) => {
        if (name === 'stream')
          return (key: string) =>
            key === silent ? Promise.reject(new LifeboatError('STORE_UNAVAILABLE')) : target.stream(key);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { found, summary } = await findings(half, archive.catalogue);
    expect(found.map(({ kind, sopInstanceUID }) => [kind, sopInstanceUID])).toEqual([['not-checked', `${SERIES}.7`]]);
    expect(summary.sound).toBe(12);
    expect(isClean(summary)).toBe(false);
  });

  test('what was received long ago and committed just now may still be on its way into the catalogue', async () => {
    const bench = await Bench.over(archive, join(folder.dir, 'catalogue-late.sqlite'));
    try {
      const entry = await bench.entry(1);
      const dataSetSha256 = 'a'.repeat(64);
      await bench.addSegment({ ...entry, dataSetSha256, receivedAt: '2020-01-01T00:00:00.000Z' });
      const kinds: string[] = [];
      const run = verify({ store: archive.store, catalogue: bench.catalogue, threads: 1 });
      for await (const { kind } of run) kinds.push(kind);
      expect(kinds).toEqual(['two-contents']);
    } finally {
      await bench.restore();
    }
  });

  test('a catalogue that does not answer is one finding, and no pass is clean without it', async () => {
    const away = Object.assign(Object.create(archive.catalogue) as typeof archive.catalogue, {
      contents: () => Promise.reject(new LifeboatError('CATALOGUE_UNAVAILABLE')),
    });
    const run = verify({ store: archive.store, catalogue: away, strayAgeMs: 0 });
    const kinds: string[] = [];
    for await (const { kind } of run) kinds.push(kind);
    expect(kinds).toEqual(['not-checked']);
    expect(isClean(run.summary)).toBe(false);
  });
});

describe.skipIf(!cephAvailable())('verify on a real S3', () => {
  let ceph: CephS3;
  let folder: ArchiveFolder;
  let archive: Archive;
  beforeAll(async () => {
    ceph = await CephS3.start('memstore');
    folder = archiveFolder();
    archive = await folder.open({ store: ceph.storeConfig('verify') });
    await fillBench(archive);
  });
  afterAll(async () => {
    await archive?.close();
    folder?.remove();
    await ceph?.stop();
  });

  findsEachFault(
    () => archive,
    () => folder.dir,
  );

  test('read in threads of their own, it comes to the same', async () => {
    const options = { storeConfig: ceph.storeConfig('verify'), threads: 2, strayAgeMs: 0 };
    const run = verify({ store: archive.store, catalogue: archive.catalogue, ...options });
    for await (const finding of run) expect(finding).toBeUndefined();
    expect(run.summary).toMatchObject({ studies: 3, sound: 13 });
  });

  test.each(['reset', 'stall', 'broken-off', '503'] as const)(
    'an object that meets %s is asked for again; when it never answers it is not checked, never missing',
    async (fault) => {
      const entries = await archive.entries(STUDY);
      const [once, always] = [4, 8].map((n) => entries.find((e) => e.sopInstanceUID === `${SERIES}.${n}`)!.key) as [
        string,
        string,
      ];
      const proxy = await FaultyS3.start(ceph.endpoint);
      const store = proxy.store({ ...ceph.storeConfig('verify'), endpoint: proxy.endpoint });
      try {
        proxy.fault = {
          kind: fault,
          times: (key) => (key === always ? Number.POSITIVE_INFINITY : key === once ? 1 : 0),
        };
        const { found, summary } = await findings(store, archive.catalogue);
        expect(named(found)).toEqual([`not-checked ${always}`]);
        expect(proxy.met(once)).toBe(1);
        expect(proxy.met(always)).toBeGreaterThan(1);
        expect(summary.sound).toBe(12);
        expect(isClean(summary)).toBe(false);
      } finally {
        await store.close();
        await proxy.close();
      }
    },
  );
});
