import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishViewer } from '../../router/lifeboat/publish-viewer.ts';
import { openArchive } from '../../storage/archive.ts';
import { openStore } from '../../storage/stores/open-store.ts';
import { archiveOptions, receive, slice, storedKeys } from '../support/archive.ts';
import { ACCESS_KEY, CephS3, cephAvailable, SECRET_KEY } from '../support/ceph.ts';

const root = resolve(import.meta.dirname, '../..');
const build = join(root, 'dist/viewer');

describe.skipIf(!cephAvailable() || !existsSync(build))(
  'break-glass and drill on a real S3, from the command line',
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'lifeboat-drill-s3-'));
    const key = { LIFEBOAT_BREAK_GLASS_ACCESS_KEY: 'AKGLASS', LIFEBOAT_BREAK_GLASS_SECRET_KEY: 'SKGLASS' };
    let ceph: CephS3;
    let password = '';

    async function lifeboat(args: string[], more: Record<string, string> = {}) {
      const env = {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        LIFEBOAT_DATA: dir,
        LIFEBOAT_STORE: 's3://drilled',
        LIFEBOAT_S3_ENDPOINT: ceph.endpoint,
        LIFEBOAT_S3_ACCESS_KEY: ACCESS_KEY,
        LIFEBOAT_S3_SECRET_KEY: SECRET_KEY,
        ...more,
      };
      const child = spawn(process.execPath, [join(root, 'bin/lifeboat.mjs'), ...args], { cwd: dir, env });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.on('data', (chunk) => {
        err += chunk;
      });
      child.stdin.end();
      const [code] = (await once(child, 'close')) as [number];
      return { code, out, err };
    }

    beforeAll(async () => {
      ceph = await CephS3.start();
      await ceph.createUser('lifeboat-break-glass', 'AKGLASS', 'SKGLASS');
      const config = ceph.storeConfig('drilled');
      const archive = await openArchive({ ...archiveOptions(dir), store: config });
      for (let i = 1; i <= 3; i++) await receive(archive, slice(i));
      await archive.flush();
      await archive.close();
      const store = await openStore(config);
      await publishViewer(store, build, { version: '1.2.3', region: '', idleMinutes: 10, maxHours: 1 });
      await store.close();
      expect((await lifeboat(['index'])).code).toBe(0);
    }, 240_000);
    afterAll(async () => {
      await ceph?.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    it('seals no key that cannot read, and none that may write', async () => {
      const powerless = await lifeboat(['break-glass', 'create'], key);
      expect(powerless.code).not.toBe(0);
      expect(powerless.err).toContain('does not let this access key do that');
      const mighty = { LIFEBOAT_BREAK_GLASS_ACCESS_KEY: ACCESS_KEY, LIFEBOAT_BREAK_GLASS_SECRET_KEY: SECRET_KEY };
      const refused = await lifeboat(['break-glass', 'create'], mighty);
      expect(refused.code).not.toBe(0);
      expect(refused.err).toContain('This key may write to the bucket');
      expect((await lifeboat(['break-glass', 'create', 'Up Case'], key)).err).toContain('lower-case letters');
      expect((await lifeboat(['break-glass', 'list'])).out).toContain('There are no envelopes');
    }, 240_000);

    it('seals the key that the printed policy makes, once under a name, and lists it', async () => {
      const policy = await lifeboat(['break-glass', 'policy', '--store', 'ceph']);
      const { hostname, port } = new URL(ceph.endpoint);
      const client = new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: false,
        accessKey: ACCESS_KEY,
        secretKey: SECRET_KEY,
      });
      await client.setBucketPolicy('drilled', policy.out);
      const made = await lifeboat(['break-glass', 'create', 'ward'], key);
      expect(made.err).toBe('');
      password = /Password {2}(\S+)/.exec(made.out)![1]!;
      expect(made.out).toContain(`${ceph.endpoint}/drilled/viewer/index.html`);
      expect((await lifeboat(['break-glass', 'create', 'ward'], key)).err).toContain(
        'There is an envelope "ward" already',
      );
      expect((await lifeboat(['break-glass', 'list'])).out).toMatch(/^ward +20\d\d-/m);
      const store = await openStore(ceph.storeConfig('drilled'));
      const sealed = (await store.get('lifeboat/envelopes/ward.json')).toString();
      await store.close();
      for (const secret of ['AKGLASS', 'SKGLASS', password]) expect(sealed).not.toContain(secret);
    }, 240_000);

    it('drills with the password of the envelope, and does everything with its key', async () => {
      const done = await lifeboat(['drill', '--envelope', 'ward'], { LIFEBOAT_BREAK_GLASS_PASSWORD: password });
      expect(done.out).toContain(
        'PASSED  ways in: the password of envelope ward opens it; its key reads and cannot write',
      );
      expect(done.out).toContain('PASSED  search and images: 1 studies, 3 images');
      expect(done.out).toContain('Drill PASSED');
      expect(done.code).toBe(0);
      const store = await openStore(ceph.storeConfig('drilled'));
      expect(await storedKeys({ store }, 'lifeboat/drills/')).toHaveLength(1);
      await store.close();
    }, 240_000);

    it('fails with another password, with an envelope that is not there, and with a key that was taken back', async () => {
      const report = join(dir, 'report.json');
      const wrong = await lifeboat(['drill', '--envelope', 'ward', '--report', report], {
        LIFEBOAT_BREAK_GLASS_PASSWORD: 'not the right one at all',
      });
      expect(wrong.out).toContain('FAILED  ways in: The break-glass password is wrong.');
      expect(wrong.out).toContain('NOT CHECKED  search and images: there was no way in');
      expect(wrong.code).toBe(1);
      const given = { LIFEBOAT_BREAK_GLASS_PASSWORD: password };
      const none = await lifeboat(['drill', '--envelope', 'nobody', '--report', report], given);
      expect(none.out).toMatch(/FAILED {2}ways in/);
      const closed = await lifeboat(['break-glass', 'remove', 'ward']);
      expect(closed.out).toContain('delete its access key at the store too');
      expect((await lifeboat(['drill', '--report', report])).out).toContain('no break-glass envelope is in the store');
      expect((await lifeboat(['break-glass', 'remove', 'ward'])).err).toContain('There is no envelope "ward"');
    }, 240_000);
  },
);
