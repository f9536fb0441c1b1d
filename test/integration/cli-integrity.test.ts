import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSealKey } from '../../storage/seal-key.ts';
import { sealKeys } from '../../storage/seal-types.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice } from '../support/archive.ts';

const program = resolve(import.meta.dirname, '../../bin/lifeboat.mjs');
let folder: ArchiveFolder;
let copy: string;
let victim: string;

beforeAll(async () => {
  folder = archiveFolder();
  const archive = await folder.open();
  for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
  await archive.flush();
  victim = (await archive.entries(STUDY))[0]!.key;
  await archive.close();
  copy = mkdtempSync(join(tmpdir(), 'lifeboat-copy-'));
});
afterAll(() => {
  folder.remove();
  rmSync(copy, { recursive: true, force: true });
});

function lifeboat(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: copy,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LIFEBOAT_DATA: folder.dir, ...env },
  });
  return { code: status, out: stdout.toString(), err: stderr.toString() };
}

test('seal, lose an image, prove it with the public key on another machine, repair it from a copy, prove it again', () => {
  const sealed = lifeboat(['seal']);
  expect(sealed).toMatchObject({ code: 0, err: '' });
  expect(sealed.out).toContain('Sealed 3 instances, 3 of them new.');
  const known = /(\d+:[0-9a-f]{64})$/m.exec(sealed.out)![1]!;
  cpSync(join(folder.dir, 'store'), join(copy, 'store'), { recursive: true });
  const right = readFileSync(join(folder.dir, 'store', victim));
  rmSync(join(folder.dir, 'store', victim));

  const { keyId } = loadSealKey(folder.dir);
  const key = join(folder.dir, 'store', sealKeys(keyId).publicKey);
  const elsewhere = { LIFEBOAT_DATA: join(copy, 'none'), LIFEBOAT_STORE: `file:${join(folder.dir, 'store')}` };
  const audit = ['verify', '--seals', '--public-key', key, '--known', known, '--store-only'];
  const lost = lifeboat(audit, elsewhere);
  expect(lost.code).toBe(1);
  expect(lost.err).toContain(`MISSING ${victim}`);
  expect(lost.out).toMatch(/P1 +Doe\^Jane +20260102 +1 missing/);

  expect(lifeboat(['verify']).code).toBe(1);
  expect(lifeboat(['repair', '--dry-run']).out).toContain(`MISSING ${victim}: would be tried`);
  const repaired = lifeboat(['repair', '--from', `file:${join(copy, 'store')}`]);
  expect(repaired.out).toContain(`REPAIRED ${victim} from file:${join(copy, 'store')}`);
  expect(repaired.code).toBe(0);
  expect(readFileSync(join(folder.dir, 'store', victim))).toEqual(right);

  const whole = lifeboat(audit, elsewhere);
  expect(whole).toMatchObject({ code: 0 });
  expect(whole.out).toContain('3 objects of 1 studies sound');
  expect(whole.out).toContain(`Key ${keyId}: 1 seals`);
  expect(lifeboat(['verify', '--seals', '--known', `1:${'0'.repeat(64)}`]).err).toMatch(/^SEAL-MISSING /m);
  expect(lifeboat(['verify', '--seals', '--known', 'nonsense']).code).toBe(2);
}, 240_000);
