import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, partsOf, storeRequest } from '../support/dicomweb.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>;
const files = realFiles()
  .filter((file) =>
    /(^|\/)(CT_small|MR_small|JPEG-LL|JPEG2000|examples_ybr_color|examples_palette|liver)\.dcm$/i.test(file.name),
  )
  .slice(0, 7);

describe.skipIf(files.length === 0)('DICOMweb of a running router', () => {
  let router: TestRouter;
  let root: string;
  let auth: Record<string, string>;
  let stored: Buffer[];
  let instances: { url: string; sop: string; study: string }[];

  beforeAll(async () => {
    router = await startRouter();
    root = `${router.url}/dicom-web`;
    auth = { Authorization: router.basic };
    stored = await contents(files.map((file) => file.path));
    const { body, contentType } = storeRequest(stored);
    const answer = await fetch(`${root}/studies`, {
      method: 'POST',
      headers: { ...auth, 'Content-Type': contentType, Accept: 'application/dicom+json' },
      body,
    });
    expect(answer.status).toBe(200);
    const json = (await answer.json()) as Json;
    const items = json['00081199']!.Value as Json[];
    instances = items.map((item) => ({
      url: String(item['00081190']!.Value![0]),
      sop: String(item['00081155']!.Value![0]),
      study: /studies\/([0-9.]+)/.exec(String(item['00081190']!.Value![0]))![1]!,
    }));
    await router.router.context.archive.flush();
  });
  afterAll(() => router?.close());

  it('acknowledges every instance with its address', () => {
    expect(instances).toHaveLength(files.length);
    for (const { url } of instances) expect(url).toMatch(new RegExp(`^${root}/studies/`));
  });

  it('gives back every object byte for byte with transfer-syntax=*', async () => {
    for (const [i, { url }] of instances.entries()) {
      const single = await fetch(url, { headers: { ...auth, Accept: 'application/dicom; transfer-syntax=*' } });
      expect(single.status).toBe(200);
      expect(sha(Buffer.from(await single.arrayBuffer()))).toBe(sha(stored[i]!));
      const multi = await fetch(url, {
        headers: { ...auth, Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
      });
      const [part] = partsOf(multi.headers.get('content-type')!, Buffer.from(await multi.arrayBuffer()));
      expect(sha(part!.body)).toBe(sha(stored[i]!));
    }
  });

  it('finds studies, series and instances', async () => {
    const studies = (await (await fetch(`${root}/studies`, { headers: auth })).json()) as Json[];
    expect(new Set(studies.map((row) => row['0020000D']!.Value![0]))).toEqual(
      new Set(instances.map((one) => one.study)),
    );
    const { study, sop } = instances[0]!;
    const series = (await (await fetch(`${root}/studies/${study}/series`, { headers: auth })).json()) as Json[];
    expect(series.length).toBeGreaterThan(0);
    const found = (await (
      await fetch(`${root}/studies/${study}/instances?SOPInstanceUID=${sop}`, { headers: auth })
    ).json()) as Json[];
    expect(found.map((row) => row['00080018']!.Value![0])).toEqual([sop]);
    const retrieveUrl = String(found[0]!['00081190']!.Value![0]);
    expect((await fetch(retrieveUrl, { headers: auth })).status).toBe(200);
    expect(await (await fetch(`${root}/studies?PatientID=nobody-has-this`, { headers: auth })).json()).toEqual([]);
  });

  it('answers what it ignored, and refuses what it cannot understand', async () => {
    const ignored = await fetch(`${root}/studies?NoSuchKeyword=1`, { headers: auth });
    expect(ignored.status).toBe(200);
    expect(ignored.headers.get('warning')).toMatch(/^299 .*NoSuchKeyword/);
    for (const query of [
      'limit=-1',
      'limit=ten',
      'offset=x',
      'StudyDate=yesterday',
      'fuzzymatching=perhaps',
      'StudyInstanceUID=1;2',
    ]) {
      const refused = await fetch(`${root}/studies?${query}`, { headers: auth });
      expect(refused.status, query).toBe(400);
      expect(((await refused.json()) as { message: string }).message).toContain(query.split('=')[0]);
    }
    expect((await fetch(`${root}/studies/..%2f..%2fetc%2fpasswd/metadata`, { headers: auth })).status).toBe(400);
    expect((await fetch(`${root}/studies/1.2.3.4.5/metadata`, { headers: auth })).status).toBe(404);
    expect((await fetch(`${root}/studies`)).status).toBe(401);
  });

  it('describes instances with addresses that lead to their bytes', async () => {
    for (const { url, sop } of instances) {
      const answer = await fetch(`${url}/metadata`, { headers: auth });
      expect(answer.headers.get('content-type')).toBe('application/dicom+json');
      const [json] = (await answer.json()) as Json[];
      expect(json!['00080018']!.Value).toEqual([sop]);
      const pixels = json!['7FE00010']!.BulkDataURI!;
      expect(pixels.startsWith(url)).toBe(true);
      const bulk = await fetch(pixels, { headers: { ...auth, Accept: 'application/octet-stream; transfer-syntax=*' } });
      expect([200, 406], sop).toContain(bulk.status);
      const etag = answer.headers.get('etag')!;
      const again = await fetch(`${url}/metadata`, { headers: { ...auth, 'If-None-Match': etag } });
      expect(again.status).toBe(304);
    }
  });

  it('renders JPEG and PNG, and thumbnails of every level', async () => {
    for (const { url } of instances) {
      const png = await fetch(`${url}/rendered`, { headers: { ...auth, Accept: 'image/png' } });
      expect(png.status, await png.clone().text()).toBe(200);
      expect(Buffer.from(await png.arrayBuffer()).toString('latin1', 1, 4)).toBe('PNG');
      const jpeg = await fetch(`${url}/rendered?viewport=64,64&quality=50`, { headers: auth });
      expect(jpeg.headers.get('content-type')).toBe('image/jpeg');
      expect(Buffer.from(await jpeg.arrayBuffer()).readUInt16BE(0)).toBe(0xffd8);
      for (const level of [url, url.split('/instances')[0]!, url.split('/series')[0]!]) {
        const thumbnail = await fetch(`${level}/thumbnail`, { headers: auth });
        expect(thumbnail.status).toBe(200);
      }
    }
  });

  it('transcodes to Explicit VR Little Endian by default, readable by any tool', async () => {
    for (const { url } of instances) {
      const answer = await fetch(url, { headers: { ...auth, Accept: 'application/dicom' } });
      expect(answer.status, await answer.clone().text()).toBe(200);
      expect(answer.headers.get('content-type')).toContain('1.2.840.10008.1.2.1');
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.toString('latin1', 128, 132)).toBe('DICM');
    }
  });

  it('serves ranges of the single object', async () => {
    const { url } = instances[0]!;
    const headers = { ...auth, Accept: 'application/dicom; transfer-syntax=*' };
    const part = await fetch(url, { headers: { ...headers, Range: 'bytes=128-131' } });
    expect(part.status).toBe(206);
    expect(await part.text()).toBe('DICM');
    const outside = await fetch(url, { headers: { ...headers, Range: 'bytes=999999999-' } });
    expect(outside.status).toBe(416);
    const head = await fetch(url, { method: 'HEAD', headers });
    expect(Number(head.headers.get('content-length'))).toBe(stored[0]!.length);
  });

  it('keeps the good instances of a mixed request and names the bad ones', async () => {
    const broken = Buffer.from(stored[0]!.subarray(0, Math.floor(stored[0]!.length / 2)));
    const { body, contentType } = storeRequest([stored[0]!, broken, Buffer.from('this is no DICOM')]);
    const headers = { ...auth, 'Content-Type': contentType };
    const answer = await fetch(`${root}/studies`, { method: 'POST', headers, body });
    expect(answer.status).toBe(202);
    const json = (await answer.json()) as Json;
    expect(json['00081199']!.Value).toHaveLength(1);
    expect(json['00081198']!.Value).toHaveLength(1);
    expect((json['00081198']!.Value![0] as Json)['00081155']!.Value).toEqual([instances[0]!.sop]);
    expect(json['0008119A']!.Value).toHaveLength(1);
    const none = storeRequest([Buffer.from('this is no DICOM')]);
    const refused = await fetch(`${root}/studies`, { method: 'POST', headers, body: none.body });
    expect(refused.status).toBe(409);
    const wrongStudy = storeRequest([stored[0]!]);
    const mismatch = await fetch(`${root}/studies/1.2.3`, { method: 'POST', headers, body: wrongStudy.body });
    expect(mismatch.status).toBe(409);
    const type = await fetch(`${root}/studies`, {
      method: 'POST',
      headers: { ...auth, 'Content-Type': 'text/plain' },
      body: 'x',
    });
    expect(type.status).toBe(415);
  });

  it('serves the newest of two contents under one UID, and the older one by its hash', async () => {
    const changed = Buffer.from(stored[0]!);
    changed[changed.length - 1] = changed[changed.length - 1]! ^ 0xff;
    const headers = { ...auth, 'Content-Type': 'application/dicom' };
    expect((await fetch(`${root}/studies`, { method: 'POST', headers, body: changed })).status).toBe(200);
    await router.router.context.archive.flush();
    const { url } = instances[0]!;
    const accept = { ...auth, Accept: 'application/dicom; transfer-syntax=*' };
    const newest = await fetch(url, { headers: accept });
    expect(sha(Buffer.from(await newest.arrayBuffer()))).toBe(sha(changed));
    const older = await fetch(`${url}?content=${sha(stored[0]!)}`, { headers: accept });
    expect(sha(Buffer.from(await older.arrayBuffer()))).toBe(sha(stored[0]!));
    expect((await fetch(`${url}?content=${'0'.repeat(64)}`, { headers: accept })).status).toBe(404);
    expect((await fetch(`${url}?content=abc`, { headers: accept })).status).toBe(400);
  });

  it('hands out a study as a ZIP of the stored files', async () => {
    const { study } = instances.at(-1)!;
    const answer = await fetch(`${root}/studies/${study}`, { headers: { ...auth, Accept: 'application/zip' } });
    expect(answer.headers.get('content-type')).toBe('application/zip');
    const zip = Buffer.from(await answer.arrayBuffer());
    expect(zip.readUInt32LE(0)).toBe(0x04034b50);
    expect(zip.includes(stored.at(-1)!)).toBe(true);
    expect(zip.readUInt32LE(zip.length - 22)).toBe(0x06054b50);
  });

  it('says what it can do', async () => {
    const wadl = await fetch(`${root}/capabilities`, { headers: { ...auth, Accept: 'application/vnd.sun.wadl+xml' } });
    expect(await wadl.text()).toContain(
      '<resource path="studies/{study}/series/{series}/instances/{instance}/frames/{frames}">',
    );
    const options = await fetch(`${root}/`, { method: 'OPTIONS', headers: { ...auth, Accept: 'application/json' } });
    expect(((await options.json()) as { resources: unknown[] }).resources.length).toBeGreaterThan(10);
  });

  it('answers a store request in XML when asked', async () => {
    const answer = await fetch(`${root}/studies`, {
      method: 'POST',
      headers: { ...auth, 'Content-Type': 'application/dicom', Accept: 'application/dicom+xml' },
      body: new Uint8Array(await readFile(files[0]!.path)),
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<NativeDicomModel');
  });
});

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
