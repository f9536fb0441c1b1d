import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import { catchUp } from '../../storage/catch-up.ts';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { catchUpIndex } from '../../storage/lifeboat/catch-up-index.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import { applyRemovals } from '../../storage/policy/apply-removals.ts';
import { heldStudies, writeHold } from '../../storage/policy/holds.ts';
import { planRemovals } from '../../storage/policy/plan.ts';
import { keysInStore, theseKeys } from '../../storage/policy/removal-record.ts';
import { removeStudy } from '../../storage/policy/remove-study.ts';
import { sweepRemoved } from '../../storage/policy/sweep.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { rebuildManifests } from '../../storage/rebuild-objects.ts';
import { Replicator } from '../../storage/replica/replicator.ts';
import { SealAudit } from '../../storage/seal-audit.ts';
import { loadSealKey, type SealKey } from '../../storage/seal-key.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { StudyCache } from '../../storage/study-cache.ts';
import { verify } from '../../storage/verify.ts';
import { severityOf } from '../../storage/verify-types.ts';
import { type ArchiveFolder, archiveFolder, lines, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { sealAt } from '../support/sealing.ts';

const OTHER = `${STUDY}0`;
const REASONS = {
  by: 'cli:test',
  rule: 'old',
  because: 'the PACS has confirmed every image',
  confirmed: new Set<string>(),
};
let folder: ArchiveFolder;
let archive: Archive;
let key: SealKey;
let copyDir: string;
beforeEach(async () => {
  folder = archiveFolder();
  archive = await folder.open();
  key = loadSealKey(folder.dir);
  copyDir = mkdtempSync(join(tmpdir(), 'lifeboat-copy-'));
  for (let i = 1; i <= 6; i++) {
    await receive(archive, slice(i, i, i <= 4 ? STUDY : OTHER));
    if (i % 2 === 0) await archive.flush();
  }
});
afterEach(async () => {
  await archive.close();
  folder.remove();
  rmSync(copyDir, { recursive: true, force: true });
});

/** What `lifeboat verify --seals` says, as kinds; notes apart. */
async function verified(store = archive.store, trusted = keysInStore(store)) {
  const seals = await SealAudit.open({ store });
  const wrong: string[] = [];
  const notes: string[] = [];
  const tell = ({ kind, key: at }: { kind: Parameters<typeof severityOf>[0]; key: string }) =>
    severityOf(kind) === 'note' ? notes.push(kind) : wrong.push(`${kind} ${at}`);
  try {
    const catalogue = store === archive.store ? archive.catalogue : undefined;
    const run = verify({
      store,
      catalogue,
      strayAgeMs: 0,
      removalKeys: trusted,
      also: (study) => seals.compare(study),
    });
    for await (const finding of run) tell(finding);
    for (const finding of [...seals.findings, ...seals.rest()]) tell(finding);
  } finally {
    seals.close();
  }
  return { wrong, notes };
}

async function level(): Promise<string[]> {
  const problems: string[] = [];
  const replicator = new Replicator({
    source: { kind: 'file', dir: join(folder.dir, 'store') },
    replica: { kind: 'file', dir: copyDir },
    bytesPerSecond: 1e9,
    stateFile: join(folder.dir, 'replica.sqlite'),
    scratchDir: join(folder.dir, 'replica-tmp'),
    removalKeys: [key.publicPem],
    onProblem: ({ message }) => problems.push(message),
  });
  await replicator.level().finally(() => replicator.close());
  return problems;
}

async function remove(study = STUDY): Promise<void> {
  expect(await removeStudy(archive.store, key, study, REASONS)).not.toBeNull();
  expect(await applyRemovals(archive.store, archive.catalogue, study, [])).toBe(true);
}

test('a removed study is gone for every reader, and everything that checks knows that it went rightfully', async () => {
  await sealAt(archive.store, folder.dir, new Date().toISOString());
  const before = await verified();
  expect(before).toEqual({ wrong: [], notes: [] });
  await level();
  const other = await archive.entries(OTHER);

  await remove();
  expect(await new StudyCache(archive.store).entries(STUDY)).toEqual([]);
  expect(await archive.catalogue.contents(STUDY)).toEqual([]);
  expect((await archive.catalogue.totals()).instances).toBe(2);
  expect(await new StudyCache(archive.store).entries(OTHER)).toEqual(other);
  const notes = Array.from({ length: 4 }, () => 'sealed-removed');
  expect(await verified()).toEqual({ wrong: [], notes });
  // its bytes are there for an hour, then they go, and only they
  expect((await storedKeys(archive, `objects/`)).length).toBe(6);
  expect(await sweepRemoved({ store: archive.store, trusted: theseKeys([key.publicPem]) })).toMatchObject({
    objects: 0,
  });
  const swept = await sweepRemoved({ store: archive.store, trusted: theseKeys([key.publicPem]), graceMs: 0 });
  expect(swept).toMatchObject({ records: 1, objects: 4, segments: 2, locked: 0, skipped: [] });
  expect((await storedKeys(archive, `objects/`)).sort()).toEqual(other.map((entry) => entry.key).sort());
  expect(await verified()).toEqual({ wrong: [], notes });
  expect(await verified(archive.store, theseKeys([key.publicPem]))).toEqual({ wrong: [], notes });

  // a catalogue made anew, and one of another router that still has the study
  const shown = await lines(archive.catalogue.dump());
  await rebuild({ store: archive.store, catalogue: archive.catalogue });
  expect(await lines(archive.catalogue.dump())).toEqual(shown);
  await sealAt(archive.store, folder.dir, new Date().toISOString());
  expect((await verified()).wrong).toEqual([]);
  // the replica hides it too, keeps the bytes until it is swept itself, and is whole
  expect(await level()).toEqual([]);
  const copy = await openStore({ kind: 'file', dir: copyDir });
  expect(await new StudyCache(copy).entries(STUDY)).toEqual([]);
  expect((await verified(copy)).wrong).toEqual([]);
  expect(await sweepRemoved({ store: copy, trusted: theseKeys([key.publicPem]), graceMs: 0 })).toMatchObject({
    objects: 4,
  });
  expect((await verified(copy)).wrong).toEqual([]);
});

test('a router with a catalogue of its own learns of the removal; before the sweep too', async () => {
  const theirs = await openCatalogue({ kind: 'sqlite', file: join(folder.dir, 'theirs.sqlite') });
  try {
    await catchUp({ store: archive.store, catalogue: theirs });
    expect((await theirs.totals()).instances).toBe(6);
    await remove();
    await catchUp({ store: archive.store, catalogue: theirs });
    expect(await lines(theirs.dump())).toEqual(await lines(archive.catalogue.dump()));
    await rebuild({ store: archive.store, catalogue: theirs });
    expect(await lines(theirs.dump())).toEqual(await lines(archive.catalogue.dump()));
  } finally {
    await theirs.close();
  }
});

test('an image that is sent again after its removal is received, kept and not swept', async () => {
  await remove();
  await archive.close();
  archive = await folder.open();
  await receive(archive, slice(1));
  await archive.flush();
  expect(await sweepRemoved({ store: archive.store, trusted: keysInStore(archive.store), graceMs: 0 })).toMatchObject({
    objects: 3,
  });
  expect((await archive.entries(STUDY)).map(({ sopInstanceUID }) => sopInstanceUID)).toEqual([slice(1).sop]);
  expect((await archive.catalogue.contents(STUDY)).length).toBe(1);
  expect((await verified()).wrong).toEqual([]);
  await rebuild({ store: archive.store, catalogue: archive.catalogue });
  expect((await archive.catalogue.contents(STUDY)).length).toBe(1);
  expect((await verified()).wrong).toEqual([]);
});

test('an image that comes while the catalogue follows a removal stays in it; a router killed in between follows it again', async () => {
  const theirs = await openCatalogue({ kind: 'sqlite', file: join(folder.dir, 'theirs.sqlite') });
  try {
    await catchUp({ store: archive.store, catalogue: theirs });
    await remove();
    const replace = theirs.replaceStudy.bind(theirs);
    theirs.replaceStudy = async (...args) => {
      theirs.replaceStudy = replace;
      await receive(archive, slice(7, 7));
      await archive.flush();
      await theirs.apply(await archive.entries(STUDY));
      return replace(...args);
    };
    await catchUp({ store: archive.store, catalogue: theirs });
    expect((await theirs.contents(STUDY)).map(({ sopInstanceUID }) => sopInstanceUID)).toEqual([slice(7, 7).sop]);

    expect(await removeStudy(archive.store, key, OTHER, REASONS)).not.toBeNull();
    theirs.replaceStudy = async () => {
      throw new Error('killed');
    };
    await expect(catchUp({ store: archive.store, catalogue: theirs })).rejects.toThrow('killed');
    Reflect.deleteProperty(theirs, 'replaceStudy');
    await catchUp({ store: archive.store, catalogue: theirs });
    expect(await theirs.contents(OTHER)).toEqual([]);
    // whoever found an object there may be about to name it: the sweep waits
    const records = (await storedKeys(archive, 'removals/')).filter((one) => one.endsWith('.json'));
    const written = await Promise.all(
      records.map(async (one) => Date.parse(JSON.parse((await archive.store.get(one)).toString()).createdAt)),
    );
    const removedAt = Math.min(...written);
    const sweepAt = async (ms: number) => {
      const clock = vi.spyOn(Date, 'now').mockReturnValue(ms);
      return sweepRemoved({ store: archive.store, trusted: keysInStore(archive.store) }).finally(() =>
        clock.mockRestore(),
      );
    };
    const early = await sweepAt(removedAt + 3_600_001);
    expect(early.objects).toBe(0);
    expect(early.skipped.map(({ reason }) => reason)).toEqual(['images of its study came again lately']);
    expect(await sweepAt(removedAt + 9_000_000)).toMatchObject({ objects: 6, skipped: [] });
    await catchUp({ store: archive.store, catalogue: archive.catalogue });
    expect((await verified()).wrong).toEqual([]);
  } finally {
    await theirs.close();
  }
});

test('a removal that nobody signed, or somebody else did, or that was changed, hides nothing from those who check', async () => {
  const strangerDir = mkdtempSync(join(tmpdir(), 'lifeboat-stranger-'));
  try {
    await level();
    const stranger = loadSealKey(strangerDir);
    await removeStudy(archive.store, stranger, STUDY, REASONS);
    expect((await verified(archive.store, theseKeys([key.publicPem]))).wrong.join()).toContain('segment-hides');
    // the replica of the router is not taken in by it
    expect((await level()).join()).toContain('lacks');
    const copy = await openStore({ kind: 'file', dir: copyDir });
    expect((await new StudyCache(copy).entries(STUDY)).length).toBe(4);
    expect(
      (await sweepRemoved({ store: archive.store, trusted: theseKeys([key.publicPem]), graceMs: 0 })).skipped,
    ).toHaveLength(1);
    for (const tamper of ['.json', '.sig']) {
      cpSync(join(folder.dir, 'store'), join(strangerDir, `store${tamper}`), { recursive: true });
      const changed = await openStore({ kind: 'file', dir: join(strangerDir, `store${tamper}`) });
      for await (const { key: record } of changed.list('removals/'))
        if (record.endsWith(tamper)) {
          const bytes = await changed.get(record);
          bytes[bytes.length - 10]! ^= 1;
          writeFileSync(join(strangerDir, `store${tamper}`, record), bytes);
        }
      expect((await verified(changed)).wrong.join()).toContain('segment-hides');
    }
  } finally {
    rmSync(strangerDir, { recursive: true, force: true });
  }
});

test('a study under legal hold is planned by no rule, removed by nobody and swept never', async () => {
  const rules = [{ name: 'all', olderThanDays: 1 }];
  const plan = async (confirmed: ReadonlySet<string>) => {
    const found = [];
    const pacs = { confirmedByPacs: () => confirmed };
    const nowMs = Date.now() + 2 * 86_400_000;
    for await (const one of planRemovals({ store: archive.store, rules, pacs, nowMs })) found.push(one);
    return new Map(found.map((one) => [one.studyInstanceUID, one]));
  };
  const all = [...(await archive.entries(STUDY)), ...(await archive.entries(OTHER))];
  const proven = new Set(all.map(({ sopInstanceUID, dataSetSha256 }) => `${sopInstanceUID} ${dataSetSha256}`));
  expect((await plan(new Set())).get(STUDY)).toMatchObject({
    goes: false,
    because: expect.stringContaining('not confirmed 4 of 4'),
  });
  expect((await plan(proven)).get(STUDY)).toMatchObject({ goes: true, instances: 4 });
  await writeHold(archive.store, STUDY, { state: 'placed', by: 'admin', reason: 'court' });
  expect(await heldStudies(archive.store)).toMatchObject([{ studyInstanceUID: STUDY, reason: 'court' }]);
  expect((await plan(proven)).get(STUDY)).toMatchObject({ goes: false, because: 'it is under legal hold' });
  expect((await plan(proven)).get(OTHER)).toMatchObject({ goes: true });
  await expect(removeStudy(archive.store, key, STUDY, REASONS)).rejects.toThrow('legal hold');
  await remove(OTHER);
  await writeHold(archive.store, OTHER, {
    state: 'placed',
    by: 'admin',
    reason: 'too late for readers, not for the bytes',
  });
  expect(await sweepRemoved({ store: archive.store, trusted: keysInStore(archive.store), graceMs: 0 })).toMatchObject({
    objects: 0,
    skipped: [{ reason: 'its study is under legal hold' }],
  });
  await writeHold(archive.store, STUDY, { state: 'released', by: 'admin', reason: 'over' });
  await remove();
  expect(await new StudyCache(archive.store).entries(STUDY)).toEqual([]);
});

test('lifeboat mode finds a removed study no more, and neither does whoever rebuilds from the objects', async () => {
  const onProblem = (error: Error) => {
    throw error;
  };
  const writer = () =>
    IndexWriter.open({ store: archive.store, writer: 'a', workDir: join(folder.dir, 'w'), onProblem });
  const found = async () => {
    const index = await openLifeboatIndex(sourceOf(archive.store));
    const { hits } = await index.search({ limit: 10, patientID: 'P1' });
    const each = await Promise.all([STUDY, OTHER].map((uid) => index.study(uid)));
    return [hits.map((hit) => hit.studyInstanceUID).sort(), each.map((hit) => hit?.instances)];
  };
  const patientID = (await archive.entries(STUDY))[0]!.attributes['00100020']?.Value?.[0];
  expect(patientID).toBe('P1');
  await catchUpIndex({ store: archive.store, writer: await writer(), onProblem });
  expect(await found()).toEqual([[STUDY, OTHER].sort(), [4, 2]]);
  await remove();
  await catchUpIndex({ store: archive.store, writer: await writer(), onProblem });
  expect(await found()).toEqual([[OTHER], [undefined, 2]]);
  expect(await rebuildManifests({ store: archive.store })).toMatchObject({ objects: 6, added: 0 });
  await sweepRemoved({ store: archive.store, trusted: keysInStore(archive.store), graceMs: 0 });
  await catchUpIndex({ store: archive.store, writer: await writer(), onProblem });
  expect(await found()).toEqual([[OTHER], [undefined, 2]]);
  await catchUpIndex({ store: archive.store, writer: await writer(), onProblem, rebuild: true });
  expect(await found()).toEqual([[OTHER], [undefined, 2]]);
  // sent again, it is found again
  await receive(archive, slice(1));
  await archive.flush();
  await catchUpIndex({ store: archive.store, writer: await writer(), onProblem });
  expect(await found()).toEqual([[STUDY, OTHER].sort(), [1, 2]]);
});

test('an image that is sent again in the very moment in which its bytes are swept is not lost', async () => {
  await remove();
  await archive.close();
  archive = await folder.open();
  const { store } = archive;
  const segmentsOf = async () => (await storedKeys(archive, 'manifests/')).length;
  const before = await segmentsOf();
  let flushed: Promise<void> | undefined;
  let stored = false;
  // the sweep has read the manifests and is about to delete the first object
  const caught = new Proxy(store, {
    get(target, name) {
      if (name !== 'delete') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return async (object: string) => {
        if (object.startsWith('objects/') && !flushed) {
          await receive(archive, slice(1));
          flushed = archive.flush().then(() => {
            stored = true;
          });
          await vi.waitFor(
            async () => {
              const refused = archive.spool().refused?.message ?? '';
              expect((await segmentsOf()) > before || refused.includes('being freed')).toBe(true);
            },
            { timeout: 10_000, interval: 20 },
          );
          expect(stored).toBe(false);
        }
        return target.delete(object);
      };
    },
  });
  expect(await sweepRemoved({ store: caught, trusted: keysInStore(store), graceMs: 0 })).toMatchObject({ records: 1 });
  await flushed;
  const [entry] = await archive.entries(STUDY);
  expect(entry?.sopInstanceUID).toBe(slice(1).sop);
  expect((await store.head(entry!.key))?.size).toBe(entry!.size);
  expect((await verified()).wrong).toEqual([]);
  expect(await storedKeys(archive, 'sweeping/')).toEqual([]);
});
