import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find } from '../../router/dimse/query-scu.ts';
import { get } from '../../router/dimse/retrieve-scu.ts';
import { freePort } from '../bench/receivers.ts';
import { smallReceiver } from '../support/dimse.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const DICOMWEB_PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
const hasOrthanc = spawnSync('Orthanc', ['--version']).status === 0 && existsSync(DICOMWEB_PLUGIN);
if (!hasOrthanc) console.log('Skipped: what only the PACS has (Orthanc is not installed).');

const image = (study: string, n: number) =>
  smallImage({ study, series: `${study}.1`, sop: `${study}.1.${n}`, patientID: 'P1', patientName: 'Only^There' });

describe.skipIf(!hasOrthanc).each([
  ['by C-FIND and C-GET', false],
  ['by QIDO-RS and WADO-RS', true],
])('what only the PACS has, %s', (_, web) => {
  let folder: string;
  let lifeboat: TestRouter;
  let child: ReturnType<typeof spawn>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-pacs-'));
    const [port, http] = [await freePort(), await freePort()];
    const settings = join(folder, 'orthanc.json');
    writeFileSync(
      settings,
      JSON.stringify({
        DicomAet: 'PACS',
        DicomPort: port,
        HttpPort: http,
        AuthenticationEnabled: false,
        // asked over DICOMweb it need not let us query or retrieve
        DicomAlwaysAllowFind: !web,
        DicomAlwaysAllowGet: !web,
        DicomAlwaysAllowEcho: true,
        ...(web && { Plugins: [DICOMWEB_PLUGIN] }),
        StorageDirectory: join(folder, 'orthanc'),
        IndexDirectory: join(folder, 'orthanc'),
      }),
    );
    child = spawn('Orthanc', [settings], { stdio: 'ignore' });
    const orthanc = `http://127.0.0.1:${http}`;
    for (let i = 0; i < 150 && !(await fetch(`${orthanc}/system`).catch(() => null))?.ok; i++) await wait(200);
    // the PACS has more of the first study, and all of the second
    for (const file of [image('1.2.70', 1), image('1.2.70', 2), image('1.2.71', 1)])
      expect((await fetch(`${orthanc}/instances`, { method: 'POST', body: new Uint8Array(file) })).status).toBe(200);
    lifeboat = await startRouter({
      env: {
        LIFEBOAT_WORKSTATIONS: `READING1@127.0.0.1:${await freePort()}`,
        LIFEBOAT_PACS: `PACS@127.0.0.1:${port}`,
        LIFEBOAT_QUERY_PACS: 'true',
        ...(web && { LIFEBOAT_PACS_DICOMWEB: `${orthanc}/dicom-web` }),
      },
    });
    await keepFiles(lifeboat.router.context.archive, [image('1.2.70', 1)]);
    for (let i = 0; i < 150 && lifeboat.router.context.pacsStatus?.().state !== 'up'; i++) await wait(200);
  }, 90_000);
  afterAll(async () => {
    await lifeboat?.close();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const peer = () => ({
    host: '127.0.0.1',
    port: lifeboat.dicomPort,
    calledAE: lifeboat.aeTitle,
    callingAE: 'READING1',
  });
  const found = async (level: 'STUDY' | 'SERIES' | 'IMAGE', keys: Record<string, string>, tag: string) => {
    const values: string[] = [];
    for await (const row of find(peer(), level, keys)) values.push(String(row[tag]?.Value?.[0]));
    return values.sort();
  };
  const got = async (study: string) => {
    const receiver = smallReceiver();
    const steps = [];
    for await (const step of get(peer(), 'STUDY', { '0020000D': study }, { sopClasses: [CT], receiver }))
      steps.push(step);
    receiver.close();
    return { last: steps.at(-1), sops: receiver.kept.map(({ announced }) => announced.sopInstanceUID).sort() };
  };

  it('is found once, and fetched when it is asked for', async () => {
    expect(await found('STUDY', { '00100020': 'P1' }, '0020000D')).toEqual(['1.2.70', '1.2.71']);
    expect(await found('STUDY', { '00100010': 'ONLY*', '00080061': 'CT' }, '0020000D')).toEqual(['1.2.70', '1.2.71']);
    expect(await found('STUDY', { '00100010': 'NOBODY*' }, '0020000D')).toEqual([]);
    expect(await found('SERIES', { '0020000D': '1.2.71' }, '0020000E')).toEqual(['1.2.71.1']);
    const keys = { '0020000D': '1.2.70', '0020000E': '1.2.70.1' };
    expect(await found('IMAGE', keys, '00080018')).toEqual(['1.2.70.1.1', '1.2.70.1.2']);
    expect(await got('1.2.71')).toMatchObject({ last: { status: 0, completed: 1 }, sops: ['1.2.71.1.1'] });
    expect(await got('1.2.70')).toMatchObject({
      last: { status: 0, completed: 2 },
      sops: ['1.2.70.1.1', '1.2.70.1.2'],
    });
    const { archive } = lifeboat.router.context;
    await archive.flush();
    expect(await archive.entries('1.2.71')).toMatchObject([
      { source: web ? { via: 'import', user: expect.stringMatching(/^fetched from PACS@/) } : { callingAE: 'PACS' } },
    ]);
  });

  it('is not waited for when it is gone: what is here is found and sent', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await found('STUDY', { '00100020': 'P1' }, '0020000D')).toEqual(['1.2.70', '1.2.71']);
    expect(await got('1.2.71')).toMatchObject({ last: { status: 0, completed: 1 } });
  });
});
