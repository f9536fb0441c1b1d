import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { startOrthancWeb } from '../bench/orthanc-web.ts';
import { storeRequest } from '../support/dicomweb.ts';
import { type RealFile, realFiles } from '../support/files.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const hasOrthanc = spawnSync('Orthanc', ['--version']).status === 0;
if (!hasOrthanc)
  console.log('Skipped: Orthanc as DICOMweb client (Orthanc with its DICOMweb plugin is not installed).');

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Real files that Orthanc keeps, one of a kind: uncompressed, compressed, several frames, foreign letters. */
function chosen(): RealFile[] {
  const wanted = [
    /CT_small\.dcm$/,
    /JPEG2000\.dcm$/,
    /SC_rgb_rle_2frame\.dcm$/,
    /chrX1\.dcm$/,
    /color3d_jpeg_baseline\.dcm$/,
  ];
  const files = realFiles().filter((file) => !file.malformed);
  return wanted.flatMap((name) => files.find((file) => name.test(file.name)) ?? []);
}

/** What of a kept object has to arrive: its data set byte for byte, the file meta information may be written anew. */
function dataSetOf(file: Buffer): Buffer {
  const length = file.readUInt32LE(140);
  return file.subarray(144 + length);
}

describe.skipIf(!hasOrthanc)('Orthanc as a DICOMweb client of Lifeboat', () => {
  let router: TestRouter;
  let orthanc: Awaited<ReturnType<typeof startOrthancWeb>>;
  let folder: string;
  const files = chosen();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-orthanc-'));
    router = await startRouter();
    orthanc = await startOrthancWeb(folder, {
      lifeboat: { Url: `${router.url}/dicom-web/`, Username: 'admin', Password: ADMIN_PASSWORD },
    });
  }, 60_000);
  afterAll(async () => {
    await orthanc?.stop();
    await router?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function orthancJson<T>(path: string, body?: unknown): Promise<T> {
    const answer = await fetch(
      `${orthanc.url}${path}`,
      body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
    );
    const text = await answer.text();
    expect([path, answer.status, answer.ok ? '' : text]).toEqual([path, 200, '']);
    return JSON.parse(text) as T;
  }
  const ours = (path: string, accept = 'application/dicom+json') =>
    fetch(`${router.url}/dicom-web/${path}`, { headers: { Authorization: router.basic, Accept: accept } });
  async function storeHere(contents: readonly Uint8Array[]): Promise<void> {
    const { body, contentType } = storeRequest(contents);
    const answer = await fetch(`${router.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { Authorization: router.basic, 'Content-Type': contentType },
      body,
    });
    expect(answer.status).toBe(200);
    await router.router.context.archive.flush();
  }
  /** SOP Instance UIDs that Orthanc has, with its own names for them. */
  async function kept(): Promise<Map<string, string>> {
    const ids = await orthancJson<string[]>('/instances');
    const pairs = ids.map(async (id): Promise<[string, string]> => {
      const { MainDicomTags } = await orthancJson<{ MainDicomTags: { SOPInstanceUID: string } }>(`/instances/${id}`);
      return [MainDicomTags.SOPInstanceUID, id];
    });
    return new Map(await Promise.all(pairs));
  }

  it('finds Lifeboat among its servers', async () => {
    expect(await orthancJson<string[]>('/dicom-web/servers')).toContain('lifeboat');
  });

  it.skipIf(files.length === 0)(
    'sends (STOW-RS): every object is here, byte for byte as Orthanc had it',
    async () => {
      for (const file of files) {
        const answer = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: readFileSync(file.path) });
        expect([file.name, answer.status]).toEqual([file.name, 200]);
      }
      const resources = [...(await kept()).values()];
      const job = await orthancJson<{ RecipientServer?: string; InstancesCount?: string }>(
        '/dicom-web/servers/lifeboat/stow',
        { Resources: resources, Synchronous: true },
      );
      expect(Number(job.InstancesCount)).toBe(files.length);
      await router.router.context.archive.flush();
      for (const [sop, id] of await kept()) {
        const there = Buffer.from(await (await fetch(`${orthanc.url}/instances/${id}/file`)).arrayBuffer());
        const [found] = (await (await ours(`instances?SOPInstanceUID=${sop}`)).json()) as DicomJson[];
        const url = String(found?.['00081190']?.Value?.[0]);
        const here = await fetch(url, {
          headers: { Authorization: router.basic, Accept: 'application/dicom; transfer-syntax=*' },
        });
        expect([sop, sha256(Buffer.from(await here.arrayBuffer()))]).toEqual([sop, sha256(there)]);
      }
    },
    60_000,
  );

  it('searches (QIDO-RS) at every level, with foreign letters and wildcards', async () => {
    await storeHere([
      smallImage({
        study: '1.2.3.700',
        series: '1.2.3.700.1',
        sop: '1.2.3.700.1.1',
        patientID: 'ORTH1',
        patientName: 'Möller^Jörg',
      }),
      smallImage({
        study: '1.2.3.700',
        series: '1.2.3.700.1',
        sop: '1.2.3.700.1.2',
        patientID: 'ORTH1',
        patientName: 'Möller^Jörg',
        instanceNumber: 2,
      }),
      smallImage({
        study: '1.2.3.701',
        series: '1.2.3.701.1',
        sop: '1.2.3.701.1.1',
        patientID: 'ORTH2',
        patientName: 'Else^Who',
      }),
    ]);
    const qido = (Uri: string, Arguments: Record<string, string>) =>
      orthancJson<Record<string, { Name: string; Value: unknown }>[]>('/dicom-web/servers/lifeboat/qido', {
        Uri,
        Arguments,
      });
    const values = (rows: Record<string, { Value: unknown }>[], tag: string) =>
      rows.map((row) => row[tag]?.Value).sort();
    expect(values(await qido('/studies', { PatientID: 'ORTH*' }), '0020000D')).toEqual(['1.2.3.700', '1.2.3.701']);
    const [study] = await qido('/studies', { '00100010': 'Möller*' });
    expect(study?.['00100010']?.Value).toBe('Möller^Jörg');
    expect(values(await qido('/studies/1.2.3.700/series', {}), '0020000E')).toEqual(['1.2.3.700.1']);
    expect(values(await qido('/studies/1.2.3.700/series/1.2.3.700.1/instances', {}), '00080018')).toEqual([
      '1.2.3.700.1.1',
      '1.2.3.700.1.2',
    ]);
    expect(await qido('/studies', { PatientID: 'NOBODY' })).toEqual([]);
  });

  it('retrieves (WADO-RS) an instance, a series and a study of Lifeboat, byte for byte', async () => {
    const job = await orthancJson<{ ReceivedInstancesCount?: number; Instances?: string[] }>(
      '/dicom-web/servers/lifeboat/retrieve',
      {
        Resources: [
          { Study: '1.2.3.700', Series: '1.2.3.700.1', Instance: '1.2.3.700.1.1' },
          { Study: '1.2.3.700', Series: '1.2.3.700.1' },
          { Study: '1.2.3.701' },
        ],
        Synchronous: true,
      },
    );
    expect(job).toBeTruthy();
    const there = await kept();
    for (const [study, sop] of [
      ['1.2.3.700', '1.2.3.700.1.1'],
      ['1.2.3.700', '1.2.3.700.1.2'],
      ['1.2.3.701', '1.2.3.701.1.1'],
    ] as const) {
      const id = there.get(sop);
      expect(id, sop).toBeDefined();
      const got = Buffer.from(await (await fetch(`${orthanc.url}/instances/${id}/file`)).arrayBuffer());
      const here = await ours(
        `studies/${study}/series/${study}.1/instances/${sop}`,
        'application/dicom; transfer-syntax=*',
      );
      const mine = Buffer.from(await here.arrayBuffer());
      expect([sop, sha256(dataSetOf(got))]).toEqual([sop, sha256(dataSetOf(mine))]);
    }
  }, 60_000);

  it('gets any other resource through Orthanc: metadata and a frame', async () => {
    const answer = await fetch(`${orthanc.url}/dicom-web/servers/lifeboat/get`, {
      method: 'POST',
      body: JSON.stringify({ Uri: '/studies/1.2.3.701/metadata', HttpHeaders: { Accept: 'application/dicom+json' } }),
    });
    expect(answer.status).toBe(200);
    const [metadata] = (await answer.json()) as DicomJson[];
    expect(metadata?.['00100020']?.Value).toEqual(['ORTH2']);
  });

  it('and Lifeboat takes what Orthanc retrieves back again as the same content: nothing is doubled', async () => {
    const before = (await router.router.context.archive.catalogue.totals()).instances;
    await orthancJson('/dicom-web/servers/lifeboat/stow', {
      Resources: [...(await kept()).values()],
      Synchronous: true,
    });
    await router.router.context.archive.flush();
    await wait(100);
    expect((await router.router.context.archive.catalogue.totals()).instances).toBe(before);
  }, 60_000);
});
