import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import type { ReplicaOptions } from '../../storage/replica/replica-types.ts';
import { Replicator } from '../../storage/replica/replicator.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';
import { verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';

let ceph: CephS3 | undefined;
beforeAll(async () => {
  if (cephAvailable()) ceph = await CephS3.start();
});
afterAll(() => ceph?.stop());
let buckets = 0;

const stores: { name: string; there: boolean; replica(dir: string): StoreConfig }[] = [
  { name: 'a folder', there: true, replica: (dir) => ({ kind: 'file', dir: join(dir, 'second') }) },
  { name: 'a bucket', there: cephAvailable(), replica: () => ceph!.storeConfig(`replica-${++buckets}`) },
];
const PATIENCE = { timeout: 30_000, interval: 50 };

describe.each(stores)('a replica in $name', ({ there, replica }) => {
  let folder: ArchiveFolder;
  let archive: Archive;
  let options: ReplicaOptions;
  let problems: string[];
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async (context) => {
    if (!there) return context.skip();
    folder = archiveFolder();
    archive = await folder.open();
    problems = [];
    options = {
      source: folder.options.store,
      replica: replica(folder.dir),
      stateFile: join(folder.dir, 'replica.sqlite'),
      scratchDir: join(folder.dir, 'scratch'),
      bytesPerSecond: 1e9,
      idleMs: 20,
      onProblem: ({ message }) => problems.push(message),
    };
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await archive?.close();
    folder?.remove();
  });

  function replicator(more: Partial<ReplicaOptions> = {}): Replicator {
    const made = new Replicator({ ...options, ...more });
    open.push(made);
    return made;
  }

  async function keep(numbers: number[], study = STUDY): Promise<void> {
    for (const number of numbers) await receive(archive, slice(number, number, study));
    await archive.flush();
  }

  async function second() {
    const store = await openStore(options.replica);
    open.push(store);
    return store;
  }

  /** What a reader of the replica alone finds wrong. */
  async function findingsThere(): Promise<string[]> {
    const found: string[] = [];
    for await (const { kind, key } of verify({ store: await second(), strayAgeMs: 0 })) found.push(`${kind} ${key}`);
    return found;
  }

  const pathHere = (key: string) => join(folder.dir, 'store', key);

  test('has everything that was there before and everything that comes, byte for byte, and says when it is level', async () => {
    await keep([1, 2, 3]);
    await archive.store.put('seals/abc/public-key.pem', Buffer.from('key'));
    await archive.store.put('lifeboat/drills/20260101.json', Buffer.from('{}'));
    const copying = replicator();
    archive.events.on('committed', (entries) =>
      copying.noteStored([{ studyInstanceUID: entries[0]!.studyInstanceUID, instances: entries.length, bytes: 1 }]),
    );
    copying.start();
    await expect.poll(() => copying.status().state, PATIENCE).toBe('level');
    await keep([4, 5]);
    await keep([1], `${STUDY}.9`);
    await expect.poll(() => copying.status().copied.instances, PATIENCE).toBe(6);
    await expect
      .poll(() => copying.status().lag, PATIENCE)
      .toEqual({ segments: 0, instances: 0, bytes: 0, oldest: null });
    const there = await second();
    for (const prefix of ['objects/', 'manifests/', 'metadata/', 'seals/', 'lifeboat/'])
      for (const key of await storedKeys(archive, prefix))
        expect((await there.get(key)).equals(await archive.store.get(key)), key).toBe(true);
    expect(await findingsThere()).toEqual([]);
    expect(problems).toEqual([]);
  });

  test('is a copy of its own: what happens to a file here leaves it alone', async () => {
    await keep([1]);
    await replicator().level();
    const [key] = await storedKeys(archive, 'objects/');
    const right = await archive.store.get(key!);
    await writeFile(pathHere(key!), 'overwritten in place');
    expect((await (await second()).get(key!)).equals(right)).toBe(true);
  });

  test('never gets a damaged object, keeps the right one that it has, and gets it once it is mended here', async () => {
    await keep([1, 2, 3]);
    const [bad, gone, fine] = await storedKeys(archive, 'objects/');
    const right = await readFile(pathHere(bad!));
    await rm(pathHere(bad!));
    await writeFile(pathHere(bad!), Buffer.concat([right.subarray(0, -1), Buffer.from([right.at(-1)! ^ 1])]));
    await rm(pathHere(gone!));
    const copying = replicator();
    await copying.level();
    const there = await second();
    expect(await there.head(bad!)).toBeNull();
    expect(await there.head(fine!)).not.toBeNull();
    expect(
      copying
        .status()
        .problems.newest.map(({ key }) => key)
        .sort(),
    ).toEqual([bad, gone].sort());
    expect(copying.status().lag.instances).toBe(2);
    expect(problems.join()).toContain('was not copied to the replica');

    await writeFile(pathHere(bad!), right);
    copying.compareNow();
    await copying.level();
    expect((await there.get(bad!)).equals(right)).toBe(true);
    expect(copying.status().lag.instances).toBe(1);

    // later damage here, even of another size, does not travel
    await writeFile(pathHere(bad!), 'encrypted by somebody, with a longer content than it had'.repeat(30));
    await replicator().level();
    expect((await there.get(bad!)).equals(right)).toBe(true);
  });

  test('gets back what somebody removed from it or cut short there; what is removed here stays there', async () => {
    await keep([1, 2, 3, 4]);
    await replicator().level();
    const there = await second();
    const objects = await storedKeys(archive, 'objects/');
    const [manifest] = await storedKeys(archive, 'manifests/');
    await there.delete(objects[0]!);
    await there.put(objects[1]!, Buffer.from('short'));
    await there.delete(manifest!);
    await rm(pathHere(objects[3]!));
    const copying = replicator();
    await copying.level();
    expect(await findingsThere()).toEqual([]);
    expect(await there.head(objects[3]!)).not.toBeNull();
    expect(copying.status().compared).toMatchObject({ lostAtSource: 1, examples: [objects[3]] });
  });

  test('does not take over a segment that hides images by claiming to replace theirs', async () => {
    await keep([1, 2]);
    await replicator().level();
    const [manifest] = await storedKeys(archive, 'manifests/');
    const { writeSegments } = await import('../../storage/segments.ts');
    const forged = await writeSegments(archive.store, STUDY, [], [manifest!]);
    const copying = replicator();
    await copying.level();
    expect(await (await second()).head(forged)).toBeNull();
    expect(copying.status().problems.newest[0]).toMatchObject({ key: forged });
    expect(copying.status().problems.newest[0]!.reason).toContain('lacks 2 of its instances');
  });

  test('a large object goes through a file of its own', async () => {
    const bytes = Buffer.concat([slice(7).bytes, Buffer.alloc(0)]);
    await keep([7]);
    const entry = (await archive.entries(STUDY))[0]!;
    const { copyObject } = await import('../../storage/replica/copy.ts');
    const large = Buffer.alloc(17 << 20, 3);
    const { createHash } = await import('node:crypto');
    const made = { ...entry, key: entry.key.replace(/7\./, '8.'), size: large.length };
    await archive.store.put(made.key, large);
    const there = await second();
    const parts = { source: archive.store, replica: there, scratchDir: folder.dir, take: async () => undefined };
    const sha256 = createHash('sha256').update(large).digest('hex');
    await expect(copyObject(parts, made)).rejects.toThrow(/its manifest says/);
    expect(await there.head(made.key)).toBeNull();
    await copyObject(parts, { ...made, sha256 });
    expect((await there.get(made.key)).equals(large)).toBe(true);
    if (options.replica.kind === 'file') expect((await stat(join(options.replica.dir, made.key))).nlink).toBe(1);
    expect(bytes.length).toBeGreaterThan(0);
  });
});

test('an unmounted disk is not filled: the replica that was there and is not any more is waited for, in words', async () => {
  const folder = archiveFolder();
  const archive = await folder.open();
  const dir = join(folder.dir, 'disk');
  const options: ReplicaOptions = {
    source: folder.options.store,
    replica: { kind: 'file', dir },
    stateFile: join(folder.dir, 'replica.sqlite'),
    scratchDir: join(folder.dir, 'scratch'),
    bytesPerSecond: 1e9,
    idleMs: 20,
    onProblem: () => undefined,
  };
  try {
    await receive(archive, slice(1));
    await archive.flush();
    const first = new Replicator(options);
    await first.level();
    await first.close();
    await rm(dir, { recursive: true });
    const second = new Replicator(options);
    second.start();
    await expect.poll(() => second.status().reason ?? '', PATIENCE).toContain('is not mounted');
    await expect(stat(dir)).rejects.toThrow();
    await second.close();
    const third = new Replicator(options);
    third.beginAnew();
    await third.level();
    expect(third.status().copied.instances).toBe(1);
    await third.close();
  } finally {
    await archive.close();
    folder.remove();
  }
});
