import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArchive } from '../../storage/archive.ts';
import { archiveOptions } from '../support/archive.ts';
import { smallStudy } from '../support/small-image.ts';

const bin = resolve(import.meta.dirname, '../../bin/lifeboat.mjs');
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lifeboat-closed-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** Runs `lifeboat` while nobody reads its standard output any more. */
async function unheard(args: string[]): Promise<{ code: number | null; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: dataDir,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LIFEBOAT_DATA: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, err };
}

it('help into a closed pipe (`| head -1`) ends silently and with success', async () => {
  for (const args of [['--help'], ['export', '--help'], ['--version']]) {
    expect(await unheard(args), args.join(' ')).toEqual({ code: 0, err: '' });
  }
});

it('an import whose output nobody reads is done to the end', async () => {
  const study = '1.2.826.0.9.1';
  const paths = await Promise.all(
    [...smallStudy(study, 5)].map(async (bytes, i) => {
      const path = join(dataDir, `${i}.dcm`);
      await writeFile(path, bytes);
      return path;
    }),
  );
  const { code, err } = await unheard(['import', '--verbose', ...paths]);
  expect(err).not.toContain('EPIPE');
  expect(code).toBe(0);
  const archive = await openArchive(archiveOptions(dataDir));
  try {
    expect(await archive.entries(study)).toHaveLength(5);
  } finally {
    await archive.close();
  }
});
