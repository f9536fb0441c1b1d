import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readManifestSegment } from '../../storage/segments.ts';
import { type ArchiveFolder, archiveFolder, STUDY, storedKeys } from '../support/archive.ts';

const child = resolve(import.meta.dirname, '../support/archive-child.ts');

/** Runs the archive process; resolves with what it acknowledged before it ended or was killed. */
async function acknowledgedBy(dir: string, from: number, to: number, step: string, killAfterMs?: number) {
  const process_ = spawn(process.execPath, [child, dir, String(from), String(to), step], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  process_.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<NodeJS.Signals | null>((done) => process_.once('close', (_code, signal) => done(signal)));
  if (killAfterMs !== undefined) {
    while (!output.includes('ACK')) await new Promise((wait) => setTimeout(wait, 5));
    setTimeout(() => process_.kill('SIGKILL'), killAfterMs);
  }
  const signal = await ended;
  const acknowledged = output
    .split('\n')
    .filter((line) => /^ACK \S+ [0-9a-f]{64}$/.test(line))
    .map((line) => line.slice(4));
  return { acknowledged, signal };
}

let folder: ArchiveFolder;
beforeEach(() => {
  folder = archiveFolder();
});
afterEach(() => folder.remove());

/** Everything acknowledged is in store and catalogue, readable, exactly once; nothing waits in the spool. */
async function expectExactlyOnce(acknowledged: string[]): Promise<void> {
  const archive = await folder.open();
  try {
    await archive.flush();
    const entries = await archive.entries(STUDY);
    const found = entries.map((entry) => `${entry.sopInstanceUID} ${entry.dataSetSha256}`).sort();
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(acknowledged));
    expect(await storedKeys(archive, 'objects/')).toEqual(entries.map(({ key }) => key).sort());
    for (const entry of entries) expect(await archive.store.head(entry.key)).toMatchObject({ size: entry.size });
    expect((await archive.catalogue.totals()).instances).toBe(found.length);
    expect(await archive.metadata(STUDY)).toHaveLength(found.length);
    expect(archive.spool().entries).toBe(0);
    expect(readdirSync(join(folder.dir, 'spool')).filter((name) => name.endsWith('.dcm'))).toEqual([]);
    const mentions: string[] = [];
    for (const key of await storedKeys(archive, 'manifests/')) {
      for (const entry of (await readManifestSegment(archive.store, key)).entries) mentions.push(entry.key);
    }
    expect(mentions).toHaveLength(new Set(mentions).size);
  } finally {
    await archive.close();
  }
}

describe('kill -9 in the middle of a commit', () => {
  test.each(['described', 'objects', 'segments', 'catalogue', 'removed'])(
    'after the step "%s": everything acknowledged is there, exactly once',
    async (step) => {
      const first = await acknowledgedBy(folder.dir, 1, 20, step);
      expect(first.signal).toBe('SIGKILL');
      expect(first.acknowledged).toHaveLength(20);
      const second = await acknowledgedBy(folder.dir, 15, 30, step);
      expect(second.signal).toBe('SIGKILL');
      await expectExactlyOnce([...new Set([...first.acknowledged, ...second.acknowledged])]);
    },
  );

  test('at any moment of receiving', async () => {
    const acknowledged: string[] = [];
    for (const [i, ms] of [30, 150, 420].entries()) {
      const run = await acknowledgedBy(folder.dir, 1 + i * 2000, 2000 + i * 2000, '', ms);
      expect(run.signal).toBe('SIGKILL');
      expect(run.acknowledged.length).toBeGreaterThan(0);
      acknowledged.push(...run.acknowledged);
    }
    await expectExactlyOnce(acknowledged);
  });
});
