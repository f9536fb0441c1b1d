import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LifeboatError } from '../../contract/errors.ts';
import { loadConfig } from '../../router/config.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { theseKeys } from '../../storage/policy/removal-record.ts';
import { removeStudy } from '../../storage/policy/remove-study.ts';
import { removedInShard } from '../../storage/policy/removed.ts';
import { trustedPems } from '../../storage/policy/trusted-keys.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { loadSealKey, type SealKey } from '../../storage/seal-key.ts';
import { verify } from '../../storage/verify.ts';
import { type ArchiveFolder, archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';

const REASONS = { by: 'nobody', rule: 'old', because: 'the PACS has it, believe me', confirmed: new Set<string>() };
let folder: ArchiveFolder;
let archive: Archive;
let stranger: SealKey;
let strangerFile: string;
const refused: LifeboatError[] = [];

const open = (files: string[] = []) =>
  folder.open({
    trustedKeys: trustedPems({ dataDir: folder.dir, trustedKeys: files }),
    onRefusedRemoval: (error) => refused.push(error),
    tending: { tickMs: 50, compareMs: 50, rest: 1 },
  });
const contents = async () => (await archive.catalogue.contents(STUDY)).length;

beforeEach(async () => {
  refused.length = 0;
  folder = archiveFolder();
  const elsewhere = join(folder.dir, 'stranger');
  mkdirSync(elsewhere);
  stranger = loadSealKey(elsewhere);
  strangerFile = join(elsewhere, 'public-key.pem');
  writeFileSync(strangerFile, stranger.publicPem);
  archive = await open();
  for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
  await archive.flush();
});
afterEach(async () => {
  await archive.close();
  folder.remove();
});

it("a removal signed with a stranger's key, which lies in the store too, takes nothing out and is told", async () => {
  await removeStudy(archive.store, stranger, STUDY, REASONS);
  expect((await storedKeys(archive, 'seals/')).some((key) => key.includes(stranger.keyId))).toBe(true);
  await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(refused[0]!.message).toContain(`the key ${stranger.keyId}, which is not trusted here`);
  expect(refused[0]!.message).toContain('LIFEBOAT_TRUSTED_KEYS');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(refused).toHaveLength(1);
  expect(await contents()).toBe(3);

  const trusted = theseKeys(trustedPems({ dataDir: folder.dir }));
  const { refused: alsoRefused } = await rebuild({ store: archive.store, catalogue: archive.catalogue, trusted });
  expect(alsoRefused).toHaveLength(1);
  expect(await contents()).toBe(3);
  const findings: string[] = [];
  for await (const { kind, text } of verify({ store: archive.store, strayAgeMs: 0, removalKeys: trusted }))
    findings.push(`${kind}: ${text}`);
  expect(findings.join('\n')).toMatch(/segment-hides: .*which is not trusted here/);
  // What the watch for vanished images takes for explained.
  const shard = (await storedKeys(archive, 'removals/'))[0]!.split('/')[1]!;
  expect((await removedInShard(archive.store, shard, trusted)).size).toBe(0);
  expect((await removedInShard(archive.store, shard, theseKeys([stranger.publicPem]))).size).toBe(3);
});

it('it counts as soon as IT names the key, and so does our own without', async () => {
  await removeStudy(archive.store, stranger, STUDY, REASONS);
  await expect.poll(() => refused.length, { timeout: 10_000 }).toBeGreaterThan(0);
  await archive.close();
  archive = await open([strangerFile]);
  await expect.poll(contents, { timeout: 10_000 }).toBe(0);
  await receive(archive, slice(4));
  await archive.flush();
  expect(await contents()).toBe(1);
  await removeStudy(archive.store, loadSealKey(folder.dir), STUDY, REASONS);
  await expect.poll(contents, { timeout: 10_000 }).toBe(0);
  expect(refused).toHaveLength(1);
});

it('a setting that names no key stops the start with a sentence', () => {
  const env = { LIFEBOAT_DATA: folder.dir, LIFEBOAT_TRUSTED_KEYS: `${strangerFile}, other.pem` };
  const { trustedKeys } = loadConfig({ env, cwd: folder.dir });
  expect(trustedKeys).toEqual([strangerFile, join(folder.dir, 'other.pem')]);
  expect(() => trustedPems({ dataDir: folder.dir, trustedKeys })).toThrow(/LIFEBOAT_TRUSTED_KEYS: .*other\.pem/);
  writeFileSync(join(folder.dir, 'other.pem'), 'nothing');
  expect(() => trustedPems({ dataDir: folder.dir, trustedKeys })).toThrow(/holds no public key/);
});
