import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drill } from '../../router/lifeboat/drill.ts';
import { keepReport, lastDrills } from '../../router/lifeboat/drill-reports.ts';
import { publishViewer } from '../../router/lifeboat/publish-viewer.ts';
import { FileStore } from '../../storage/stores/file-store.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice } from '../support/archive.ts';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'bin/lifeboat.mjs');
const OTHER = '1.2.826.0.1.3680043.10.2.7';
let folder: ArchiveFolder;
let objects: string[];

/** A build of the viewer: what it must look like in the store, not what it does. */
const build = join(root, 'dist/viewer');

function lifeboat(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder.dir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LIFEBOAT_DATA: folder.dir, ...env },
  });
  return { code: status, out: stdout.toString(), err: stderr.toString() };
}

beforeAll(async () => {
  folder = archiveFolder();
  const archive = await folder.open();
  for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
  for (let i = 1; i <= 2; i++) await receive(archive, slice(i, 40 + i, OTHER));
  await archive.flush();
  objects = (await archive.entries(STUDY)).map(({ key }) => key);
  await archive.close();
  const store = await FileStore.open(join(folder.dir, 'store'));
  await publishViewer(store, build, { version: '1.2.3', region: '', idleMinutes: 10, maxHours: 1 });
  await store.close();
  expect(lifeboat(['index']).code).toBe(0);
}, 120_000);
afterAll(() => folder.remove());

/** A drill on a copy in which something was changed. */
async function drillAfter(change: (dir: string) => void, needsEnvelope = false) {
  const copy = join(folder.dir, `copy-${Math.random().toString(36).slice(2)}`);
  cpSync(join(folder.dir, 'store'), copy, { recursive: true });
  change(copy);
  const store = await FileStore.open(copy);
  try {
    return await drill({ store, studies: 10, by: 'test', needsEnvelope, freshMs: 0 });
  } finally {
    await store.close();
    rmSync(copy, { recursive: true, force: true });
  }
}
const told = (report: Awaited<ReturnType<typeof drill>>) => [
  ...report.steps.filter(({ outcome }) => outcome !== 'passed').map(({ name, detail }) => `${name}: ${detail}`),
  ...report.studies.flatMap(({ problems }) => problems),
];

describe.skipIf(!existsSync(build))('the drill of lifeboat mode', () => {
  it('passes on a whole archive, keeps its report, and the newest is shown', async () => {
    const done = lifeboat(['drill']);
    expect(done.out).toContain(
      'PASSED  search and images: 2 studies, 5 images, 5 frames: all complete and unchanged; too new to be looked for: 2',
    );
    expect(done.out).toContain('Drill PASSED');
    expect(done.code).toBe(0);
    const store = await FileStore.open(join(folder.dir, 'store'));
    const report = await drill({ store, studies: 10, by: 'test', needsEnvelope: false, freshMs: 0 });
    expect(told(report)).toEqual([]);
    expect(report.steps.at(-1)?.detail).toBe('2 studies, 5 images, 5 frames: all found, complete and unchanged');
    expect(report.outcome).toBe('passed');
    await keepReport(store, { ...report, startedAt: '2099-01-01T00:00:00.000Z', outcome: 'failed' });
    const { lastDrill, lastPassedAt } = await lastDrills(store);
    expect(lastDrill?.outcome).toBe('failed');
    expect(Date.parse(lastPassedAt!)).toBeLessThan(Date.now());
    await store.close();
  }, 60_000);

  it.each<[string, string | RegExp, (dir: string) => void]>([
    [
      'a flipped bit',
      /Image .* is not what was received: its SHA-256 differs\./,
      (dir) => {
        const path = join(dir, objects[0]!);
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        rmSync(path);
        writeFileSync(path, bytes);
      },
    ],
    [
      'a shortened image',
      /Image .* has \d+ bytes instead of \d+\./,
      (dir) => {
        const path = join(dir, objects[1]!);
        const bytes = readFileSync(path);
        rmSync(path);
        writeFileSync(path, bytes);
        truncateSync(path, 300);
      },
    ],
    ['a lost image', new RegExp(`Image ${STUDY}`), (dir) => rmSync(join(dir, objects[2]!))],
    [
      'a lost index',
      'It is not in the search index.',
      (dir) => rmSync(join(dir, 'lifeboat/index'), { recursive: true }),
    ],
    [
      'a lost file of the viewer',
      /viewer: not in the store: viewer\/assets\//,
      (dir) => {
        const page = readFileSync(join(dir, 'viewer/index.html')).toString();
        rmSync(join(dir, 'viewer', /src="(?:\.\/)?(assets\/[^"]+\.js)"/.exec(page)![1]!));
      },
    ],
    ['a lost viewer', /^viewer: /, (dir) => rmSync(join(dir, 'viewer'), { recursive: true })],
    [
      'a forged description',
      /its signature is wrong/,
      (dir) => {
        const path = join(dir, 'lifeboat/archive.json');
        const text = readFileSync(path).toString();
        writeFileSync(path, text.replace(/\\"studies\\":\d+/, '\\"studies\\":999'));
      },
    ],
  ])('names %s', async (_, sentence, change) => {
    const report = await drillAfter(change);
    expect(told(report)).toContainEqual(expect.stringMatching(sentence));
    expect(report.outcome).toBe('failed');
  });

  it('asks for a way in where the store needs a key', async () => {
    const report = await drillAfter(() => undefined, true);
    expect(told(report)).toEqual([
      'ways in: no break-glass envelope is in the store; run: lifeboat break-glass create',
    ]);
  });

  it('writes nothing into a store that it must not write to', () => {
    const before = readdirSync(join(folder.dir, 'store/lifeboat/drills')).length;
    const file = join(folder.dir, 'report.json');
    expect(lifeboat(['drill', '--report', file, '--studies', '1']).code).toBe(0);
    expect(JSON.parse(readFileSync(file).toString())).toMatchObject({ outcome: 'passed', studies: [{ problems: [] }] });
    expect(readdirSync(join(folder.dir, 'store/lifeboat/drills')).length).toBe(before);
    expect(lifeboat(['drill', '--studies', 'many']).code).toBe(2);
  }, 60_000);
});
