import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAssociateAC, encodeAssociateRQ, parseAssociateAC } from '../../router/dimse/acse.ts';
import { sendInstances } from '../../router/dimse/storage-scu.ts';
import { echo } from '../../router/dimse/verification-scu.ts';
import { type TestServer, testServer } from '../support/dimse.ts';
import {
  associateRQ,
  CT,
  dataSet,
  EXPLICIT,
  echoRQ,
  RawPeer,
  RELEASE_RQ,
  storeRQ,
  until,
} from '../support/raw-dimse.ts';

const open: TestServer[] = [];
async function start(...args: Parameters<typeof testServer>): Promise<TestServer> {
  const server = await testServer(...args);
  open.push(server);
  return server;
}
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

describe('association request', () => {
  it('an unknown sender is rejected with reason 3 and shown', async () => {
    const server = await start();
    const peer = await RawPeer.open(server.port);
    peer.send(associateRQ('STRANGER'));
    const answer = await peer.pdu();
    expect(answer?.type).toBe(3);
    expect([...answer!.body.subarray(1)]).toEqual([1, 1, 3]);
    expect(server.refusals).toMatchObject([{ code: 'CALLING_AE_NOT_ALLOWED', peer: 'STRANGER@127.0.0.1' }]);
    peer.destroy();
  });

  it('a wrong called AE title is taken by default, and rejected with reason 7 where that is set', async () => {
    const peer = await RawPeer.open((await start()).port);
    peer.send(associateRQ('CT1', 'SOMEBODY'));
    expect((await peer.pdu())?.type).toBe(2);
    peer.destroy();
    const strict = await start({ acceptAnyCalledAE: false });
    const other = await RawPeer.open(strict.port);
    other.send(associateRQ('CT1', 'SOMEBODY'));
    expect([...(await other.pdu())!.body.subarray(1)]).toEqual([1, 1, 7]);
    expect(strict.refusals[0]?.message).toBe('The sender called SOMEBODY, but we are LIFEBOAT.');
    other.destroy();
  });

  it('one association too many is rejected for now, and taken when another has gone', async () => {
    const server = await start({ maxAssociations: 2 });
    const first = await RawPeer.associated(server.port);
    const second = await RawPeer.associated(server.port);
    const third = await RawPeer.open(server.port);
    third.send(associateRQ());
    expect([...(await third.pdu())!.body.subarray(1)]).toEqual([2, 3, 2]);
    expect(server.refusals).toMatchObject([{ code: 'ASSOCIATION_LIMIT' }]);
    first.send(RELEASE_RQ);
    expect((await first.pdu())?.type).toBe(6);
    const fourth = await RawPeer.associated(server.port);
    for (const peer of [first, second, third, fourth]) peer.destroy();
  });

  it('a wrong protocol version and a wrong application context get their own reasons', async () => {
    const server = await start();
    const version = Buffer.from(associateRQ());
    version[7] = 2;
    const context = Buffer.from(associateRQ());
    context[context.indexOf('1.2.840.10008.3.1.1.1') + 20] = 0x39;
    for (const [bytes, reply] of [
      [version, [1, 2, 2]],
      [context, [1, 1, 2]],
    ] as const) {
      const peer = await RawPeer.open(server.port);
      peer.send(bytes);
      expect([...(await peer.pdu())!.body.subarray(1)]).toEqual(reply);
      peer.destroy();
    }
  });

  it('answers the window, roles and identity that a sender asks for', async () => {
    const server = await start();
    const peer = await RawPeer.open(server.port);
    peer.send(
      encodeAssociateRQ({
        calledAE: 'LIFEBOAT',
        callingAE: 'CT1',
        contexts: [{ id: 1, abstractSyntax: CT, transferSyntaxes: [EXPLICIT] }],
        user: {
          maximumLength: 0,
          implementationClassUID: '1.2.3',
          asynchronousWindow: { invoked: 8, performed: 8 },
          roles: [{ sopClass: CT, scu: true, scp: true }],
        },
      }),
    );
    const { user } = parseAssociateAC((await peer.pdu())!.body);
    expect(user.asynchronousWindow).toEqual({ invoked: 8, performed: 1 });
    expect(user.roles).toEqual([{ sopClass: CT, scu: true, scp: false }]);
    peer.destroy();
  });
});

describe('C-STORE requests sent ahead without waiting', () => {
  it('are each answered in their order, after they are kept', async () => {
    const server = await start();
    const peer = await RawPeer.associated(server.port);
    const requests = Array.from({ length: 20 }, (_, i) =>
      Buffer.concat([storeRQ(`1.2.${i}`, i + 1), dataSet(Buffer.alloc(50_000, i))]),
    );
    peer.send(Buffer.concat([...requests, RELEASE_RQ]));
    for (let i = 0; i < 20; i++) {
      expect(await peer.response()).toMatchObject({ status: 0, messageIDBeingRespondedTo: i + 1 });
    }
    expect((await peer.pdu())?.type).toBe(6);
    expect(server.receiver.kept).toHaveLength(20);
    peer.destroy();
  });
});

describe('silence', () => {
  it('a peer that connects and says nothing is closed after ARTIM', async () => {
    const server = await start({ artimTimeoutMs: 150 });
    const peer = await RawPeer.open(server.port);
    await peer.closed();
    expect(server.refusals).toMatchObject([
      { code: 'DIMSE_TIMEOUT', message: expect.stringMatching(/No association/) },
    ]);
  });

  it('a request trickling in does not stretch ARTIM', async () => {
    const server = await start({ artimTimeoutMs: 200 });
    const peer = await RawPeer.open(server.port);
    const bytes = associateRQ();
    let sent = 0;
    const trickle = setInterval(() => {
      if (!peer.socket.destroyed) peer.send(bytes.subarray(sent, ++sent));
    }, 20);
    await peer.closed();
    clearInterval(trickle);
    expect(sent).toBeLessThan(bytes.length);
  });

  it('an idle association, and one stalled within an image, get an A-ABORT', async () => {
    const server = await start({ idleTimeoutMs: 200 });
    const idle = await RawPeer.associated(server.port, 'IDLE');
    const stalled = await RawPeer.associated(server.port, 'STALLED');
    stalled.send(Buffer.concat([storeRQ('1.2.3'), dataSet(Buffer.alloc(50_000)).subarray(0, 30_000)]));
    expect(await idle.aborted()).toEqual({ source: 0, reason: 0 });
    expect(await stalled.aborted()).toEqual({ source: 0, reason: 0 });
    await until(() => server.refusals.length === 2, 'two refusals');
    expect(server.refusals.find((r) => r.peer.startsWith('STALLED'))?.message).toMatch(/in the middle of an image/);
    expect(server.receiver.open()).toBe(0);
  });

  it('a peer that never reads our answers is cut', async () => {
    const server = await start({ idleTimeoutMs: 400, artimTimeoutMs: 300 });
    const peer = await RawPeer.associated(server.port, 'DEAF');
    peer.socket.pause();
    const echoes = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => echoRQ(i)));
    for (let i = 0; i < 100; i++) peer.send(echoes);
    await until(() => server.refusals.some((r) => /did not read/.test(r.message)), 'the refusal');
    await until(() => server.associations().length === 0, 'it is gone');
    peer.destroy();
  });

  it('our own slowness is not held against the sender', async () => {
    const server = await start({ idleTimeoutMs: 150 });
    server.receiver.finishDelayMs = 500;
    const peer = await RawPeer.associated(server.port);
    peer.send(Buffer.concat([storeRQ('1.2.3'), dataSet(Buffer.alloc(1000))]));
    expect((await peer.response()).status).toBe(0);
    peer.destroy();
  });
});

describe('closing the server', () => {
  it('answers the image under way, then ends the association; idle ones end at once', async () => {
    const server = await start();
    server.receiver.finishDelayMs = 200;
    const idle = await RawPeer.associated(server.port);
    const busy = await RawPeer.associated(server.port);
    busy.send(Buffer.concat([storeRQ('1.2.3'), dataSet(Buffer.alloc(1000))]));
    await until(() => server.receiver.open() === 1, 'it is being kept');
    const closed = server.close();
    expect((await busy.response()).status).toBe(0);
    await busy.aborted();
    await idle.aborted();
    await closed;
    expect(server.receiver.kept).toHaveLength(1);
    await expect(RawPeer.open(server.port)).rejects.toThrow();
  });

  it('cuts what does not end in time', async () => {
    const server = await start();
    const peer = await RawPeer.associated(server.port);
    peer.send(storeRQ('1.2.3'));
    peer.send(dataSet(Buffer.alloc(50_000)).subarray(0, 20_000));
    await until(() => server.receiver.open() === 1, 'under way');
    await server.close(100);
    expect(server.receiver.open()).toBe(0);
    peer.destroy();
  });
});

describe('SCU against peers that misbehave', () => {
  let listener: Server;
  let onSocket: (socket: Socket) => void;
  const sockets = new Set<Socket>();
  const peer = () => ({
    host: '127.0.0.1',
    port: (listener.address() as { port: number }).port,
    calledAE: 'PACS',
    callingAE: 'LIFEBOAT',
    artimTimeoutMs: 300,
    idleTimeoutMs: 300,
  });
  const instance = (n: number) => ({
    name: `i${n}`,
    sopClassUID: CT,
    sopInstanceUID: `1.2.${n}`,
    transferSyntaxUID: EXPLICIT,
    size: 100_000,
    async *open() {
      yield Buffer.alloc(100_000);
    },
  });
  const accept = (result = 0) =>
    encodeAssociateAC({
      calledAE: 'PACS',
      callingAE: 'LIFEBOAT',
      contexts: [{ id: 1, result, transferSyntax: EXPLICIT }],
      user: { maximumLength: 16_384, implementationClassUID: '1.2' },
    });

  beforeEach(async () => {
    onSocket = () => {};
    listener = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      onSocket(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise((resolve) => listener.close(resolve));
  });

  it('nobody listens', async () => {
    const { port } = peer();
    await new Promise((resolve) => listener.close(resolve));
    await expect(echo({ ...peer0, port })).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      message: 'The peer cannot be reached: connection refused.',
    });
    listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  });
  const peer0 = { host: '127.0.0.1', calledAE: 'PACS', callingAE: 'LIFEBOAT' };

  it('it takes the connection and never answers', async () => {
    await expect(echo(peer())).rejects.toMatchObject({ code: 'DIMSE_TIMEOUT' });
  });

  it('it rejects', async () => {
    onSocket = (socket) => socket.once('data', () => socket.write(Buffer.from([3, 0, 0, 0, 0, 4, 0, 1, 1, 7])));
    const report = await sendInstances({ ...peer(), instances: [instance(1), instance(2)] });
    expect(report).toMatchObject({ sent: 0, failed: 2 });
    expect(report.results[0]?.message).toMatch(/rejected: called AE title not recognized/);
  });

  it('it accepts the association but not the context', async () => {
    onSocket = (socket) => {
      socket.once('data', () => {
        socket.write(accept(4));
        socket.on('data', () => socket.write(Buffer.from([6, 0, 0, 0, 0, 4, 0, 0, 0, 0])));
      });
    };
    const report = await sendInstances({ ...peer(), instances: [instance(1)] });
    expect(report.results[0]).toMatchObject({ outcome: 'failed', error: { code: 'PEER_NO_CONTEXT' } });
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['aborts while we send', (socket) => socket.write(Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])), 'PEER_ABORTED'],
    ['closes while we send', (socket) => socket.destroy(), 'DIMSE_CONNECTION_LOST'],
    ['stops reading', (socket) => socket.pause(), 'DIMSE_TIMEOUT'],
    ['never responds', (socket) => socket.resume(), 'DIMSE_TIMEOUT'],
    ['answers nonsense', (socket) => socket.write(Buffer.from('HTTP/1.1 400')), 'DIMSE_PROTOCOL'],
  ])('it %s: nothing counts as sent', async (_what, misbehave, code) => {
    onSocket = (socket) => {
      socket.once('data', () => {
        socket.write(accept());
        socket.once('data', () => misbehave(socket));
      });
    };
    const big = {
      ...instance(1),
      size: 40_000_000,
      open: async function* () {
        for (let i = 0; i < 40; i++) yield Buffer.alloc(1_000_000);
      },
    };
    const report = await sendInstances({ ...peer(), instances: [big, instance(2)] });
    expect(report).toMatchObject({ sent: 0, warnings: 0, failed: 2 });
    expect(report.results[0]?.error?.code).toMatch(
      code === 'DIMSE_CONNECTION_LOST' ? /DIMSE_CONNECTION_LOST/ : new RegExp(code),
    );
  });

  it('a failure status is a failure with the peer’s words, a warning is sent with a note', async () => {
    const server = await start();
    const { LifeboatError } = await import('../../contract/errors.ts');
    const warning = new LifeboatError('INTERNAL', 'coerced');
    Object.assign(warning, { dimse: 0xb000 });
    server.receiver.failOn.set('1.2.1', { at: 'finish', error: new LifeboatError('SOP_INSTANCE_MISMATCH') });
    server.receiver.failOn.set('1.2.2', { at: 'finish', error: warning });
    const progress: string[] = [];
    const report = await sendInstances({
      ...peer(),
      port: server.port,
      idleTimeoutMs: 5_000,
      instances: [instance(1), instance(2), instance(3)],
      onProgress: (done, total, last) => progress.push(`${done}/${total} ${last.outcome}`),
    });
    expect(progress).toEqual(['1/3 failed', '2/3 warning', '3/3 sent']);
    expect(report.results[0]).toMatchObject({
      status: 0xa900,
      message: expect.stringMatching(/0xA900: SOP Instance UID/),
    });
    expect(report.results[1]?.message).toBe('sent, but the peer coerced data elements (0xB000: coerced)');
  });
});
