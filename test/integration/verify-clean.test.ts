import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { verify } from '../../storage/verify.ts';
import { type Finding, isClean } from '../../storage/verify-types.ts';
import { archiveFolder, receive, slice } from '../support/archive.ts';
import { realFiles } from '../support/files.ts';
import { audit, sealAt } from '../support/sealing.ts';

async function findings(archive: Archive) {
  const run = verify({ store: archive.store, catalogue: archive.catalogue, strayAgeMs: 0 });
  const found: Finding[] = [];
  for await (const finding of run) found.push(finding);
  return { found, summary: run.summary };
}

/** As senders do it: several at once, studies of different sizes, some images twice, commits in between. */
async function fill(archive: Archive, instances: number): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < instances) {
      const i = next++;
      const image = slice(i % 500, i, `1.2.826.0.1.9.${Math.floor(i / 500)}`);
      await receive(archive, image);
      if (i % 97 === 0) await receive(archive, image);
      if (i % 20_000 === 0) await archive.flush();
    }
  };
  await Promise.all(Array.from({ length: 16 }, sender));
  await archive.flush();
}

async function isCleanAt(instances: number): Promise<void> {
  const folder = archiveFolder();
  const archive = await folder.open();
  try {
    await fill(archive, instances);
    const { found, summary } = await findings(archive);
    expect(found).toEqual([]);
    expect(summary).toMatchObject({ sound: instances, studies: Math.ceil(instances / 500) });
    expect(await sealAt(archive.store, folder.dir, new Date().toISOString())).toMatchObject({ treeSize: instances });
    const sealed = await audit(archive.store);
    expect(sealed.found).toEqual([]);
    expect(sealed.audit).toMatchObject({ sealed: instances, unsealed: 0 });
  } finally {
    await archive.close();
    folder.remove();
  }
}

test('a clean archive of 1,500 instances raises no alarm', () => isCleanAt(1500));

test.skipIf(!process.env['LIFEBOAT_LONG'])(
  '[long] a clean archive of 100,000 instances raises no alarm',
  () => isCleanAt(100_000),
  3_600_000,
);

test('real files, however odd, raise no alarm', async () => {
  const folder = archiveFolder();
  const archive = await folder.open();
  try {
    let kept = 0;
    for (const { path } of realFiles()) {
      const reception = archive.beginFile({ via: 'import', user: 'test' });
      try {
        await reception.write(readFileSync(path));
        await reception.finish();
        kept++;
      } catch {
        reception.abort();
      }
    }
    await archive.flush();
    const { found, summary } = await findings(archive);
    expect(found.filter(({ kind }) => kind !== 'two-contents')).toEqual([]);
    expect(isClean(summary)).toBe(true);
    expect(summary.sound).toBeGreaterThan(kept / 2);
  } finally {
    await archive.close();
    folder.remove();
  }
});

test('receiving while it is verified raises no alarm', async () => {
  const folder = archiveFolder();
  const archive = await folder.open();
  try {
    let sending = true;
    const sender = (async () => {
      for (let i = 0; sending && i < 3000; i++) await receive(archive, slice(i % 50, i, `1.2.826.0.1.8.${i % 20}`));
    })();
    const found: Finding[] = [];
    for (let pass = 0; pass < 4; pass++) {
      const run = verify({ store: archive.store, catalogue: archive.catalogue });
      for await (const finding of run) if (finding.kind !== 'two-contents') found.push(finding);
    }
    sending = false;
    await sender;
    expect(found).toEqual([]);
  } finally {
    await archive.close();
    folder.remove();
  }
});
