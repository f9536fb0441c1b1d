import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReceiver } from '../../storage/receive.ts';
import { Spool } from '../../storage/spool.ts';
import { ctDataSet } from '../support/build-data-set.ts';
import { feed, outcome, temporaryFolder } from '../support/receiving.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';

/** Mounting a file system of 4 MiB takes root; elsewhere the suite is skipped. */
function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const probe = temporaryFolder();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe]).status === 0;
  if (mounted) execFileSync('umount', [probe]);
  rmdirSync(probe);
  return mounted;
}

describe.skipIf(!canMount())('a spool on a full disk (needs root to mount a tiny one)', () => {
  let mount: string;
  let spool: Spool;
  beforeEach(async () => {
    mount = temporaryFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount]);
    mkdirSync(join(mount, 'spool'));
    spool = await Spool.open(join(mount, 'spool'), { minFreeBytes: 0 });
  });
  afterEach(async () => {
    await spool.close();
    execFileSync('umount', [mount]);
    rmdirSync(mount);
  });
  const receive = (sopInstanceUID: string, rows = 512) =>
    feed(
      createReceiver(spool).beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT }),
      ctDataSet({ sopInstanceUID, rows, columns: 512 }),
    );

  it('refuses with 0xA700, keeps what it acknowledged, leaves no halves, and goes on when there is room', async () => {
    const kept: string[] = [];
    let refusal: unknown = null;
    for (let i = 0; i < 12 && !refusal; i++) {
      try {
        kept.push((await receive(`1.2.${i}`)).sopInstanceUID);
      } catch (error) {
        refusal = error;
      }
    }
    expect(refusal).toMatchObject({ code: 'SPOOL_FULL', dimse: 0xa700 });
    expect(kept.length).toBeGreaterThan(3);
    expect(await outcome(receive('1.3', 4000))).toBe('SPOOL_FULL');
    const names = readdirSync(spool.dir).filter((n) => n !== 'lock' && n !== 'damaged');
    expect(names).toHaveLength(kept.length);
    expect(names.every((n) => n.endsWith('.dcm'))).toBe(true);
    for (const entry of spool.entries()) {
      expect(createHash('sha256').update(readFileSync(entry.path)).digest('hex')).toBe(entry.sha256);
    }
    const [first] = spool.entries();
    await spool.remove(first!);
    await expect.poll(() => outcome(receive('1.4')), { timeout: 5000, interval: 300 }).toBe('kept');
  });

  it('with several receptions at once none is acknowledged in vain', async () => {
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      const outcomes: string[] = [];
      for (let i = 0; i < 5; i++) outcomes.push(await outcome(receive(`1.5.${lane}.${i}`, 290)));
      return outcomes;
    });
    const results = (await Promise.all(lanes)).flat();
    expect(new Set(results)).toEqual(new Set(['kept', 'SPOOL_FULL']));
    const keptCount = results.filter((result) => result === 'kept').length;
    await spool.close();
    spool = await Spool.open(join(mount, 'spool'), { minFreeBytes: 0 });
    expect(spool.entries()).toHaveLength(keptCount);
    expect((await spool.recovered).damaged).toEqual([]);
  });
});
