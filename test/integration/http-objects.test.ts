import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnswer, ViewerBoot } from '../../contract/api.ts';
import { expiryFor, ObjectSigner } from '../../router/http/signed-objects.ts';
import type { StudyManifest } from '../../storage/format/manifest.ts';
import { type Browser, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.1.5';
const HOSTILE = '1.2.826.0.1.6';
let test: TestRouter;
let browser: Browser;
let viewerDir: string;
let manifest: StudyManifest;

beforeAll(async () => {
  viewerDir = await mkdtemp(join(tmpdir(), 'lifeboat-viewer-'));
  await mkdir(join(viewerDir, 'assets'));
  await writeFile(join(viewerDir, 'index.html'), '<!doctype html><head><!--lifeboat-boot--></head><body>page</body>');
  await writeFile(join(viewerDir, 'assets/app-1234.js'), `export const text = '${'x'.repeat(5000)}';`);
  test = await startRouter({ viewerDir });
  await keepFiles(test.router.context.archive, smallStudy(STUDY, 100));
  await keepFiles(test.router.context.archive, [
    smallImage({
      study: HOSTILE,
      series: `${HOSTILE}.1`,
      sop: `${HOSTILE}.1.1`,
      patientName: '</script><script>alert(1)',
    }),
  ]);
  browser = await test.login();
  manifest = await browser.json<StudyManifest>(`/api/studies/${STUDY}/manifest`);
});
afterAll(async () => {
  await test.close();
  await rm(viewerDir, { recursive: true });
});

const address = (i = 0) => `${test.url}${manifest.series[0]!.instances[i]!.url}`;

describe('signed addresses of objects', () => {
  it('open the very bytes that were kept, without a cookie', async () => {
    const answer = await fetch(address());
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/dicom');
    const [first] = smallStudy(STUDY, 1);
    expect(Buffer.from(await answer.arrayBuffer()).equals(first!)).toBe(true);
  });

  it('answer byte ranges, HEAD and If-None-Match', async () => {
    const range = await fetch(address(), { headers: { Range: 'bytes=128-131' } });
    expect([range.status, await range.text()]).toEqual([206, 'DICM']);
    const size = manifest.series[0]!.instances[0]!.size;
    expect(range.headers.get('content-range')).toBe(`bytes 128-131/${size}`);
    const tail = await fetch(address(), { headers: { Range: 'bytes=-32' } });
    expect((await tail.arrayBuffer()).byteLength).toBe(32);
    const beyond = await fetch(address(), { headers: { Range: `bytes=${size}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    const head = await fetch(address(), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
    const again = await fetch(address(), { headers: { 'If-None-Match': head.headers.get('etag')! } });
    expect(again.status).toBe(304);
  });

  it('are kept by the browser alone, and no longer than they are valid', async () => {
    for (const init of [{}, { headers: { Range: 'bytes=0-9' } }, { method: 'HEAD' }]) {
      const before = Date.now();
      const answer = await fetch(address(), init);
      const [, seconds] = /^private, max-age=(\d+)/.exec(answer.headers.get('cache-control')!)!;
      const left = Number(new URL(address()).searchParams.get('e')) - before / 1000;
      expect(Number(seconds)).toBeLessThanOrEqual(left + 1);
      expect(Number(seconds)).toBeGreaterThan(left - 60);
    }
  });

  it('are refused when altered, moved to another object, or unsigned', async () => {
    const [one, other] = [new URL(address(0)), new URL(address(1))];
    const moved = `${test.url}${other.pathname}${one.search}`;
    const later = new URL(one);
    later.searchParams.set('e', String(Number(one.searchParams.get('e')) + 3600));
    const flipped = new URL(one);
    const signature = one.searchParams.get('s')!;
    flipped.searchParams.set('s', (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1));
    for (const url of [moved, later, flipped, `${test.url}${one.pathname}`]) {
      const answer = await fetch(url);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'SIGNATURE_INVALID' });
    }
  });

  it('expire', async () => {
    const signer = new ObjectSigner(test.router.control.secret('object-urls'));
    const { key } = manifest.series[0]!.instances[0]!;
    const answer = await fetch(`${test.url}${signer.url(key, Date.now() - 1000)}`);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'SIGNATURE_EXPIRED' });
  });

  it('stay the same for a while, so that browsers cache, and live 15 to 30 minutes', () => {
    const minute = 60_000;
    const noon = Date.UTC(2026, 0, 1, 12);
    expect(expiryFor(noon)).toBe(expiryFor(noon + 14 * minute));
    for (const now of [noon, noon + 7 * minute, noon + 15 * minute - 1]) {
      expect(expiryFor(now) - now).toBeGreaterThan(15 * minute - 1);
      expect(expiryFor(now) - now).toBeLessThanOrEqual(30 * minute);
    }
  });

  it('do not reach outside the store', async () => {
    const signer = new ObjectSigner(test.router.control.secret('object-urls'));
    for (const key of ['../control.sqlite', 'objects/../../control.sqlite']) {
      const { search } = new URL(signer.url(key, expiryFor(Date.now())), test.url);
      const answer = await fetch(`${test.url}/objects/${encodeURIComponent(key)}${search}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await answer.text()).not.toContain('SQLite');
    }
  });
});

describe('study manifest', () => {
  it('is for people who may read, and each look is audited once', async () => {
    expect((await fetch(`${test.url}/api/studies/${STUDY}/manifest`)).status).toBe(401);
    for (let i = 0; i < 5; i++) await browser.json(`/api/studies/${STUDY}/manifest`);
    const { rows } = await browser.json<AuditAnswer>('/api/audit?action=view');
    expect(rows.filter((row) => row.object === STUDY)).toHaveLength(1);
    expect(rows[0]).toMatchObject({ user: 'admin', outcome: 'ok' });
  });

  it('answers 404 for an unknown study and 400 for what is no UID', async () => {
    expect((await browser.fetch('/api/studies/1.2.3.999/manifest')).status).toBe(404);
    expect((await browser.fetch('/api/studies/..%2f..%2fetc/manifest')).status).toBe(400);
  });
});

describe('pages', () => {
  const bootOf = (html: string) => {
    const json = /<script type="application\/json" id="lifeboat-boot">(.*?)<\/script>/s.exec(html)?.[1];
    return json === undefined ? undefined : (JSON.parse(json) as ViewerBoot);
  };

  it('carry nothing for somebody who is not signed in', async () => {
    const html = await (await fetch(`${test.url}/viewer?StudyInstanceUIDs=${STUDY}`)).text();
    expect(html).toContain('page');
    expect(bootOf(html)).toBeUndefined();
    expect(html).not.toContain('Test^Patient');
  });

  it('carry what the first image needs: an address and a byte range that hold its pixels', async () => {
    const boot = bootOf(await (await browser.fetch(`/viewer?StudyInstanceUIDs=${STUDY}`)).text())!;
    expect(boot.session.user).toBe('admin');
    expect(boot.study).toMatchObject({ studyInstanceUID: STUDY, complete: false });
    expect(boot.study!.manifest.series[0]!.instances.length).toBeLessThan(100);
    const { url, bytes } = boot.study!.firstImage!;
    const answer = await fetch(`${test.url}${url}`, { headers: { Range: `bytes=${bytes![0]}-${bytes![1] - 1}` } });
    const pixels = new Uint16Array(await answer.arrayBuffer());
    expect([...pixels]).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it('keep script in a patient name inside the JSON', async () => {
    const html = await (await browser.fetch(`/viewer?StudyInstanceUIDs=${HOSTILE}`)).text();
    expect(html).not.toContain('<script>alert');
    expect(html.match(/<script/g)).toHaveLength(1);
    const boot = bootOf(html)!;
    expect(JSON.stringify(boot.study!.manifest.attributes['00100010'])).toContain('</script><script>alert(1)');
  });

  it('are one index.html for every route, assets cached for good, unknown files 404', async () => {
    for (const path of ['/', '/worklist', '/upload', '/it/users']) {
      const answer = await fetch(`${test.url}${path}`);
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, 200, 'no-store']);
      expect(await answer.text()).toContain('page');
    }
    const asset = await fetch(`${test.url}/assets/app-1234.js`, {
      headers: { 'Accept-Encoding': 'gzip, deflate, br, zstd' },
    });
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toBe('br');
    expect(await asset.text()).toContain('xxxx');
    expect((await fetch(`${test.url}/assets/old-1.js`)).status).toBe(404);
    expect((await fetch(`${test.url}/..%2f..%2fpackage.json`)).status).toBe(404);
  });

  it('come with a strict policy', async () => {
    const { headers } = await fetch(`${test.url}/`);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('events', () => {
  it('tell of images as they arrive', async () => {
    const stop = new AbortController();
    const answer = await browser.fetch('/api/events', { signal: stop.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (part: string) => {
      while (!text.includes(part)) text += (await reader.read()).value ?? '';
    };
    await until('event: status');
    await keepFiles(test.router.context.archive, smallStudy('1.2.826.0.1.7', 2));
    await until('event: committed\ndata: {"studyInstanceUIDs":["1.2.826.0.1.7"]}');
    stop.abort();
  });
});
