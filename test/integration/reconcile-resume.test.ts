import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { openForwarding } from '../../router/forward/forwarding.ts';
import { ReconcileState } from '../../router/reconcile/reconcile-state.ts';
import { Reconciler } from '../../router/reconcile/reconciler.ts';
import type { RemoteArchive } from '../../router/reconcile/remote-archive.ts';
import { openArchive } from '../../storage/archive.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const STUDIES = Array.from({ length: 6 }, (_, n) => `1.2.826.0.9.95.${n + 1}`);
const SPAN = { peer: 'PACS', from: new Date(Date.now() - 3_600_000).toISOString(), to: '2099-01-01T00:00:00.000Z' };

let folder: string;
let archive: Archive;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-resume-'));
  const store = { kind: 'file' as const, dir: join(folder, 'store') };
  const database = { kind: 'sqlite' as const, file: join(folder, 'catalogue.sqlite') };
  archive = await openArchive({ dataDir: folder, store, database, spoolMinFreeBytes: 0 });
  for (const study of STUDIES) await keepFiles(archive, smallStudy(study, 2));
});
afterEach(async () => {
  await archive.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A PACS that has everything, and that dies when it has been asked for so many studies. */
function mortal(lives: number): RemoteArchive & { asked: string[] } {
  const asked: string[] = [];
  const dead = () => new LifeboatError('DIMSE_CONNECTION_LOST');
  return {
    name: 'PACS',
    asked,
    async *studiesOn() {},
    study: async (studyInstanceUID) => {
      if (asked.length >= lives) throw dead();
      asked.push(studyInstanceUID);
      const nobody = {
        patientName: 'Test^Patient',
        patientID: 'P1',
        accessionNumber: '',
        studyDate: '',
        studyTime: '',
      };
      return { studyInstanceUID, ...nobody, instances: 2 };
    },
    list: async (_, ours) => ({
      complete: true,
      instances: [...ours].flatMap(([seriesInstanceUID, uids]) =>
        uids.map((sopInstanceUID) => ({ seriesInstanceUID, sopInstanceUID })),
      ),
    }),
    fetch: async () => undefined,
  };
}

it('a PACS that dies in the middle costs no more than what was not compared yet', async () => {
  const forwarding = openForwarding({ dataDir: folder, forwardTo: [] });
  const signal = new AbortController().signal;
  const work = async (state: ReconcileState, remote: RemoteArchive) => {
    const id = state.begin(SPAN, 'test', 'cli');
    const reconciler = new Reconciler({
      state,
      archive,
      forwarding,
      remote: () => remote,
      mend: false,
      patience: 2,
      pauseMs: 10,
    });
    await reconciler.work(id, signal);
    return id;
  };
  const first = new ReconcileState(folder);
  const dying = mortal(4);
  await expect(work(first, dying)).rejects.toMatchObject({ code: 'DIMSE_CONNECTION_LOST' });
  expect(first.runs()[0]).toMatchObject({ state: 'held', studies: 6, compared: 4 });
  first.close();

  const second = new ReconcileState(folder);
  const well = mortal(100);
  const id = await work(second, well);
  expect(well.asked).toHaveLength(2);
  expect([...dying.asked, ...well.asked].sort()).toEqual([...STUDIES].sort());
  expect(second.runs()).toHaveLength(1);
  expect(second.run(id)).toMatchObject({ state: 'done', compared: 6, received: 12, delivered: 12 });
  second.close();
  await forwarding.close();
  await forwarding.closeQueue();
}, 30_000);
