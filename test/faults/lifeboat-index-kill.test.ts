import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openLifeboatIndex } from '../../storage/format/lifeboat-index.ts';
import { catchUpIndex } from '../../storage/lifeboat/catch-up-index.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { sourceOf } from '../../storage/lifeboat/row-stream.ts';
import { archiveFolder, receive, STUDY, slice } from '../support/archive.ts';

const child = resolve(import.meta.dirname, '../support/index-child.ts');

async function campaign(kills: number): Promise<void> {
  const folder = archiveFolder();
  const archive = await folder.open();
  const problem = (error: Error) => {
    throw error;
  };
  try {
    const studies = Array.from({ length: 25 }, (_, i) => `${STUDY}.${i + 10}`);
    for (const study of studies) await receive(archive, slice(1, 1, study));
    await archive.flush();
    const said = new Set<string>();
    const lane = async (writer: string, seed: number) => {
      for (let kill = 0; kill < kills; kill++) {
        const args = [child, JSON.stringify(folder.options.store), writer, join(folder.dir, writer)];
        const process_ = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
        process_.stdin.on('error', () => undefined);
        process_.stdin.write(studies.map((_, i) => `${studies[(i * seed + kill * 5) % studies.length]}\n`).join(''));
        let text = '';
        process_.stdout.on('data', (data) => {
          text += String(data);
        });
        await once(process_.stdout, 'data');
        await new Promise((wait) => setTimeout(wait, (kill * 61 * seed) % 170));
        process_.kill('SIGKILL');
        await once(process_, 'close');
        for (const uid of text.split('\n').slice(0, -1)) said.add(uid);
        const index = await openLifeboatIndex(sourceOf(archive.store));
        for (const uid of said) {
          const found = await index.findStudy(uid);
          expect(found.problems).toEqual([]);
          expect(found.hit?.segments, uid).toHaveLength(1);
        }
      }
    };
    await Promise.all([lane('one', 3), lane('two', 7)]);
    const writer = await IndexWriter.open({
      store: archive.store,
      writer: 'last',
      workDir: join(folder.dir, 'w'),
      onProblem: problem,
    });
    await catchUpIndex({ store: archive.store, writer, onProblem: problem });
    await writer.heal();
    const { get } = sourceOf(archive.store);
    const page = await (await openLifeboatIndex({ get })).search({ limit: 100 });
    expect(page.problems).toEqual([]);
    expect(page.hits.map((hit) => hit.studyInstanceUID).sort()).toEqual(studies.toSorted());
  } finally {
    await archive.close();
    folder.remove();
  }
}

test('two writers of the index killed again and again: what they said is in stays found', () => campaign(6));

test.skipIf(!process.env.LIFEBOAT_LONG)('[long] the same over 100 kills', { timeout: 900_000 }, () => campaign(50));
