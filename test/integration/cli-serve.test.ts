import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RouterProcess, startRouter, startRouterProcess } from '../support/router.ts';
import { keepFiles, smallStudy } from '../support/small-image.ts';

const bin = resolve(import.meta.dirname, '../../bin/lifeboat.mjs');
const folders: string[] = [];
const folder = async () => {
  const made = await mkdtemp(join(tmpdir(), 'lifeboat-cli-'));
  folders.push(made);
  return made;
};
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true, force: true }))));

interface Ran {
  code: number;
  out: string;
  err: string;
}
function lifeboat(
  dataDir: string,
  args: string[],
  env: Record<string, string> = {},
  input = '',
  node = process.execPath,
) {
  return new Promise<Ran>((done) => {
    const child = execFile(
      node,
      [bin, ...args],
      { cwd: dataDir, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LIFEBOAT_DATA: dataDir, ...env } },
      (error, out, err) => done({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
    child.stdin!.end(input);
  });
}

describe('lifeboat serve', () => {
  it('says where everything is and prints the one-time password on the very first start only', async () => {
    const dataDir = await folder();
    const first = await startRouterProcess({ dataDir, env: { LIFEBOAT_ADMIN_PASSWORD: '' } });
    const output = first.output();
    const password = /one-time password (\S+)/.exec(output)?.[1];
    expect(password).toMatch(/^[\w-]{23}$/);
    expect(output).toMatch(/Viewer +http:\/\/localhost:\d+/);
    expect(output).toMatch(/DICOMweb +http:\/\/localhost:\d+\/dicom-web/);
    expect(output).toContain(`Data       ${dataDir}`);
    expect(await (await first.login('admin', password!)).json('/api/session')).toMatchObject({
      mustChangePassword: true,
    });
    expect(await first.stop('SIGTERM')).toBe(0);
    const second = await startRouterProcess({ dataDir, env: { LIFEBOAT_ADMIN_PASSWORD: '' } });
    expect(second.output()).not.toContain('one-time');
    await second.login('admin', password!);
    expect(await second.stop('SIGINT')).toBe(0);
  });

  it('stops with exit code 2 and one sentence at a wrong setting', async () => {
    const dataDir = await folder();
    const ran = await lifeboat(dataDir, ['serve'], { LIFEBOAT_DICOM_PROT: '104' });
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err.trim()).toBe(
      'lifeboat: LIFEBOAT_DICOM_PROT (in the environment) is not a setting of Lifeboat; did you mean LIFEBOAT_DICOM_PORT?',
    );
  });

  it('names the port that is in use, exit code 3', async () => {
    const dataDir = await folder();
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => other.once('listening', done));
    const { port } = other.address() as { port: number };
    const env = { LIFEBOAT_HTTP_PORT: String(port), LIFEBOAT_HTTP_HOST: '127.0.0.1', LIFEBOAT_DICOM_PORT: '0' };
    const ran = await lifeboat(dataDir, ['serve'], env);
    other.close();
    expect(ran.code).toBe(3);
    expect(ran.err).toContain(`LIFEBOAT_HTTP_PORT ${port} is in use by another program.`);
  });
});

describe('lifeboat user, token, ae', () => {
  let router: RouterProcess;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await folder();
    router = await startRouterProcess({ dataDir, env: { LIFEBOAT_ACCEPT_AE: '' } });
  });
  afterAll(async () => {
    await router.stop();
  });

  it('work while the router runs', async () => {
    const added = await lifeboat(dataDir, ['user', 'add', 'eva', 'radiologist'], {}, 'a password for eva\n');
    expect(added).toMatchObject({ code: 0, out: 'Added eva (radiologist).\n' });
    expect((await (await router.login('eva', 'a password for eva')).fetch('/api/worklist')).status).toBe(403);
    expect((await lifeboat(dataDir, ['user', 'passwd', 'eva'], {}, 'a password of her own\n')).code).toBe(0);
    const eva = await router.login('eva', 'a password of her own');
    expect((await eva.fetch('/api/worklist')).status).toBe(200);
    expect((await lifeboat(dataDir, ['user', 'disable', 'eva'])).code).toBe(0);
    expect((await eva.fetch('/api/worklist')).status).toBe(401);
    expect((await lifeboat(dataDir, ['user', 'list'])).out).toMatch(/eva +radiologist +disabled/);

    expect((await lifeboat(dataDir, ['ae', 'allow', 'CT1', '--note', 'ground floor'])).code).toBe(0);
    const admin = await router.login();
    expect(await admin.json('/api/aes')).toMatchObject([{ title: 'CT1', allowed: true, note: 'ground floor' }]);

    const token = await lifeboat(dataDir, ['token', 'add', 'scraper', '--scope', 'dicomweb:read', '--days', '1']);
    const secret = /lb_\S+/.exec(token.out)![0];
    const query = await fetch(`${router.url}/dicom-web/studies`, { headers: { Authorization: `Bearer ${secret}` } });
    expect([200, 204]).toContain(query.status);
    const { rows } = await admin.json<{ rows: { user: string; object: string }[] }>('/api/audit?action=token-change');
    expect(rows[0]).toMatchObject({ object: 'scraper', user: expect.stringMatching(/^cli:/) });
  });

  it('answer mistakes in one line with a meaningful exit code', async () => {
    expect(await lifeboat(dataDir, ['user', 'add', 'x', 'radiologist'], {}, 'short\n')).toMatchObject({ code: 2 });
    expect((await lifeboat(dataDir, ['user', 'remove', 'nobody'])).code).toBe(1);
    expect((await lifeboat(dataDir, ['user', 'remove', 'admin'])).err).toContain('only administrator');
    expect((await lifeboat(dataDir, ['user', 'add', 'x', 'king'])).code).toBe(2);
    expect((await lifeboat(dataDir, ['frobnicate'])).code).toBe(2);
  });
});

describe('lifeboat import, export, verify', () => {
  it('take files in beside a running router, and give the very same bytes out again', async () => {
    const dataDir = await folder();
    const files = await folder();
    const originals = [...smallStudy('1.2.826.0.4.1', 3)];
    await Promise.all(originals.map((bytes, i) => writeFile(join(files, `IM${i}`), bytes)));
    await writeFile(join(files, 'README.TXT'), 'no image');
    const router = await startRouterProcess({ dataDir });
    const imported = await lifeboat(dataDir, ['import', files]);
    expect(imported).toMatchObject({ code: 0 });
    expect(imported.out).toContain('3 kept');
    expect(imported.out).toContain('1 no DICOM files');
    const admin = await router.login();
    expect((await admin.json<{ count: number }>('/api/worklist')).count).toBe(1);
    expect((await lifeboat(dataDir, ['import', files])).out).toContain('3 done by an earlier run');

    const out = join(files, 'out');
    const exported = await lifeboat(dataDir, ['export', '1.2.826.0.4.1', '--to', out]);
    expect(exported).toMatchObject({ code: 0 });
    expect(exported.out).toContain('3 of 3 files');
    const names = await readdir(out, { recursive: true, withFileTypes: true });
    const exportedFiles = names.filter((entry) => entry.isFile() && !['SHA256SUMS', 'DICOMDIR'].includes(entry.name));
    const written = await Promise.all(exportedFiles.map((entry) => readFile(join(entry.parentPath, entry.name))));
    const sorted = (buffers: Buffer[]) => buffers.map((bytes) => bytes.toString('base64')).sort();
    expect(sorted(written)).toEqual(sorted(originals));
    expect((await lifeboat(dataDir, ['export', '1.2.999', '--to', out])).code).toBe(1);

    expect(await lifeboat(dataDir, ['verify'])).toMatchObject({ code: 0 });
    const objects = (await readdir(join(dataDir, 'store/objects'), { recursive: true })).filter((n) =>
      n.endsWith('.dcm'),
    );
    const victim = join(dataDir, 'store/objects', objects[0]!);
    const bytes = await readFile(victim);
    bytes[bytes.length - 1]! ^= 1;
    await rm(victim);
    await writeFile(victim, bytes);
    const damaged = await lifeboat(dataDir, ['verify']);
    expect(damaged.code).toBe(1);
    expect(damaged.err).toMatch(
      new RegExp(`^FLIPPED objects/${objects[0]} \\(study 1\\.2\\.826\\.0\\.4\\.1, image [\\d.]+\\): `, 'm'),
    );
    expect(damaged.out).toContain('2 objects of 1 studies sound');
    const lost = await lifeboat(dataDir, ['import', join(files, 'not-there')]);
    expect(lost.code).toBe(1);
    await router.stop();
  });
});

describe('lifeboat rebuild', () => {
  it('makes the catalogue anew from the store alone', async () => {
    const test = await startRouter();
    await keepFiles(test.router.context.archive, smallStudy('1.2.826.0.3.1', 4));
    await keepFiles(test.router.context.archive, smallStudy('1.2.826.0.3.2', 2));
    const dump = async (catalogue: { dump(): AsyncIterable<string> }) => {
      const lines: string[] = [];
      for await (const line of catalogue.dump()) lines.push(line);
      return lines;
    };
    const before = await dump(test.router.context.archive.catalogue);
    await test.close({ keepData: true });
    await rm(join(test.dataDir, 'catalogue.sqlite'));
    const ran = await lifeboat(test.dataDir, ['rebuild']);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toContain('2 studies, 6 instances');
    const again = await startRouter({ dataDir: test.dataDir });
    expect(await dump(again.router.context.archive.catalogue)).toEqual(before);
    await again.close();
  });
});

describe('lifeboat rebuild --from-objects', () => {
  it('brings studies back whose manifests are gone, and names what is no image', async () => {
    const test = await startRouter();
    await keepFiles(test.router.context.archive, smallStudy('1.2.826.0.3.1', 4));
    await keepFiles(test.router.context.archive, smallStudy('1.2.826.0.3.2', 2));
    await test.close({ keepData: true });
    await rm(join(test.dataDir, 'store/manifests'), { recursive: true });
    await rm(join(test.dataDir, 'store/metadata'), { recursive: true });
    expect((await lifeboat(test.dataDir, ['rebuild'])).out).toContain('0 studies, 0 instances');
    const ran = await lifeboat(test.dataDir, ['rebuild', '--from-objects']);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toContain('6 of 6 objects');
    expect(ran.out).toContain('2 studies, 6 instances');
    const again = await startRouter({ dataDir: test.dataDir });
    expect(await again.router.context.archive.metadata('1.2.826.0.3.1')).toHaveLength(4);
    await again.close({ keepData: true });

    const objects = join(test.dataDir, 'store/objects');
    const victim = (await readdir(objects, { recursive: true })).find((name) => name.endsWith('.dcm'))!;
    await writeFile(join(objects, victim, '..', '1.2.3.dcm'), 'no image');
    const odd = await lifeboat(test.dataDir, ['rebuild', '--from-objects']);
    expect(odd.code).toBe(1);
    expect(odd.err).toContain('1.2.3.dcm');
    await rm(test.dataDir, { recursive: true });
  });
});

describe('every command', () => {
  it('has help with examples, and says what exit codes mean', async () => {
    const dataDir = await folder();
    for (const name of ['serve', 'import', 'export', 'verify', 'repair', 'seal', 'rebuild', 'user', 'token', 'ae']) {
      const { code, out } = await lifeboat(dataDir, [name, '--help']);
      expect([name, code]).toEqual([name, 0]);
      expect(out).toContain('Examples:');
      expect(out).toContain('Exit codes:');
    }
  });

  const systemNode = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (path) => existsSync(path) && /^v2[0-3]\./.test(spawnSync(path, ['--version']).stdout.toString()),
  );
  it.skipIf(!systemNode)('runs when an older Node starts it', async () => {
    const dataDir = await folder();
    const ran = await lifeboat(dataDir, ['ae', 'list'], {}, '', systemNode);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect((await lifeboat(dataDir, ['frobnicate'], {}, '', systemNode)).code).toBe(2);
  });
});
