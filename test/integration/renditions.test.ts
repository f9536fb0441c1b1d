import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Renditions } from '../../router/renditions.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { frameRange } from '../../storage/format/frames.ts';
import type { InstanceRendition } from '../../storage/format/manifest.ts';
import { theseKeys } from '../../storage/policy/removal-record.ts';
import { removeStudy } from '../../storage/policy/remove-study.ts';
import { sweepRemoved } from '../../storage/policy/sweep.ts';
import { rebuildManifests } from '../../storage/rebuild-objects.ts';
import { decodeFrame } from '../../storage/renditions/htj2k.ts';
import { deleteRenditions } from '../../storage/renditions/remove-renditions.ts';
import { RENDITIONS } from '../../storage/renditions/rendition-index.ts';
import { loadSealKey } from '../../storage/seal-key.ts';
import { verify } from '../../storage/verify.ts';
import { severityOf } from '../../storage/verify-types.ts';
import { type ArchiveFolder, archiveFolder, lines, receive, STUDY, storedKeys } from '../support/archive.ts';
import { ctDataSet } from '../support/build-data-set.ts';

const SIDE = 128;
let folder: ArchiveFolder;
let archive: Archive;
let renditions: Renditions;

const open = (lookMs = 20) =>
  new Renditions({
    archive,
    dataDir: folder.dir,
    wanted: true,
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    quietMs: 50,
    lookMs,
  });

/** A slice large enough to be worth a rendition. */
async function receiveSlice(number: number, study = STUDY): Promise<void> {
  const pixels = Buffer.alloc(SIDE * SIDE * 2);
  for (let i = 0; i < SIDE * SIDE; i++)
    pixels.writeUInt16LE(((i % SIDE) * number + Math.floor(i / SIDE)) & 0x0fff, i * 2);
  const sop = `${study}.1.${number}`;
  const uids = { studyInstanceUID: study, seriesInstanceUID: `${study}.1`, sopInstanceUID: sop };
  await receive(archive, { sop, bytes: ctDataSet({ ...uids, rows: SIDE, columns: SIDE, pixels }) });
}

async function instancesOf(study = STUDY) {
  return (await archive.manifest(study))!.series.flatMap((series) => series.instances);
}

/** Whether every frame that is offered decodes to the object's own bytes. */
async function areTheSamePixels(offered: ReadonlyMap<string, InstanceRendition>, study = STUDY): Promise<boolean> {
  for (const instance of await instancesOf(study)) {
    const { key, frames } = offered.get(instance.key)!;
    const { start, end } = frameRange(instance.pixelData!, 0)!;
    const [offset, length] = frames[0]!;
    const decoded = await decodeFrame(await archive.store.get(key, { start: offset, end: offset + length }));
    if (Buffer.compare(decoded, await archive.store.get(instance.key, { start, end })) !== 0) return false;
  }
  return true;
}

beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  renditions = open();
  renditions.start();
});
afterEach(async () => {
  await renditions.close();
  await archive.close();
  folder.remove();
});

test('what was received is offered as a rendition with the same pixels, beside originals that stay as they are', async () => {
  for (let n = 1; n <= 5; n++) await receiveSlice(n);
  await archive.flush();
  const before = await storedKeys(archive, 'objects/');
  await renditions.idle();
  const offered = await renditions.of(STUDY);
  expect(offered.size).toBe(5);
  expect(new Set([...offered.values()].map(({ key }) => key)).size).toBe(1);
  expect(await areTheSamePixels(offered)).toBe(true);
  expect(await storedKeys(archive, 'objects/')).toEqual(before);
  expect(readdirSync(join(folder.dir, 'renditions'))).toEqual([]);
  await receiveSlice(6);
  await archive.flush();
  await renditions.idle();
  expect((await renditions.of(STUDY)).size).toBe(6);
});

test('renditions are no evidence: verify and a rebuild from the objects do not see them', async () => {
  for (let n = 1; n <= 3; n++) await receiveSlice(n);
  await archive.flush();
  const rows = await lines(archive.catalogue.dump());
  const verified = async () => {
    const kinds: string[] = [];
    const verification = verify({ store: archive.store, catalogue: archive.catalogue, strayAgeMs: 0 });
    for await (const { kind } of verification) if (severityOf(kind) !== 'note') kinds.push(kind);
    return { kinds, sound: verification.summary.sound };
  };
  const before = await verified();
  await renditions.idle();
  expect((await storedKeys(archive, RENDITIONS)).length).toBe(2);
  expect(await verified()).toEqual(before);
  expect(before).toEqual({ kinds: [], sound: 3 });
  expect(await rebuildManifests({ store: archive.store })).toMatchObject({ objects: 3, added: 0 });
  expect(await lines(archive.catalogue.dump())).toEqual(rows);
});

test('a router that ends half way leaves nothing that is offered, and the next one finishes', async () => {
  for (let n = 1; n <= 6; n++) await receiveSlice(n);
  await archive.flush();
  const workDir = join(folder.dir, 'renditions');
  await expect.poll(() => existsSync(workDir) && readdirSync(workDir).length, { interval: 1 }).toBe(1);
  await renditions.close();
  writeFileSync(join(workDir, 'of a router that was killed'), '');
  expect(await storedKeys(archive, RENDITIONS)).toEqual([]);
  renditions = open();
  renditions.start();
  renditions.lookedAt((await archive.manifest(STUDY))!);
  await expect.poll(async () => (await renditions.of(STUDY)).size, { timeout: 15_000 }).toBe(6);
  expect(await areTheSamePixels(await renditions.of(STUDY))).toBe(true);
  expect(readdirSync(workDir)).toEqual([]);
});

test('an index that somebody altered is not believed, and what was deleted is made again when somebody looks', async () => {
  for (let n = 1; n <= 2; n++) await receiveSlice(n);
  await archive.flush();
  await renditions.idle();
  const restart = async () => {
    await renditions.close();
    renditions = open();
  };
  const [name] = (await storedKeys(archive, RENDITIONS)).filter((key) => key.endsWith('.json'));
  const path = join(folder.dir, 'store', name!);
  const text = readFileSync(path, 'utf8');
  const hash = /[0-9a-f]{64}(?=\\"\]\])/.exec(text)![0];
  writeFileSync(path, text.replace(hash, hash.split('').reverse().join('')));
  await restart();
  expect((await renditions.of(STUDY)).size).toBe(0);
  expect(await deleteRenditions(archive.store)).toBe(2);
  await restart();
  renditions.lookedAt((await archive.manifest(STUDY))!);
  await expect.poll(async () => (await renditions.of(STUDY)).size, { timeout: 15_000 }).toBe(2);
});

test('nothing is made while images come in', async () => {
  await receiveSlice(1);
  await archive.flush();
  const real = archive.spool();
  let receiving = true;
  const busy = { ...archive, spool: () => ({ ...real, entries: receiving ? 3 : 0 }) };
  await renditions.close();
  await deleteRenditions(archive.store);
  renditions = new Renditions({
    archive: busy,
    dataDir: folder.dir,
    wanted: true,
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    quietMs: 10,
    lookMs: 10,
  });
  renditions.lookedAt((await archive.manifest(STUDY))!);
  await new Promise((done) => setTimeout(done, 400));
  expect(await storedKeys(archive, RENDITIONS)).toEqual([]);
  receiving = false;
  await expect.poll(async () => (await renditions.of(STUDY)).size, { timeout: 15_000 }).toBe(1);
});

test('a damaged original gets none', async () => {
  await renditions.close();
  await receiveSlice(1);
  await receiveSlice(2);
  await archive.flush();
  const [first, second] = await instancesOf();
  const path = join(folder.dir, 'store', first!.key);
  const bytes = readFileSync(path);
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(path, bytes);
  renditions = open();
  renditions.lookedAt((await archive.manifest(STUDY))!);
  await expect.poll(async () => [...(await renditions.of(STUDY)).keys()], { timeout: 15_000 }).toEqual([second!.key]);
});

test('the sweep takes them with their study, and leaves those of other studies', async () => {
  const OTHER = `${STUDY}0`;
  await receiveSlice(1);
  await receiveSlice(2, OTHER);
  await archive.flush();
  await renditions.idle();
  const key = loadSealKey(folder.dir);
  await removeStudy(archive.store, key, STUDY, {
    by: 'cli:test',
    rule: 'old',
    because: 'the PACS has confirmed every image',
    confirmed: new Set(),
  });
  await sweepRemoved({ store: archive.store, trusted: theseKeys([key.publicPem]), graceMs: 0 });
  const left = await storedKeys(archive, RENDITIONS);
  expect(left.length).toBe(2);
  expect(left.every((each) => each.includes(`/${OTHER}/`))).toBe(true);
});
