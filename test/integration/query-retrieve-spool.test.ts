import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find } from '../../router/dimse/query-scu.ts';
import { get } from '../../router/dimse/retrieve-scu.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { freePort } from '../bench/receivers.ts';
import { smallReceiver } from '../support/dimse.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const run = promisify(execFile);
const CT = '1.2.840.10008.5.1.4.1.1.2';
let lifeboat: TestRouter;
let objects: string;

const image = (study: string, n: number, patientID = 'P1') =>
  smallImage({
    study,
    series: `${study}.1`,
    sop: `${study}.1.${n}`,
    patientID,
    patientName: 'Away^Store',
    instanceNumber: n,
  });
const sha256 = (file: Uint8Array) => {
  const bytes = Buffer.from(file);
  return createHash('sha256')
    .update(bytes.subarray(parseFileHeader(bytes, true)!.dataSetOffset))
    .digest('hex');
};
const peer = () => ({ host: '127.0.0.1', port: lifeboat.dicomPort, calledAE: lifeboat.aeTitle, callingAE: 'READING1' });

async function found(level: Parameters<typeof find>[1], keys: Record<string, string>): Promise<DicomJson[]> {
  const rows: DicomJson[] = [];
  for await (const row of find(peer(), level, keys)) rows.push(row);
  return rows;
}
const values = (rows: DicomJson[], tag: string) => rows.map((row) => row[tag]?.Value?.[0]);

beforeAll(async () => {
  lifeboat = await startRouter({ env: { LIFEBOAT_WORKSTATIONS: `READING1@127.0.0.1:${await freePort()}` } });
  const { archive } = lifeboat.router.context;
  await keepFiles(archive, [image('1.2.50', 1)]);
  // from here on nothing can be put into the store
  objects = join(lifeboat.dataDir, 'store', 'objects');
  renameSync(objects, `${objects}.away`);
  writeFileSync(objects, '');
  for (const file of [image('1.2.50', 2), image('1.2.60', 1, 'P2'), image('1.2.60', 2, 'P2')]) {
    const reception = archive.beginFile({ via: 'import', user: 'test' });
    await reception.write(file);
    await reception.finish();
  }
}, 60_000);
afterAll(async () => {
  await lifeboat?.close();
});

describe('what is in the spool alone', () => {
  it('is found by C-FIND at every level, once, together with what the store has', async () => {
    const studies = await found('STUDY', { '00100010': 'away*' });
    expect(values(studies, '0020000D').sort()).toEqual(['1.2.50', '1.2.60']);
    expect(values(studies, '00201208').map(Number)).toEqual([2, 2]);
    expect(values(await found('STUDY', { '00100020': 'P2' }), '0020000D')).toEqual(['1.2.60']);
    expect(await found('STUDY', { '00100020': 'P3' })).toEqual([]);
    expect(values(await found('SERIES', { '0020000D': '1.2.60' }), '0020000E')).toEqual(['1.2.60.1']);
    const images = await found('IMAGE', { '0020000D': '1.2.50', '0020000E': '1.2.50.1' });
    expect(values(images, '00080018').sort()).toEqual(['1.2.50.1.1', '1.2.50.1.2']);
    expect(values(await found('PATIENT', { '00100010': 'AWAY*' }), '00100020').sort()).toEqual(['P1', 'P2']);
  });

  it('is retrieved by C-GET, bit for bit; what cannot be read just now is named as failed', async () => {
    const receiver = smallReceiver();
    const steps = [];
    for await (const step of get(peer(), 'STUDY', { '0020000D': '1.2.60' }, { sopClasses: [CT], receiver }))
      steps.push(step);
    expect(steps.at(-1)).toMatchObject({ status: 0, completed: 2, failed: 0 });
    const both = [sha256(image('1.2.60', 1, 'P2')), sha256(image('1.2.60', 2, 'P2'))];
    expect(receiver.kept.map((kept) => kept.sha256).sort()).toEqual(both.sort());
    const partly = [];
    for await (const step of get(peer(), 'STUDY', { '0020000D': '1.2.50' }, { sopClasses: [CT], receiver }))
      partly.push(step);
    expect(partly.at(-1)).toMatchObject({ status: 0xb000, completed: 1, failed: 1, failedUIDs: ['1.2.50.1.1'] });
    receiver.close();
  });

  it('is retrieved also when it goes to the store meanwhile', async () => {
    rmSync(objects);
    renameSync(`${objects}.away`, objects);
    await lifeboat.router.context.archive.flush();
    const into = mkdtempSync(join(tmpdir(), 'lifeboat-got-'));
    const args = [
      '-S',
      '-aet',
      'READING1',
      '-aec',
      lifeboat.aeTitle,
      '-od',
      into,
      '127.0.0.1',
      String(lifeboat.dicomPort),
    ];
    await run('getscu', [...args, '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=1.2.50']);
    expect(
      readdirSync(into)
        .map((file) => sha256(readFileSync(join(into, file))))
        .sort(),
    ).toEqual([sha256(image('1.2.50', 1)), sha256(image('1.2.50', 2))].sort());
    rmSync(into, { recursive: true, force: true });
    expect(values(await found('STUDY', { '00100010': 'away*' }), '00201208').map(Number)).toEqual([2, 2]);
  });
});
