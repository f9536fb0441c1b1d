import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../../phantoms/drawing.ts';
import { openArchive } from '../../storage/archive.ts';
import type { CatalogueConfig } from '../../storage/catalogue/open.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import type { LifeboatSource } from '../../storage/format/lifeboat-index-types.ts';
import { HttpStore } from '../../storage/format/lifeboat-store.ts';
import { readLifeboatStudy } from '../../storage/format/lifeboat-study.ts';
import { mergeEntries } from '../../storage/merge.ts';
import { readManifestSegment } from '../../storage/segments.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { verify } from '../../storage/verify.ts';
import { archiveOptions, lines, STUDY } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { ADMIN_PASSWORD } from '../support/router.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { Lane, type Sample, sample } from './three-routers-lane.ts';

const long = Boolean(process.env['LIFEBOAT_LONG']);
const seed = Number(process.env['LIFEBOAT_TEST_SEED'] ?? 20261125);
const ROUTERS = 3;
const KILLS = Number(process.env['LIFEBOAT_TEST_KILLS'] ?? (long ? 200 : 6));
/** A study has so many instances, then the scanners begin the next one. */
const STUDY_SIZE = long ? 60 : 12;
const FROZEN_MS = 2500;
const PATIENCE = { timeout: long ? 300_000 : 90_000, interval: 400 };
const there = cephAvailable() && postgresPrograms() !== null;

let ceph: CephS3 | undefined;
let postgres: PostgresServer | undefined;
beforeAll(async () => {
  if (!there) return;
  [ceph, postgres] = await Promise.all([CephS3.start(), startPostgres()]);
}, 240_000);
afterAll(() => Promise.all([ceph?.stop(), postgres?.stop()]));

/**
 * What the scanner of one router makes: a study of its own; a study that all scanners send, byte for byte the same; and a few
 * instances of a third one under whose UIDs each scanner sends another content.
 */
function scanner(router: number): () => Sample {
  let made = 0;
  return () => {
    const number = made++;
    const round = Math.floor(number / STUDY_SIZE);
    const kind = number % 10 === 9 ? 'rivals' : number % 2 === 0 ? 'same' : 'own';
    if (kind === 'own') return sample(`${STUDY}.${100 + router}.${round}`, number);
    if (kind === 'same') return sample(`${STUDY}.200.${round}`, number);
    return sample(`${STUDY}.300.${round}`, number, number + 1000 * (router + 1));
  };
}

const contentOf = (entry: { sopInstanceUID: string; dataSetSha256: string }) =>
  `${entry.sopInstanceUID} ${entry.dataSetSha256}`;

/** Every content that the bucket's manifests name, and that its objects are exactly those: bytes, hashes, none to spare. */
async function inTheBucket(config: StoreConfig): Promise<string[]> {
  const store = await openStore(config);
  try {
    const lists = [];
    for await (const { key } of store.list('manifests/')) lists.push((await readManifestSegment(store, key)).entries);
    const entries = mergeEntries(lists);
    const findings = [];
    for await (const finding of verify({ store, strayAgeMs: 0 }))
      if (finding.kind !== 'two-contents') findings.push(finding);
    expect(findings).toEqual([]);
    const keys: string[] = [];
    for await (const { key } of store.list('objects/')) keys.push(key);
    expect(keys.sort()).toEqual(entries.map(({ key }) => key).sort());
    const [first] = entries;
    const bytes = await store.get(first!.key, { start: first!.dataSetOffset, end: first!.size });
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(first!.dataSetSha256);
    return entries.map(contentOf).sort();
  } finally {
    await store.close();
  }
}

/** What a browser finds and opens with no router: through a store that lists, and through a plain folder that does not. */
async function inLifeboatMode(config: StoreConfig & { kind: 's3' }, lists: boolean): Promise<string[]> {
  const http = new HttpStore({
    base: `${config.endpoint}/${config.bucket}/`,
    credential: { accessKey: config.accessKey, secretKey: config.secretKey },
  });
  const source: LifeboatSource = { get: (key, range) => http.get(key, range), ...(lists && { list: http.list }) };
  const index = await openLifeboatIndex(source);
  const contents: string[] = [];
  const studies = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await index.search({ patientID: 'P1', limit: 50, ...(after !== undefined && { after }) });
    expect(page.problems).toEqual([]);
    for (const { studyInstanceUID } of page.hits) {
      expect(studies, 'a study is found once').not.toContain(studyInstanceUID);
      studies.add(studyInstanceUID);
      const { hit } = await index.findStudy(studyInstanceUID);
      const { entries, problems } = await readLifeboatStudy(source, studyInstanceUID, hit?.segments);
      if (lists) expect(problems).toEqual([]);
      const merged = mergeEntries([entries]);
      expect(hit?.instances).toBe(new Set(merged.map(({ sopInstanceUID }) => sopInstanceUID)).size);
      contents.push(...merged.map(contentOf));
    }
    after = page.next;
    if (after === undefined) return contents.sort();
  }
}

/** Every content that a router's catalogue shows once it has looked at the store. */
async function inTheCatalogue(dataDir: string, store: StoreConfig, database: CatalogueConfig): Promise<string[]> {
  const tending = { tickMs: 50, compareMs: 100, rest: 1 };
  const archive = await openArchive({ ...archiveOptions(dataDir), store, database, tending });
  try {
    await archive.flush();
    await expect.poll(() => archive.tending().comparedAt !== undefined, PATIENCE).toBe(true);
    const rows = (await lines(archive.catalogue.dump())).map((line) => JSON.parse(line) as Record<string, string>);
    return rows
      .filter(({ kind }) => kind === 'instance')
      .map((row) => `${row['sop_uid']} ${row['data_set_sha256']}`)
      .sort();
  } finally {
    await archive.close();
  }
}

async function campaign(name: string, databaseOf: (dataDir: string, router: number) => CatalogueConfig): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-three-'));
  const bucket = ceph!.storeConfig(name);
  const endpoint = new URL(bucket.endpoint);
  const proxy = await TcpProxy.start({ host: endpoint.hostname, port: Number(endpoint.port) });
  const lanes = Array.from({ length: ROUTERS }, (_, router) => {
    const dataDir = join(folder, String(router));
    mkdirSync(dataDir);
    const database = databaseOf(dataDir, router);
    const env = {
      LIFEBOAT_STORE: `s3://${name}`,
      LIFEBOAT_S3_ENDPOINT: router === 0 ? `http://127.0.0.1:${proxy.port}` : bucket.endpoint,
      LIFEBOAT_S3_ACCESS_KEY: bucket.accessKey,
      LIFEBOAT_S3_SECRET_KEY: bucket.secretKey,
      LIFEBOAT_ADMIN_PASSWORD: ADMIN_PASSWORD,
      ...(database.kind === 'postgres' && { LIFEBOAT_DATABASE_URL: database.url }),
    };
    return new Lane({ dataDir, env, random: randomNumbers(seed + router), next: scanner(router) });
  });
  try {
    await Promise.all(lanes.map((lane) => lane.start()));
    for (const lane of lanes) lane.startScanner();
    const each = Math.ceil(KILLS / ROUTERS);
    const partition = async (kill: number) => {
      if (kill % 4 !== 0) return;
      proxy.freeze();
      const before = lanes[0]!.acknowledged.size;
      await expect.poll(() => lanes[0]!.acknowledged.size, PATIENCE).toBeGreaterThan(before);
      await sleep(FROZEN_MS);
      // in half of the cases it is killed while it is cut off, and comes back to a store that does not answer
      setTimeout(() => proxy.thaw(), kill % 8 === 0 ? 0 : 4000);
    };
    await Promise.all(lanes.map((lane, i) => lane.killAgainAndAgain(each, i === 0 ? partition : undefined)));
    await Promise.all(lanes.map((lane) => lane.finishScanning()));

    const acknowledged = [...new Set(lanes.flatMap((lane) => [...lane.acknowledged]))].sort();
    expect([...new Set(lanes.flatMap((lane) => [...lane.samples.keys()]))].sort()).toEqual(acknowledged);
    for (const lane of lanes) expect(lane.acknowledged.size).toBeGreaterThan(0);
    for (const { router } of lanes) {
      const session = await router.login();
      const waiting = async () => (await session.json<{ spool: { entries: number } }>('/api/status')).spool.entries;
      await expect.poll(waiting, PATIENCE).toBe(0);
    }
    await expect.poll(() => inLifeboatMode(bucket, true), PATIENCE).toEqual(acknowledged);
    await expect.poll(() => inLifeboatMode(bucket, false), PATIENCE).toEqual(acknowledged);
    await Promise.all(lanes.map((lane) => lane.stop('SIGTERM')));
    expect(await inTheBucket(bucket)).toEqual(acknowledged);
    for (const [i] of lanes.entries()) {
      const dataDir = join(folder, String(i));
      expect(await inTheCatalogue(dataDir, bucket, databaseOf(dataDir, i))).toEqual(acknowledged);
    }
    if (KILLS > 6)
      console.log(`${name}: ${each * ROUTERS} kills, ${acknowledged.length} contents acknowledged, seed ${seed}`);
  } finally {
    await Promise.all(lanes.map((lane) => lane.stop('SIGKILL')));
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

describe.skipIf(!there)(`three routers over one bucket, killed at random ${KILLS} times, one cut off from it`, () => {
  const own = (dataDir: string): CatalogueConfig => ({ kind: 'sqlite', file: join(dataDir, 'catalogue.sqlite') });
  const shared = (): CatalogueConfig => ({ kind: 'postgres', url: postgres!.url });
  const options = { timeout: Math.max(240_000, KILLS * 30_000) };

  test(
    'two sharing a PostgreSQL, one with a catalogue of its own: what was acknowledged is everywhere, each once',
    {
      ...options,
      skip: long,
    },
    () => campaign('three-mixed', (dataDir, router) => (router === 2 ? own(dataDir) : shared())),
  );

  test.skipIf(!long)('[long] and one PostgreSQL', options, () => campaign('three-shared', shared));

  test.skipIf(!long)('[long] and a catalogue each', options, () => campaign('three-apart', own));
});
