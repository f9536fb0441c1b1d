import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { keepFiles } from '../support/keep-files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
let lifeboat: TestRouter;
beforeAll(async () => {
  lifeboat = await startRouter();
  const images = [1, 2].map((n) => smallImage({ study: '1.2.77', series: '1.2.77.1', sop: `1.2.77.1.${n}` }));
  await keepFiles(lifeboat.router.context.archive, images);
}, 60_000);
afterAll(() => lifeboat?.close());

const ui = (value: string) => ({ vr: 'UI', Value: [value] });
const item = (n: number): DicomJson => ({ '00081150': ui(CT), '00081155': ui(`1.2.77.1.${n}`) });
const flat = (...numbers: number[]) => [{ '00081199': { vr: 'SQ', Value: numbers.map(item) } }];

async function ask(method: string, uid: string, body?: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${lifeboat.url}/dicom-web/commitment-requests/${uid}`, {
    method,
    headers: {
      Authorization: lifeboat.basic,
      Accept: 'application/dicom+json',
      ...(body !== undefined && { 'Content-Type': 'application/dicom+json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? null : (JSON.parse(text) as DicomJson[]) };
}

/** Asks until it is known. */
async function result(uid: string): Promise<DicomJson> {
  for (;;) {
    const { status, json } = await ask('GET', uid);
    expect([200, 202]).toContain(status);
    if (status === 200) return json![0]!;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('storage commitment by DICOMweb (PS3.18 chapter 13)', () => {
  it('says which instances are safe and why the others are not', async () => {
    const posted = await ask('POST', '1.2.3.1', flat(1, 9));
    expect([200, 202]).toContain(posted.status);
    const module = await result('1.2.3.1');
    if (posted.json) expect(posted.json[0]).toEqual(module);
    expect(module['00081199']?.Value).toEqual([item(1)]);
    expect(module['00081198']?.Value).toEqual([{ ...item(9), '00081197': { vr: 'US', Value: [0x0112] } }]);
  });

  it('answers study by study what was asked study by study', async () => {
    const instances = { vr: 'SQ', Value: [1, 2].map((n) => ({ '00081155': ui(`1.2.77.1.${n}`) })) };
    const series = {
      '0020000E': ui('1.2.77.1'),
      '00081112': { vr: 'SQ', Value: [{ '00081150': ui(CT), '0008114A': instances }] },
    };
    const study = { '0020000D': ui('1.2.77'), '00081115': { vr: 'SQ', Value: [series] } };
    const asked = { '00081110': { vr: 'SQ', Value: [study] } };
    expect([200, 202]).toContain((await ask('POST', '1.2.3.2', asked)).status);
    expect(await result('1.2.3.2')).toEqual(asked);
  });

  it('refuses a transaction that is in use, what is no request, and other media types', async () => {
    expect([200, 202]).toContain((await ask('POST', '1.2.3.3', flat(1))).status);
    expect((await ask('POST', '1.2.3.3', flat(1))).status).toBe(409);
    expect((await ask('POST', 'no-uid', flat(1))).status).toBe(400);
    expect((await ask('POST', '1.2.3.4', [{}])).status).toBe(400);
    expect((await ask('POST', '1.2.3.4', 'text')).status).toBe(400);
    expect((await ask('POST', '1.2.3.4', flat(1), { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await ask('POST', '1.2.3.4', flat(1), { Accept: 'text/html' })).status).toBe(406);
    expect((await ask('GET', '1.2.3.4')).status).toBe(404);
  });

  it('tells a result only to the one who asked', async () => {
    expect([200, 202]).toContain((await ask('POST', '1.2.3.5', flat(1))).status);
    const other = await lifeboat.loginAs('modality');
    const path = '/dicom-web/commitment-requests/1.2.3.5';
    expect((await other.fetch(path)).status).toBe(404);
  });
});
