import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomNumbers } from '../../phantoms/drawing.ts';
import { publishViewer } from '../../router/lifeboat/publish-viewer.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { IndexThread } from '../../storage/lifeboat/index-thread.ts';
import type { ReplicaOptions } from '../../storage/replica/replica-types.ts';
import { Replicator } from '../../storage/replica/replicator.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const child = resolve(import.meta.dirname, 'replica-child.ts');
const long = Boolean(process.env['LIFEBOAT_LONG']);
const seed = Number(process.env['LIFEBOAT_TEST_SEED'] ?? 20261125);
const PATIENCE = { timeout: 60_000, interval: 100 };

let folder: ArchiveFolder;
let archive: Archive;
let options: ReplicaOptions;
let problems: string[];
let made = 0;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  problems = [];
  made = 0;
  options = {
    source: folder.options.store,
    replica: { kind: 'file', dir: join(folder.dir, 'second') },
    stateFile: join(folder.dir, 'replica.sqlite'),
    scratchDir: join(folder.dir, 'scratch'),
    bytesPerSecond: 1e9,
    idleMs: 20,
    onProblem: ({ message }) => problems.push(message),
  };
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await archive.close();
  folder.remove();
});

async function keep(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    made++;
    await receive(archive, slice(made, made, `${STUDY}.${made % 5}`));
  }
  await archive.flush();
}

function replicator(more: Partial<ReplicaOptions> = {}): Replicator {
  const copying = new Replicator({ ...options, ...more });
  open.push(copying);
  return copying;
}

/** What a reader of the replica alone finds wrong, and how many images it finds. */
async function readThere(): Promise<{ findings: string[]; images: number }> {
  const store = await openStore(options.replica);
  try {
    const findings: string[] = [];
    const check = verify({ store, strayAgeMs: 600_000, threads: 1 });
    for await (const { kind, key } of check) findings.push(`${kind} ${key}`);
    return { findings, images: check.summary.sound };
  } finally {
    await store.close();
  }
}

async function killed(kills: number): Promise<void> {
  const random = randomNumbers(seed);
  const { onProblem: _, ...plain } = options;
  let inTheMiddle = 0;
  for (let kill = 0; kill < kills; kill++) {
    await keep(20);
    const copier = spawn(process.execPath, [child, JSON.stringify({ ...plain, bytesPerSecond: 6_000 })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(copier.stdout, 'data');
    await sleep(random() * 200);
    copier.kill('SIGKILL');
    await once(copier, 'close');
    const { findings, images } = await readThere();
    expect(findings, 'a reader of the replica never finds something named that is not there').toEqual([]);
    if (images < made) inTheMiddle++;
  }
  expect(inTheMiddle).toBeGreaterThan(0);
  await replicator().level();
  expect(await readThere()).toEqual({ findings: [], images: made });
  const store = await openStore(options.replica);
  open.push(store);
  for (const prefix of ['objects/', 'manifests/', 'metadata/'])
    expect(await storedKeys({ store }, prefix)).toEqual(await storedKeys(archive, prefix));
  expect(problems).toEqual([]);
}

test('a copier killed with SIGKILL in the middle leaves a replica that is right as far as it goes, and goes on', () =>
  killed(3));

test.skipIf(!long)('[long] the same over 60 kills', { timeout: 1_800_000 }, () => killed(60));

describe.skipIf(!cephAvailable())('a replica on a real S3', () => {
  let ceph: CephS3;
  let proxy: TcpProxy;
  let bucket: StoreConfig & { kind: 's3' };
  beforeAll(async () => {
    ceph = await CephS3.start();
    proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(ceph.endpoint).port) });
  }, 180_000);
  afterAll(async () => {
    await proxy?.stop();
    await ceph?.stop();
  });

  test('that hangs: everything is received and stored meanwhile, the lag is told, and it is copied afterwards', async () => {
    bucket = ceph.storeConfig('replica-hangs');
    options.replica = { ...bucket, endpoint: `http://127.0.0.1:${proxy.port}` };
    await keep(5);
    const copying = replicator();
    archive.events.on('committed', (entries) => {
      for (const { studyInstanceUID, size } of entries)
        copying.noteStored([{ studyInstanceUID, instances: 1, bytes: size }]);
    });
    copying.start();
    await expect.poll(() => copying.status().state, PATIENCE).toBe('level');
    proxy.freeze();
    await keep(30);
    expect(copying.status().lag.instances).toBe(30);
    expect((await archive.catalogue.totals()).instances).toBe(35);
    options.replica = bucket;
    expect((await readThere()).images).toBe(5);
    proxy.thaw();
    await expect.poll(() => copying.status().lag.instances, PATIENCE).toBe(0);
    expect(await readThere()).toEqual({ findings: [], images: 35 });
  }, 180_000);

  test('whose server is killed in the middle of writes: nothing is missing afterwards, and nothing is said to be wrong', async () => {
    options.replica = ceph.storeConfig('replica-killed');
    await keep(40);
    const copying = replicator({ bytesPerSecond: 20_000 });
    copying.start();
    await expect.poll(() => copying.status().copied.instances, PATIENCE).toBeGreaterThan(5);
    await ceph.kill('client.rgw.a');
    await expect.poll(() => copying.status().state, PATIENCE).toBe('held');
    await ceph.resume();
    await expect.poll(() => copying.status().state, PATIENCE).toBe('level');
    expect(await readThere()).toEqual({ findings: [], images: 40 });
    expect(copying.status().problems.count).toBe(0);
  }, 180_000);
});

test('what is overwritten in lifeboat/ or viewer/ of the first store does not get to the replica', async () => {
  await keep(3);
  const { dir: dataDir, options: opened } = folder;
  const index = new IndexThread({ dataDir, store: opened.store, program: 'test', onProblem: () => undefined });
  index.start();
  await expect.poll(() => index.status().comparedAt, PATIENCE).not.toBeNull();
  await index.close();
  const build = join(folder.dir, 'build');
  const written = await openStore({ kind: 'file', dir: build });
  await written.put('index.html', Buffer.from('<head></head><!--lifeboat-boot-->'));
  const about = { version: '1.0.0', region: '', idleMinutes: 1, maxHours: 1 };
  await publishViewer(archive.store, build, about);
  await replicator().level();
  const there = await openStore(options.replica);
  open.push(written, there);
  await publishViewer(there, build, about);

  const kept = new Map<string, Buffer>();
  for (const prefix of ['lifeboat/', 'viewer/'])
    for (const key of await storedKeys({ store: there }, prefix)) kept.set(key, await there.get(key));
  expect([...kept.keys()].filter((key) => /head\.json|archive\.json|\.lbx|index\.html|heads/.test(key))).not.toEqual(
    [],
  );
  for (const key of kept.keys()) await archive.store.put(key, Buffer.from('<script>alert(1)</script>'));
  await archive.store.put('viewer/evil.js', Buffer.from('alert(1)'));
  await replicator().level();
  for (const [key, bytes] of kept) expect(await there.get(key), key).toEqual(bytes);
  expect(await there.head('viewer/evil.js')).toBeNull();
  expect(problems.join('\n')).toContain('lifeboat/archive.json in the first store is not what a router writes');
});
