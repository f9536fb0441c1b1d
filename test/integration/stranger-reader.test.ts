import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { archiveFolder, receive, STUDY, slice } from '../support/archive.ts';
import { realFiles } from '../support/files.ts';

const reader = resolve(import.meta.dirname, '../support/stranger_reader.py');

test.skipIf(spawnSync('python3', ['--version']).status !== 0)(
  'a reader written from storage/README.md alone finds the same studies, instances and hashes',
  async () => {
    const folder = archiveFolder();
    const archive = await folder.open();
    const studies = new Set([STUDY]);
    try {
      for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
      await archive.flush();
      await receive(archive, slice(2, 99));
      for (const file of realFiles().slice(0, 80)) {
        const reception = archive.beginFile({ via: 'import', user: 'test' });
        try {
          await reception.write(readFileSync(file.path));
          studies.add((await reception.finish()).studyInstanceUID);
        } catch {
          reception.abort();
        }
      }
      await archive.flush();
      const output = execFileSync('python3', [reader, join(folder.dir, 'store')], { maxBuffer: 1 << 28 }).toString();
      const theirs = output
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const ours = [];
      for (const study of studies) {
        const shown = new Set<string>();
        for (const series of (await archive.manifest(study))!.series)
          for (const instance of series.instances) shown.add(instance.key);
        for (const entry of await archive.entries(study)) {
          const { seriesInstanceUID: series, sopInstanceUID: sop, key, sha256, dataSetSha256 } = entry;
          const patient = String(entry.attributes['00100020']?.Value?.[0] ?? '');
          ours.push({ study, series, sop, key, sha256, dataSetSha256, shown: shown.has(key), patient });
        }
      }
      const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
      expect(theirs.sort(byKey)).toEqual(ours.sort(byKey));
      expect(
        theirs
          .filter(({ sop }) => sop === `${STUDY}.1.2`)
          .map(({ shown }) => shown)
          .sort(),
      ).toEqual([false, true]);
    } finally {
      await archive.close();
      folder.remove();
    }
  },
);
