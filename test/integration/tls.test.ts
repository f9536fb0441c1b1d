import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../router/config.ts';
import { readTls, watchTls } from '../../router/tls.ts';
import { opensslAvailable, type Pair, TestAuthority } from '../support/certificates.ts';
import { ADMIN_PASSWORD, startRouter, startRouterProcess, type TestRouter } from '../support/router.ts';
import { smallImage } from '../support/small-image.ts';

const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
/** Runs a program of a peer; the router lives in this process, so nothing may block. */
async function peer(program: string, ...args: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(program, args, { env: { ...process.env, TCP_NODELAY: '1' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, output };
}

describe.skipIf(!opensslAvailable())('TLS', () => {
  let folder: string;
  let authority: TestAuthority;
  let server: Pair;
  let scanner: Pair;
  let test: TestRouter;
  let mutual: TestRouter;
  let image: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-tls-'));
    authority = new TestAuthority(folder);
    server = authority.issue('router');
    scanner = authority.issue('scanner');
    image = join(folder, 'image.dcm');
    writeFileSync(image, smallImage({ study: '1.2.826.0.8', series: '1.2.826.0.8.1', sop: '1.2.826.0.8.1.1' }));
    const https = { LIFEBOAT_TLS_CERT: server.cert, LIFEBOAT_TLS_KEY: server.key };
    test = await startRouter({ env: { ...https, LIFEBOAT_DICOM_TLS_PORT: '0' } });
    mutual = await startRouter({
      env: {
        LIFEBOAT_DICOM_TLS_PORT: '0',
        LIFEBOAT_DICOM_TLS_CERT: server.cert,
        LIFEBOAT_DICOM_TLS_KEY: server.key,
        LIFEBOAT_DICOM_TLS_CLIENT_CA: authority.cert,
        LIFEBOAT_DICOM_PLAIN: 'false',
      },
    });
  });
  afterAll(async () => {
    await test?.close();
    await mutual?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const refusals = (router: TestRouter) =>
    router.router.control
      .refusals(100)
      .filter((row) => row.code === 'DIMSE_TLS')
      .map((row) => row.message);
  const kept = async ({ router }: TestRouter) => {
    await router.context.archive.flush();
    return (await router.context.archive.entries('1.2.826.0.8')).map((entry) => entry.source.via);
  };

  describe('of the HTTP port', () => {
    const ask = (path: string, init: { method?: string; body?: string } = {}) =>
      new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; protocol: string }>(
        (resolve, reject) => {
          const sent = request(
            `${test.url}${path}`,
            {
              method: init.method ?? 'GET',
              ca: [
                readTls({
                  cert: { setting: 'x', file: authority.cert },
                  key: { setting: 'x', file: join(folder, 'authority.key') },
                }).cert as Buffer,
              ],
              headers: { 'Content-Type': 'application/json' },
              agent: false,
            },
            (answer) => {
              const { getProtocol } = answer.socket as unknown as { getProtocol(): string };
              resolve({
                status: answer.statusCode!,
                headers: answer.headers,
                protocol: getProtocol.call(answer.socket),
              });
              answer.resume();
            },
          );
          sent.on('error', reject);
          sent.end(init.body);
        },
      );

    it('carries pages and API, and tells browsers to stay with it', async () => {
      expect(test.url).toMatch(/^https:/);
      const health = await ask('/healthz');
      expect([health.status, health.protocol]).toEqual([200, 'TLSv1.3']);
      expect(health.headers['strict-transport-security']).toBe('max-age=31536000');
    });

    it('marks the session cookie Secure', async () => {
      const body = JSON.stringify({ user: 'admin', password: ADMIN_PASSWORD });
      const answer = await ask('/api/session', { method: 'POST', body });
      expect(answer.status).toBe(200);
      expect(String(answer.headers['set-cookie'])).toMatch(/HttpOnly; Secure; SameSite=Strict/);
    });

    it.skipIf(!has('curl'))(
      'is taken by curl, which trusts nobody but the authority, and not over TLS 1.1',
      async () => {
        const good = await peer(
          'curl',
          '-sS',
          '--cacert',
          authority.cert,
          '-u',
          `admin:${ADMIN_PASSWORD}`,
          '-H',
          'Accept: application/dicom+json',
          `${test.url}/dicom-web/studies`,
        );
        expect(good).toMatchObject({ status: 0, output: '[]' });
        expect((await peer('curl', '-sS', `${test.url}/healthz`)).status).toBe(60);
        const old = await peer(
          'curl',
          '-sS',
          '--cacert',
          authority.cert,
          '--tls-max',
          '1.1',
          '--ciphers',
          'DEFAULT@SECLEVEL=0',
          `${test.url}/healthz`,
        );
        expect(old.status).toBe(35);
      },
    );
  });

  it('is said by `lifeboat serve`, port and certificates', async () => {
    const dataDir = join(folder, 'data');
    mkdirSync(dataDir);
    const running = await startRouterProcess({
      dataDir,
      env: {
        LIFEBOAT_TLS_CERT: server.cert,
        LIFEBOAT_TLS_KEY: server.key,
        LIFEBOAT_DICOM_TLS_PORT: '0',
        LIFEBOAT_DICOM_TLS_CLIENT_CA: authority.cert,
      },
    });
    expect(running.output()).toMatch(/Viewer {5}https:/);
    await expect
      .poll(() => running.output())
      .toMatch(/DICOM {6}AE LIFEBOAT, port \d+\n {2}DICOM TLS {2}port \d+, client certificates demanded/);
    expect(await running.stop()).toBe(0);
  });

  describe.skipIf(!has('storescu'))('of the DICOM port', () => {
    const port = (router: TestRouter) => String(router.router.dicomTlsPort);
    const anonymous = () => ['+tla', '+cf', authority.cert];
    const named = (pair: Pair) => ['+tls', pair.key, pair.cert, '+cf', authority.cert];

    it('takes images of a scanner without a certificate of its own, beside the port without TLS', async () => {
      expect(await peer('echoscu', ...anonymous(), '127.0.0.1', port(test))).toMatchObject({ status: 0 });
      expect(await peer('echoscu', '127.0.0.1', String(test.dicomPort))).toMatchObject({ status: 0 });
      expect(await peer('storescu', ...anonymous(), '127.0.0.1', port(test), image)).toMatchObject({ status: 0 });
      expect(await kept(test)).toEqual(['c-store']);
    });

    it('takes an image of many megabytes', async () => {
      const large = join(folder, 'large.dcm');
      const uid = '1.2.826.0.8';
      writeFileSync(
        large,
        smallImage({ study: uid, series: `${uid}.2`, sop: `${uid}.2.1`, rows: 4000, columns: 4000, value: 5 }),
      );
      expect(await peer('storescu', ...anonymous(), '127.0.0.1', port(test), large)).toMatchObject({ status: 0 });
      expect(await kept(test)).toEqual(['c-store', 'c-store']);
      if (!has('curl')) return;
      const got = join(folder, 'got');
      const options = ['-sS', '--cacert', authority.cert, '-u', `admin:${ADMIN_PASSWORD}`, '-o', got];
      const accept = ['-H', 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*'];
      const fetched = await peer('curl', ...options, ...accept, `${test.url}/dicom-web/studies/${uid}/series/${uid}.2`);
      expect(fetched.status).toBe(0);
      await expect
        .poll(() => test.router.control.auditRows({ action: 'export', limit: 1, offset: 0 }).rows[0]?.detail)
        .toMatch(/ 3[23]\d{6} bytes sent$/);
    });

    it('demands a certificate where an authority is named, and says in words who was refused', async () => {
      expect(mutual.router.dicomTlsPort).toBe(mutual.dicomPort);
      expect(await peer('storescu', ...named(scanner), '127.0.0.1', port(mutual), image)).toMatchObject({ status: 0 });
      expect(await kept(mutual)).toEqual(['c-store']);
      expect((await peer('echoscu', ...anonymous(), '127.0.0.1', port(mutual))).status).not.toBe(0);
      await expect.poll(() => refusals(mutual)[0]).toContain('it shows no certificate');
      const stranger = new TestAuthority(folder, 'stranger').issue('impostor');
      expect((await peer('echoscu', ...named(stranger), '127.0.0.1', port(mutual))).status).not.toBe(0);
      await expect.poll(() => refusals(mutual)[0]).toContain('its certificate is not accepted');
      expect((await peer('echoscu', '127.0.0.1', port(mutual))).status).not.toBe(0);
      await expect.poll(() => refusals(mutual)[0]).toContain('it speaks without TLS');
      expect(await peer('echoscu', ...named(scanner), '127.0.0.1', port(mutual))).toMatchObject({ status: 0 });
    });
  });

  it('a DICOM peer that never finishes the handshake is let go, and does not keep the router from stopping', async () => {
    const short = await startRouter({
      env: {
        LIFEBOAT_DICOM_TLS_PORT: '0',
        LIFEBOAT_DICOM_TLS_CERT: server.cert,
        LIFEBOAT_DICOM_TLS_KEY: server.key,
        LIFEBOAT_ARTIM_TIMEOUT_S: '1',
      },
    });
    const { connect: plain } = await import('node:net');
    const silent = plain(short.router.dicomTlsPort!, '127.0.0.1');
    await new Promise((resolve) => silent.once('close', resolve));
    expect(refusals(short)[0]).toContain('does not finish the handshake in time');
    const another = plain(short.router.dicomTlsPort!, '127.0.0.1');
    await new Promise((resolve) => another.once('connect', resolve));
    await short.close();
    if (!another.destroyed) await new Promise((resolve) => another.once('close', resolve));
  });

  it('a renewed certificate is taken without a restart, a broken one is not', async () => {
    const [cert, key] = [join(folder, 'live.pem'), join(folder, 'live.key')];
    copyFileSync(server.cert, cert);
    copyFileSync(server.key, key);
    const files = {
      cert: { setting: 'LIFEBOAT_TLS_CERT', file: cert },
      key: { setting: 'LIFEBOAT_TLS_KEY', file: key },
    };
    const renewed: unknown[] = [];
    const stop = watchTls(files, pino({ level: 'silent' }), (options) => renewed.push(options.cert), 20);
    try {
      writeFileSync(cert, 'half written');
      utimesSync(cert, 1, 1);
      await new Promise((done) => setTimeout(done, 200));
      expect(renewed).toEqual([]);
      const next = authority.issue('next');
      copyFileSync(next.key, key);
      copyFileSync(next.cert, cert);
      await expect.poll(() => renewed.length).toBeGreaterThan(0);
    } finally {
      stop();
    }
  });

  it('the renewed certificate is the one that is shown', async () => {
    const { router } = mutual;
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const line = connect(
          {
            port: router.dicomTlsPort!,
            host: '127.0.0.1',
            rejectUnauthorized: false,
            cert: readTls(filesOf(scanner)).cert,
            key: readTls(filesOf(scanner)).key,
          },
          () => {
            resolve(String(line.getPeerCertificate().subject.CN));
            line.destroy();
          },
        );
        line.on('error', reject);
      });
    expect(await shown()).toBe('router');
    const next = authority.issue('renewed');
    router.renewDicomTls(readTls(filesOf(next)));
    expect(await shown()).toBe('renewed');
  });
  const filesOf = (pair: Pair) => ({ cert: { setting: 'C', file: pair.cert }, key: { setting: 'K', file: pair.key } });

  it('wrong files stop the start with one sentence', async () => {
    const other = authority.issue('other');
    const text = join(folder, 'text.pem');
    writeFileSync(text, 'no certificate');
    const start = (env: Record<string, string>) => startRouter({ env });
    const cases: [Record<string, string>, string][] = [
      [
        { LIFEBOAT_TLS_CERT: `${folder}/absent.pem`, LIFEBOAT_TLS_KEY: server.key },
        'LIFEBOAT_TLS_CERT .*absent.pem cannot be read',
      ],
      [{ LIFEBOAT_TLS_CERT: text, LIFEBOAT_TLS_KEY: server.key }, 'LIFEBOAT_TLS_CERT .*text.pem holds no certificate'],
      [{ LIFEBOAT_TLS_CERT: server.cert, LIFEBOAT_TLS_KEY: text }, 'LIFEBOAT_TLS_KEY .*text.pem holds no private key'],
      [
        { LIFEBOAT_TLS_CERT: server.cert, LIFEBOAT_TLS_KEY: other.key },
        'LIFEBOAT_TLS_KEY .* is not the key of the certificate in LIFEBOAT_TLS_CERT',
      ],
      [
        {
          LIFEBOAT_DICOM_TLS_PORT: '0',
          LIFEBOAT_DICOM_TLS_CERT: server.cert,
          LIFEBOAT_DICOM_TLS_KEY: server.key,
          LIFEBOAT_DICOM_TLS_CLIENT_CA: text,
        },
        'LIFEBOAT_DICOM_TLS_CLIENT_CA .*text.pem holds no certificate',
      ],
    ];
    for (const [env, sentence] of cases) await expect(start(env)).rejects.toThrow(new RegExp(sentence));
  });

  it('settings of the DICOM port that do not fit together stop the start too', () => {
    const pair = { LIFEBOAT_DICOM_TLS_CERT: 'c.pem', LIFEBOAT_DICOM_TLS_KEY: 'k.pem' };
    const load = (env: Record<string, string>) => () => loadConfig({ env, cwd: folder });
    expect(load({ LIFEBOAT_DICOM_TLS_PORT: '2762' })).toThrow('LIFEBOAT_DICOM_TLS_CERT is missing');
    expect(load(pair)).toThrow('LIFEBOAT_DICOM_TLS_PORT is missing; LIFEBOAT_DICOM_TLS_CERT is given');
    expect(load({ LIFEBOAT_DICOM_PLAIN: 'false' })).toThrow('no modality could send');
    expect(load({ LIFEBOAT_DICOM_TLS_PORT: '2762', LIFEBOAT_DICOM_TLS_CERT: 'c.pem' })).toThrow(
      'LIFEBOAT_DICOM_TLS_KEY is missing',
    );
    expect(load({ ...pair, LIFEBOAT_DICOM_TLS_PORT: '11112' })).toThrow('is LIFEBOAT_DICOM_PORT too');
    expect(load({ ...pair, LIFEBOAT_DICOM_TLS_PORT: '11112', LIFEBOAT_DICOM_PLAIN: 'false' })().dicomTls?.port).toBe(
      11112,
    );
  });
});
