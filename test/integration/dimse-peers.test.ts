import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { part10File } from '../../router/dimse/part10-file.ts';
import { type OutgoingInstance, sendInstances } from '../../router/dimse/storage-scu.ts';
import { echo } from '../../router/dimse/verification-scu.ts';
import { freePort } from '../bench/receivers.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import { realFiles } from '../support/files.ts';
import { until } from '../support/raw-dimse.ts';

const has = (program: string) => spawnSync('which', [program]).status === 0;
const hasOrthanc = has('Orthanc');
const peerEnv = { ...process.env, TCP_NODELAY: '1' };

/** CR, CT, US, MR, SC, NM and multi-frame US: classes that storescu proposes in every configuration. */
const PROPOSED = new Set(['1', '2', '6.1', '4', '7', '20', '3.1'].map((n) => `1.2.840.10008.5.1.4.1.1.${n}`));

/** Real files with a file meta header that names what they are; a DICOMDIR is no image. */
async function sendable(): Promise<OutgoingInstance[]> {
  const list: OutgoingInstance[] = [];
  for (const { path } of realFiles()) {
    const instance = await part10File(path).catch(() => undefined);
    if (instance && instance.sopClassUID !== '1.2.840.10008.1.3.10') list.push(instance);
  }
  return list;
}

async function dataSetSha256(instance: OutgoingInstance): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of instance.open()) hash.update(chunk);
  return hash.digest('hex');
}

let files: OutgoingInstance[] = [];
let folder: string;
let server: TestServer;
beforeAll(async () => {
  files = await sendable();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-peers-'));
  server = await testServer();
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with symbolic links to these files. */
function linked(name: string, instances: readonly OutgoingInstance[]): string {
  const to = join(folder, name);
  mkdirSync(to);
  instances.forEach((instance, i) => {
    symlinkSync(instance.name, join(to, `${String(i).padStart(4, '0')}.dcm`));
  });
  return to;
}

/** Runs a program of a peer; the server lives in this process, so nothing may block. */
async function peer(program: string, args: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(program, args, { env: peerEnv });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  const [status] = await once(child, 'close');
  return { status, output };
}

/** storescp that keeps the bytes exactly as they came. */
async function bitPreservingStorescp(to: string): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  mkdirSync(to);
  const child = spawn('storescp', ['+B', '+xa', '+uf', '-od', to, String(port)], { env: peerEnv, stdio: 'ignore' });
  for (let tries = 0; tries < 100; tries++) {
    try {
      await echo({ host: '127.0.0.1', port, calledAE: 'ANY', callingAE: 'TEST' });
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    port,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}

async function hashesIn(dir: string): Promise<string[]> {
  const list: string[] = [];
  for (const name of readdirSync(dir)) list.push(await dataSetSha256(await part10File(join(dir, name))));
  return list.sort();
}

const kept = () => server.receiver.kept.map((k) => k.sha256).sort();

describe.skipIf(!has('storescu'))('DCMTK', () => {
  it('echoscu', async () => {
    expect((await peer('echoscu', ['-aec', 'LIFEBOAT', '127.0.0.1', String(server.port)])).status).toBe(0);
  });

  it('dcmsend: every real file arrives in its own transfer syntax, byte for byte as storescp gets it', async () => {
    const source = linked('source', files);
    const reference = await bitPreservingStorescp(join(folder, 'reference'));
    const send = (port: number) =>
      peer('dcmsend', [
        '--decompress-never',
        '+sd',
        '--no-halt',
        '--no-illegal-proposal',
        '127.0.0.1',
        String(port),
        source,
      ]);
    await send(reference.port);
    await reference.stop();
    const { output } = await send(server.port);
    const expected = await hashesIn(join(folder, 'reference'));
    expect(expected.length, output).toBeGreaterThan(files.length / 2);
    // Ours takes a few that storescp has no presentation context for.
    const missing = kept();
    for (const sha256 of expected) {
      expect(missing).toContain(sha256);
      missing.splice(missing.indexOf(sha256), 1);
    }
    expect(server.refusals).toEqual([]);
    const syntaxes = new Set(server.receiver.kept.map((k) => k.announced.transferSyntaxUID));
    expect(syntaxes.size).toBeGreaterThan(3);
  });

  it.each([
    ['-xs', '1.2.840.10008.1.2.4.70'],
    ['-xx', '1.2.840.10008.1.2.4.51'],
    ['-xv', '1.2.840.10008.1.2.4.90'],
    ['-xt', '1.2.840.10008.1.2.4.80'],
    ['-xr', '1.2.840.10008.1.2.5'],
    ['-xi', '1.2.840.10008.1.2'],
    ['-xb', '1.2.840.10008.1.2.2'],
    ['-xd', '1.2.840.10008.1.2.1.99'],
  ])('storescu %s keeps %s', async (option, transferSyntax) => {
    const some = files.filter((f) => f.transferSyntaxUID === transferSyntax && PROPOSED.has(f.sopClassUID)).slice(0, 8);
    if (some.length === 0) return;
    const source = linked('source', some);
    // A few of the files are odd enough that storescu itself will not send them.
    const args = ['-aec', 'LIFEBOAT', '-nh', option, '127.0.0.1', String(server.port), '+sd', source];
    const { output } = await peer('storescu', args);
    const syntaxes = server.receiver.kept.map((k) => k.announced.transferSyntaxUID);
    expect(syntaxes.length, output).toBeGreaterThan(some.length / 2);
    expect(new Set(syntaxes)).toEqual(new Set([transferSyntax]));
  });

  it('our SCU into storescp: what it keeps is each file’s data set, byte for byte', async () => {
    // storescp +B checks nothing; what it refuses on its own account is not asked of it here.
    const reference = await bitPreservingStorescp(join(folder, 'reference'));
    const report = await sendInstances({
      host: '127.0.0.1',
      port: reference.port,
      calledAE: 'ANY',
      callingAE: 'LIFEBOAT',
      instances: files,
    });
    await reference.stop();
    const sent = report.results.flatMap((r, i) => (r.outcome === 'sent' ? [files[i]!] : []));
    const unsent = report.results.filter((r) => r.outcome !== 'sent').map((r) => `${r.name}: ${r.message}`);
    expect(sent.length, unsent.join('\n')).toBeGreaterThan(files.length * 0.9);
    const expected: string[] = [];
    for (const instance of sent) if (instance.size % 2 === 0) expected.push(await dataSetSha256(instance));
    const arrived = await hashesIn(join(folder, 'reference'));
    expect(arrived).toEqual(expect.arrayContaining(expected));
    expect(arrived).toHaveLength(sent.length);
  });
});

it.skipIf(realFiles().length === 0)('our SCU into our SCP: every real file, byte for byte', async () => {
  const report = await sendInstances({
    host: '127.0.0.1',
    port: server.port,
    calledAE: 'LIFEBOAT',
    callingAE: 'TEST',
    instances: files,
  });
  const sent = report.results.flatMap((r, i) => (r.outcome === 'sent' && files[i]!.size % 2 === 0 ? [files[i]!] : []));
  expect(sent.length).toBeGreaterThan(files.length * 0.95);
  const byUid = new Map<string, Set<string>>();
  for (const k of server.receiver.kept) {
    const uid = k.announced.sopInstanceUID!;
    byUid.set(uid, (byUid.get(uid) ?? new Set()).add(k.sha256));
  }
  for (const instance of sent) {
    expect(byUid.get(instance.sopInstanceUID)?.has(await dataSetSha256(instance)), instance.name).toBe(true);
  }
});

describe.skipIf(!has('gdcmscu'))('GDCM', () => {
  it('gdcmscu --echo and --store', async () => {
    const common = ['127.0.0.1', String(server.port), '--call', 'LIFEBOAT', '--aetitle', 'GDCM'];
    // Debian's gdcmscu falls over its own closed stream after the release, with every SCP: its exit code says nothing.
    await peer('gdcmscu', ['--echo', ...common]);
    const some = files.filter((f) => f.transferSyntaxUID === '1.2.840.10008.1.2.1' && f.size < 2_000_000).slice(0, 5);
    for (const instance of some) await peer('gdcmscu', ['--store', ...common, '-i', instance.name]);
    expect(server.refusals).toEqual([]);
    const uids = server.receiver.kept.map((k) => k.announced.sopInstanceUID);
    expect(uids).toEqual(some.map((f) => f.sopInstanceUID));
  });
});

describe.skipIf(!hasOrthanc)('Orthanc', () => {
  let home: string;
  let http: number;
  let dicom: number;
  let stop: () => Promise<void>;
  const call = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${http}${path}`, init);

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'lifeboat-orthanc-'));
    http = await freePort();
    dicom = await freePort();
    writeFileSync(
      join(home, 'orthanc.json'),
      JSON.stringify({
        DicomAet: 'PACS',
        DicomPort: dicom,
        HttpPort: http,
        DicomAlwaysAllowStore: true,
        AuthenticationEnabled: false,
        OverwriteInstances: true,
        StorageDirectory: home,
        IndexDirectory: home,
      }),
    );
    const child = spawn('Orthanc', [join(home, 'orthanc.json')], { env: peerEnv, stdio: 'ignore' });
    stop = async () => {
      child.kill();
      await once(child, 'exit');
    };
    for (let tries = 0; tries < 200; tries++) {
      if (
        await call('/system').then(
          (r) => r.ok,
          () => false,
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  afterAll(async () => {
    await stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('takes from our SCU, and sends back to our SCP, the same bytes', async () => {
    // Orthanc keys instances by their identifiers: one of each.
    const one = new Map(files.filter((f) => f.size % 2 === 0 && f.size < 5_000_000).map((f) => [f.sopInstanceUID, f]));
    const some = [...one.values()].slice(0, 60);
    const report = await sendInstances({
      host: '127.0.0.1',
      port: dicom,
      calledAE: 'PACS',
      callingAE: 'LIFEBOAT',
      instances: some,
    });
    const sent = report.results.flatMap((r, i) => (r.outcome === 'sent' ? [some[i]!] : []));
    expect(sent.length, JSON.stringify(report.results.filter((r) => r.outcome !== 'sent'))).toBeGreaterThan(30);
    await call('/modalities/lifeboat', {
      method: 'PUT',
      body: JSON.stringify({ AET: 'LIFEBOAT', Host: '127.0.0.1', Port: server.port }),
    });
    const ids = (await (await call('/instances')).json()) as string[];
    const answer = await call('/modalities/lifeboat/store', { method: 'POST', body: JSON.stringify(ids) });
    expect(answer.status).toBe(200);
    await until(() => server.receiver.kept.length >= ids.length, 'all instances came back');
    const back = new Set(server.receiver.kept.map((k) => k.announced.sopInstanceUID));
    for (const instance of sent) expect(back.has(instance.sopInstanceUID), instance.name).toBe(true);
  });
});
