import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ForwardingDestination, ForwardingRules, ForwardingStatus, ForwardingTrial } from '../../contract/api.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { freePort } from '../bench/receivers.ts';
import { opensslAvailable, TestAuthority } from '../support/certificates.ts';
import { FaultPeer } from '../support/fault-peer.ts';
import { imageFile } from '../support/image-file.ts';
import { ADMIN_PASSWORD, startRouter, type TestRouter } from '../support/router.ts';
import { keepFiles, smallImage, smallStudy } from '../support/small-image.ts';

const STUDY = '1.2.826.0.9.7';
const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const stops: (() => unknown)[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-rules-'));
  stops.push(() => rm(folder, { recursive: true }));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function router(file: string, options: Parameters<typeof startRouter>[0] = {}): Promise<TestRouter> {
  const path = join(folder, 'forwarding.yaml');
  await writeFile(path, file);
  const test = await startRouter({ ...options, env: { LIFEBOAT_FORWARDING: path, ...options.env } });
  stops.push(() => test.close());
  return test;
}

async function peer(options?: Parameters<typeof FaultPeer.start>[0]): Promise<FaultPeer> {
  const started = await FaultPeer.start(options);
  stops.push(() => started.stop());
  return started;
}

const statusOf = async (test: TestRouter, name: string): Promise<ForwardingDestination> => {
  const { destinations } = await (await test.login()).json<ForwardingStatus>('/api/forwarding');
  return destinations.find((one) => one.name === name)!;
};
const described = (dataSet: Buffer, transferSyntaxUID = EXPLICIT) =>
  describeObjectSync(inMemory(dataSet), { transferSyntaxUID, dataSetOffset: 0 }).metadata;

describe('destinations and rules', () => {
  it('a rule sends to its destination alone, with its changes, and the archive keeps the original', async () => {
    const [all, some] = [await peer(), await peer()];
    const test = await router(`
destinations:
  - {name: all, dimse: "ALL@127.0.0.1:${all.port}"}
  - {name: some, dimse: "SOME@127.0.0.1:${some.port}"}
rules:
  - {name: everything, to: all}
  - name: study of P9
    when: {attributes: [{tag: PatientID, equals: P9}]}
    to: some
    change: [{tag: PatientID, prefix: X-}, {tag: PatientName, set: Nobody}]`);
    const { archive } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 3));
    await keepFiles(archive, [smallImage({ study: '1.9', series: '1.9.1', sop: '1.9.1.1', patientID: 'P9' })]);
    await expect.poll(() => [all.stored.length, some.stored.length], { timeout: 10_000 }).toEqual([4, 1]);
    const sent = described(some.stored[0]!.dataSet);
    expect(sent['00100020']?.Value).toEqual(['X-P9']);
    expect(sent['00100010']?.Value).toEqual([{ Alphabetic: 'Nobody' }]);
    const [kept] = await archive.entries('1.9');
    expect(kept!.attributes['00100020']?.Value).toEqual(['P9']);
    const original = all.stored.find(({ sopInstanceUID }) => sopInstanceUID === '1.9.1.1')!;
    expect(createHash('sha256').update(original.dataSet).digest('hex')).toBe(kept!.dataSetSha256);
  });

  it('can be tried against a study, saved, are in force at once, and wrong ones change nothing', async () => {
    const one = await peer();
    const test = await router('');
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 2));
    const admin = await test.login();
    const text = `
destinations: [{name: one, dimse: "ONE@127.0.0.1:${one.port}"}]
rules: [{name: prefix, when: {modality: CT}, to: one, priority: stat, change: [{tag: PatientID, prefix: L-}]}]`;
    const trial = await admin.send('POST', '/api/forwarding/try', { studyInstanceUID: STUDY, text });
    expect(await trial.json()).toEqual({
      images: 2,
      nowhere: 0,
      ways: [
        {
          destination: 'one',
          images: 2,
          priority: 'stat',
          rules: ['prefix'],
          changes: [{ tag: '00100020', keyword: 'PatientID', before: 'P1', after: 'L-P1' }],
        },
      ],
    } satisfies ForwardingTrial);
    expect(one.tried).toEqual([]);
    expect((await admin.send('PUT', '/api/forwarding/rules', { text })).status).toBe(200);
    await keepFiles(test.router.context.archive, smallStudy(`${STUDY}.2`, 1));
    await expect.poll(() => one.stored.length, { timeout: 10_000 }).toBe(1);
    expect(described(one.stored[0]!.dataSet)['00100020']?.Value).toEqual(['L-P1']);
    const wrong = await admin.send('PUT', '/api/forwarding/rules', { text: 'rules: [{to: nowhere}]' });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toMatch(/nowhere, which is no destination/);
    expect((await admin.json<ForwardingRules>('/api/forwarding/rules')).rules).toEqual(['prefix']);
    const audit = await admin.json<{ rows: object[] }>('/api/audit?action=forwarding-rules');
    expect(audit.rows).toMatchObject([{ user: 'admin', detail: '1 destinations, 1 rules' }]);
    const other = await test.loginAs('radiologist');
    expect((await other.fetch('/api/forwarding/rules')).status).toBe(403);
  });

  it('what the peer refuses as it is goes uncompressed, also in implicit VR; as-is leaves it to a person', async () => {
    const [explicit, implicit, strict] = [
      await peer({ syntaxes: [EXPLICIT] }),
      await peer({ syntaxes: [IMPLICIT] }),
      await peer({ syntaxes: [IMPLICIT] }),
    ];
    const test = await router(`
destinations:
  - {name: explicit, dimse: "A@127.0.0.1:${explicit.port}"}
  - {name: implicit, dimse: "B@127.0.0.1:${implicit.port}"}
  - {name: strict, dimse: "C@127.0.0.1:${strict.port}", transferSyntax: as-is}`);
    const pixels = new Uint8Array([1, 1, 1, 1, 2, 2, 2, 2]);
    // RLE (PS3.5 Annex G): one segment, two runs of four.
    const rle = Buffer.alloc(64 + 4);
    rle.writeUInt32LE(1, 0);
    rle.writeUInt32LE(64, 4);
    rle.set([0xfd, 1, 0xfd, 2], 64);
    const compressed = imageFile({ rows: 2, columns: 4, pixels: { fragments: [rle] } as never }, '1.2.840.10008.1.2.5');
    await keepFiles(test.router.context.archive, [Buffer.from(compressed)]);
    await expect.poll(() => [explicit.stored.length, implicit.stored.length], { timeout: 20_000 }).toEqual([1, 1]);
    for (const [{ stored }, syntax] of [
      [explicit, EXPLICIT],
      [implicit, IMPLICIT],
    ] as const) {
      const { dataSet, transferSyntaxUID } = stored[0]!;
      expect(transferSyntaxUID).toBe(syntax);
      expect(described(dataSet, syntax)['00100010']?.Value).toEqual([{ Alphabetic: 'Test^Image' }]);
      expect(dataSet.subarray(-8).equals(Buffer.from(pixels))).toBe(true);
    }
    await expect.poll(async () => (await statusOf(test, 'strict')).person, { timeout: 10_000 }).toBe(1);
    expect((await statusOf(test, 'strict')).problems[0]!.message).toMatch(
      /neither this kind of object nor its encoding/,
    );
  });

  it('what is urgent goes first, by rule and by hand', async () => {
    const one = await peer();
    const test = await router(`
destinations: [{name: one, dimse: "ONE@127.0.0.1:${one.port}", associations: 1}]
rules:
  - {to: one}
  - {name: stat, when: {attributes: [{tag: PatientID, equals: STAT}]}, to: one, priority: stat}`);
    const admin = await test.login();
    const act = (body: object) => admin.send('POST', '/api/forwarding', { destination: 'one', ...body });
    await act({ action: 'pause' });
    const { archive } = test.router.context;
    await keepFiles(archive, smallStudy(STUDY, 2));
    await keepFiles(archive, smallStudy(`${STUDY}.2`, 2));
    await keepFiles(archive, [smallImage({ study: '1.8', series: '1.8.1', sop: '1.8.1.1', patientID: 'STAT' })]);
    const raised = await act({ action: 'prioritise', studyInstanceUID: `${STUDY}.2`, priority: 'stat' });
    expect(raised.status).toBe(200);
    await act({ action: 'resume' });
    await expect.poll(() => one.stored.length, { timeout: 10_000 }).toBe(5);
    const order = one.stored.map(({ sopInstanceUID }) => sopInstanceUID);
    expect(order.slice(0, 3).sort()).toEqual([`${STUDY}.2.1.1`, `${STUDY}.2.1.2`, '1.8.1.1'].sort());
    expect(order.slice(3)).toEqual([`${STUDY}.1.1`, `${STUDY}.1.2`]);
  });

  it('full, warning, refused and abort each end as they should, and none of them stops the rest', async () => {
    const uid = (n: number) => `${STUDY}.1.${n}`;
    const one = await peer({
      onStore: (sop, time) => {
        if (sop === uid(2)) return time === 1 ? 0xa700 : 0;
        if (sop === uid(4)) return 0xb000;
        if (sop === uid(6)) return 0xc123;
        if (sop === uid(8)) return 'abort';
        return 0;
      },
    });
    const test = await router(`destinations: [{name: one, dimse: "ONE@127.0.0.1:${one.port}"}]`);
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 20));
    await expect.poll(async () => (await statusOf(test, 'one')).sent, { timeout: 30_000 }).toBe(18);
    const { person, retrying, problems } = await statusOf(test, 'one');
    expect({ person, retrying }).toEqual({ person: 1, retrying: 1 });
    expect(problems.find(({ state }) => state === 'person')).toMatchObject({ sopInstanceUID: uid(6), status: 0xc123 });
    expect(problems.find(({ state }) => state === 'waiting')).toMatchObject({ sopInstanceUID: uid(8), status: null });
    const known = test.router.context.forwarding!;
    const warned = (await test.router.context.archive.entries(STUDY)).find((e) => e.sopInstanceUID === uid(4))!;
    expect(known.answerTo('one', uid(4), warned.dataSetSha256)).toMatchObject({
      state: 'sent',
      message: expect.stringMatching(/coerced.*0xB000/),
    });
    expect(one.tried.filter((sop) => sop === uid(6))).toHaveLength(1);
  }, 60_000);

  it('a queue that is lost is filled again from the archive: what was open is sent', async () => {
    const port = await freePort();
    const file = `destinations: [{name: one, dimse: "ONE@127.0.0.1:${port}"}]`;
    const first = await router(file);
    await keepFiles(first.router.context.archive, smallStudy(STUDY, 4));
    await expect.poll(async () => (await statusOf(first, 'one')).waiting).toBe(4);
    await first.close({ keepData: true });
    for (const suffix of ['', '-wal', '-shm'])
      await rm(join(first.dataDir, `forward.sqlite${suffix}`), { force: true });
    const back = await FaultPeer.start({}, port);
    stops.push(() => back.stop());
    await router(file, { dataDir: first.dataDir });
    await expect.poll(() => new Set(back.stored.map((s) => s.sopInstanceUID)).size, { timeout: 20_000 }).toBe(4);
  });

  it('a queue file that is no database any more is set aside and filled again', async () => {
    const port = await freePort();
    const file = `destinations: [{name: one, dimse: "ONE@127.0.0.1:${port}"}]`;
    const first = await router(file);
    await keepFiles(first.router.context.archive, smallStudy(STUDY, 3));
    await first.close({ keepData: true });
    await writeFile(
      join(first.dataDir, 'forward.sqlite'),
      'not a database at all, but longer than one hundred bytes. '.repeat(9),
    );
    await rm(join(first.dataDir, 'forward.sqlite-wal'), { force: true });
    const back = await FaultPeer.start({}, port);
    stops.push(() => back.stop());
    await router(file, { dataDir: first.dataDir });
    await expect.poll(() => new Set(back.stored.map((s) => s.sopInstanceUID)).size, { timeout: 20_000 }).toBe(3);
  });
});

describe('STOW-RS', () => {
  it('into another Lifeboat with a password: each instance once, byte for byte, refused ones wait for a person', async () => {
    const other = await startRouter();
    stops.push(() => other.close());
    await writeFile(join(folder, 'password'), `${ADMIN_PASSWORD}\n`);
    const test = await router(
      `destinations: [{name: cloud, stow: "${other.url}/dicom-web", basic: {user: admin, passwordFile: password}}]`,
    );
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 60));
    await expect.poll(async () => (await statusOf(test, 'cloud')).sent, { timeout: 20_000 }).toBe(60);
    await other.router.context.archive.flush();
    const hashes = async (r: TestRouter) =>
      (await r.router.context.archive.entries(STUDY)).map((e) => `${e.sopInstanceUID} ${e.dataSetSha256}`).sort();
    expect(await hashes(other)).toEqual(await hashes(test));
  });

  it('with a wrong password nothing is lost and nothing counts as sent; with the right one it goes on by itself', async () => {
    const other = await startRouter();
    stops.push(() => other.close());
    await writeFile(join(folder, 'password'), 'wrong');
    const test = await router(
      `destinations: [{name: cloud, stow: "${other.url}/dicom-web", basic: {user: admin, passwordFile: password}}]`,
    );
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 2));
    await expect.poll(async () => (await statusOf(test, 'cloud')).trouble, { timeout: 10_000 }).toMatch(/HTTP 401/);
    expect(await statusOf(test, 'cloud')).toMatchObject({ waiting: 2, sent: 0, person: 0 });
    await writeFile(join(folder, 'password'), ADMIN_PASSWORD);
    await expect.poll(async () => (await statusOf(test, 'cloud')).sent, { timeout: 30_000 }).toBe(2);
  }, 60_000);

  it('each instance is judged by what the answer says of it', async () => {
    let asked = 0;
    const server = createServer((req, res) => {
      const parts: Buffer[] = [];
      req.on('data', (chunk: Buffer) => parts.push(chunk));
      req.on('end', () => {
        asked++;
        const uids = [
          ...new Set(
            Buffer.concat(parts)
              .toString('latin1')
              .match(new RegExp(`${STUDY}\\.1\\.\\d+`, 'g')),
          ),
        ];
        const item = (uid: string, tag?: string, value?: number) => ({
          '00081155': { vr: 'UI', Value: [uid] },
          ...(tag && { [tag]: { vr: 'US', Value: [value] } }),
        });
        const sent = uids.filter((uid) => !/\.[23]$/.test(uid));
        const bad = uids.filter((uid) => uid.endsWith('.2'));
        res.writeHead(202, { 'Content-Type': 'application/dicom+json' });
        res.end(
          JSON.stringify({
            '00081199': {
              vr: 'SQ',
              Value: sent.map((uid) => (uid.endsWith('.4') ? item(uid, '00081196', 0xb000) : item(uid))),
            },
            '00081198': { vr: 'SQ', Value: bad.map((uid) => item(uid, '00081197', 0xa900)) },
          }),
        );
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    stops.push(() => server.close());
    const { port } = server.address() as { port: number };
    const test = await router(`destinations: [{name: cloud, stow: "http://127.0.0.1:${port}/dw", associations: 1}]`);
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 5));
    await expect.poll(async () => (await statusOf(test, 'cloud')).sent, { timeout: 10_000 }).toBe(3);
    const { problems, person, waiting } = await statusOf(test, 'cloud');
    expect({ person, waiting }).toEqual({ person: 1, waiting: 1 });
    expect(problems).toMatchObject([
      { sopInstanceUID: `${STUDY}.1.2`, state: 'person', status: 0xa900 },
      {
        sopInstanceUID: `${STUDY}.1.3`,
        state: 'waiting',
        message: expect.stringMatching(/did not name this instance/),
      },
    ]);
    expect(asked).toBeGreaterThan(0);
  });
});

describe.skipIf(!opensslAvailable())('DICOM over TLS', () => {
  it('the peer must show a certificate of the authority, and gets ours', async () => {
    const plain = await peer();
    const authority = new TestAuthority(folder);
    const stranger = new TestAuthority(folder, 'stranger');
    const [server, client] = [authority.issue('server'), authority.issue('client')];
    const tls = createTlsServer(
      {
        cert: readFileSync(server.cert),
        key: readFileSync(server.key),
        ca: readFileSync(authority.cert),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => {
        const line = connect(plain.port, '127.0.0.1');
        socket.pipe(line).pipe(socket);
        for (const end of [socket, line]) end.on('error', () => end.destroy());
      },
    );
    await new Promise<void>((done) => tls.listen(0, '127.0.0.1', done));
    stops.push(() => tls.close());
    const { port } = tls.address() as { port: number };
    const destination = (name: string, ca: string) =>
      `  - {name: ${name}, dimse: "S@127.0.0.1:${port}", tls: {ca: ${ca}, cert: ${client.cert}, key: ${client.key}}}\n`;
    const test = await router(
      `destinations:\n${destination('trusted', authority.cert)}${destination('untrusted', stranger.cert)}`,
    );
    await keepFiles(test.router.context.archive, smallStudy(STUDY, 2));
    await expect.poll(async () => (await statusOf(test, 'trusted')).sent, { timeout: 10_000 }).toBe(2);
    const untrusted = await statusOf(test, 'untrusted');
    expect(untrusted).toMatchObject({ sent: 0, waiting: 2 });
    expect(untrusted.trouble).toMatch(/certificate/);
    expect(plain.stored).toHaveLength(2);
  });
});
