import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArchive } from '../../storage/archive.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { readManifestSegment } from '../../storage/segments.ts';
import type { StoreConfig } from '../../storage/stores/open-store.ts';
import { archiveFolder, archiveOptions, lines, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';

const child = resolve(import.meta.dirname, '../support/router-beside-child.ts');
const BOTH = STUDY;
const ONLY_A = `${STUDY}.11`;
const ONLY_B = `${STUDY}.12`;
const KILLS = 4;
const STEP = 8;
const tending = { tickMs: 50, compareMs: 200, rest: 1 };
const PATIENCE = { timeout: 60_000, interval: 100 };

const stores: { name: string; there: boolean; open(dir: string): StoreConfig }[] = [];
let ceph: CephS3 | undefined;
stores.push({ name: 'one folder', there: true, open: (dir) => ({ kind: 'file', dir: join(dir, 'shared') }) });
stores.push({ name: 'one bucket', there: cephAvailable(), open: () => ceph!.storeConfig('shared') });
beforeAll(async () => {
  if (cephAvailable()) ceph = await CephS3.start();
});
afterAll(() => ceph?.stop());

/** Runs the other router for a while, then kills it; adds what it acknowledged. */
async function runAndKill(dir: string, store: StoreConfig, from: number, ms: number, into: Set<string>): Promise<void> {
  const range = [String(from), String(from + STEP - 1)];
  const other = spawn(process.execPath, [child, dir, JSON.stringify(store), ...range, BOTH, ONLY_A], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  other.stdout.on('data', (chunk) => {
    output += chunk;
  });
  while (!output.includes('ACK') && other.exitCode === null) await new Promise((wait) => setTimeout(wait, 5));
  await new Promise((wait) => setTimeout(wait, ms));
  other.kill('SIGKILL');
  await once(other, 'close');
  for (const line of output.split('\n')) if (/^ACK \S+ [0-9a-f]{64}$/.test(line)) into.add(line.slice(4));
}

async function untilCompared(archive: Archive): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const before = archive.tending().comparedAt;
    await expect.poll(() => archive.tending().comparedAt !== before, PATIENCE).toBe(true);
  }
}

describe.each(stores)('two routers with a catalogue each over $name', ({ there, open }) => {
  test.skipIf(!there)(
    'have both in the end what either acknowledged, each once, although one is killed again and again',
    async () => {
      const folder = archiveFolder();
      const store = open(folder.dir);
      const options = (name: string) => ({ ...archiveOptions(join(folder.dir, name)), store, tending });
      const acknowledged = new Set<string>();
      const b = await openArchive(options('b'));
      let a: Archive | undefined;
      try {
        let sending = true;
        const sendToB = (async () => {
          for (let i = 1; sending; i++) {
            for (const study of [BOTH, ONLY_B]) {
              const { sopInstanceUID, dataSetSha256 } = await receive(b, slice(i, i, study));
              acknowledged.add(`${sopInstanceUID} ${dataSetSha256}`);
            }
            await new Promise((wait) => setTimeout(wait, 60));
          }
        })();
        for (let i = 0; i < KILLS; i++) {
          await runAndKill(join(folder.dir, 'a'), store, 1 + i * (STEP / 2), i * 230, acknowledged);
        }
        sending = false;
        await sendToB;
        a = await openArchive(options('a'));
        await Promise.all([a.flush(), b.flush()]);
        await untilCompared(a);
        await untilCompared(b);

        const dump = await lines(a.catalogue.dump());
        expect(await lines(b.catalogue.dump())).toEqual(dump);
        const contents: string[] = [];
        for (const study of [BOTH, ONLY_A, ONLY_B]) {
          const entries = await a.entries(study);
          expect(await b.entries(study)).toEqual(expect.arrayContaining(entries));
          contents.push(...entries.map((entry) => `${entry.sopInstanceUID} ${entry.dataSetSha256}`));
          for (const { key, size } of entries) expect((await b.store.head(key))?.size).toBe(size);
        }
        expect(new Set(contents).size).toBe(contents.length);
        expect([...acknowledged].filter((one) => !contents.includes(one))).toEqual([]);
        expect((await a.catalogue.totals()).instances).toBe(contents.length);
        // what was sent only to one, the other has too
        const ofStudy = (uid: string) => contents.filter((one) => one.startsWith(`${uid}.1.`)).length;
        expect(ofStudy(ONLY_A)).toBeGreaterThan(0);
        expect(ofStudy(ONLY_B)).toBeGreaterThan(0);
        for (const key of await storedKeys(a, 'manifests/')) await readManifestSegment(a.store, key);

        await rebuild({ store: b.store, catalogue: b.catalogue });
        expect(await lines(b.catalogue.dump())).toEqual(dump);
      } finally {
        await a?.close();
        await b.close();
        folder.remove();
      }
    },
    300_000,
  );
});
