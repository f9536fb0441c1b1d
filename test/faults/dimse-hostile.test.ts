import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { encodeAssociateRQ } from '../../router/dimse/acse.ts';
import { encodeCommandSet } from '../../router/dimse/command-set.ts';
import { encodePData } from '../../router/dimse/pdu.ts';
import { type OutgoingInstance, sendInstances } from '../../router/dimse/storage-scu.ts';
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

let server: TestServer;
let neighbour: ReturnType<typeof sendInstances>;
let stopNeighbour = false;
const SLICES = 60;

/** Slices that keep being sent, unhurried, for as long as the hostile peer is at work. */
function slices(): OutgoingInstance[] {
  const bytes = randomBytes(64 * 1024);
  return Array.from({ length: SLICES }, (_, i) => ({
    name: `slice ${i}`,
    sopClassUID: CT,
    sopInstanceUID: `1.2.3.${i}`,
    transferSyntaxUID: EXPLICIT,
    size: bytes.length,
    async *open() {
      yield bytes;
      if (!stopNeighbour) await new Promise((resolve) => setTimeout(resolve, 10));
    },
  }));
}

beforeEach(async () => {
  stopNeighbour = false;
  server = await testServer({ artimTimeoutMs: 1_000 });
  neighbour = sendInstances({
    host: '127.0.0.1',
    port: server.port,
    calledAE: 'LIFEBOAT',
    callingAE: 'NEIGHBOUR',
    instances: slices(),
  });
  await until(() => server.receiver.kept.length > 0, 'the neighbour sends');
});

afterEach(async () => {
  stopNeighbour = true;
  const report = await neighbour;
  expect(report).toMatchObject({ sent: SLICES, failed: 0 });
  expect(server.receiver.kept.filter((k) => k.source.callingAE === 'NEIGHBOUR')).toHaveLength(SLICES);
  expect(server.receiver.open()).toBe(0);
  await server.stop();
});

describe('a hostile or broken peer on the DICOM port, while a neighbour sends', () => {
  const wrong: Array<[what: string, bytes: () => Buffer, source: number, reason: number, row: RegExp]> = [
    ['a PDU of a type that does not exist', () => Buffer.from([0x99, 0, 0, 0, 0, 4]), 2, 1, /type 0x99/],
    ['a PDU length of 4 GiB', () => Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xf0]), 2, 6, /4294967280 bytes/],
    ['a second association request', () => associateRQ(), 2, 2, /not its turn/],
    ['a PDV longer than its PDU', () => Buffer.from([4, 0, 0, 0, 0, 10, 0, 0, 1, 0, 1, 3]), 2, 6, /256 bytes/],
    ['a context that was not accepted', () => encodePData(7, Buffer.from('x'), true, true), 2, 6, /context 7/],
    ['a data set without a command', () => encodePData(3, Buffer.from('xx'), false, false), 0, 0, /without a command/],
    [
      'a command set that is none',
      () => encodePData(1, randomBytes(50).fill(0xee, 0, 2), true, true),
      0,
      0,
      /ommand set/,
    ],
    [
      'a command set without end',
      () => Buffer.concat(Array.from({ length: 6 }, () => encodePData(1, Buffer.alloc(16_000), true, false))),
      0,
      0,
      /no end/,
    ],
    [
      'a command in the middle of a data set',
      () => Buffer.concat([storeRQ('1.2.3'), encodePData(3, Buffer.alloc(100), false, false), storeRQ('1.2.4')]),
      0,
      0,
      /middle of a data set/,
    ],
    [
      'a data set that changes its context',
      () => Buffer.concat([storeRQ('1.2.3'), encodePData(1, Buffer.alloc(100), false, false)]),
      0,
      0,
      /changed its presentation context/,
    ],
    [
      'a response to nothing',
      () =>
        encodePData(1, encodeCommandSet({ commandField: 0x8030, commandDataSetType: 0x0101, status: 0 }), true, true),
      0,
      0,
      /never made/,
    ],
  ];
  it.each(wrong)('%s: A-ABORT with its reason, a row for IT', async (_what, bytes, source, reason, row) => {
    const peer = await RawPeer.associated(server.port);
    peer.send(bytes());
    expect(await peer.aborted()).toEqual({ source, reason });
    await peer.closed();
    await until(() => server.refusals.length > 0, 'a refusal row');
    expect(server.refusals).toHaveLength(1);
    expect(server.refusals[0]).toMatchObject({ channel: 'DIMSE', peer: 'CT1@127.0.0.1', code: 'DIMSE_PROTOCOL' });
    expect(server.refusals[0]!.message).toMatch(row);
  });

  it('600 MB of zeros behind a PDU length of 0xFFFFFFF0: cut off, nothing buffered', async () => {
    const before = process.memoryUsage().rss;
    let highest = before;
    const peer = await RawPeer.associated(server.port);
    peer.send(Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xf0]));
    const zeros = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (sent < 600 && !peer.socket.destroyed) {
      highest = Math.max(highest, process.memoryUsage().rss);
      const room = peer.socket.write(zeros);
      sent++;
      if (!room) {
        await new Promise<void>((resolve) => {
          peer.socket.once('drain', resolve);
          peer.socket.once('close', () => resolve());
        });
      }
    }
    await peer.closed();
    expect(sent).toBeLessThan(600);
    expect(highest - before).toBeLessThan(100 * 1024 * 1024);
    expect(server.refusals[0]?.message).toMatch(/4294967280 bytes/);
  });

  it('random bytes from the first byte on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 6, maxLength: 300 }), async (bytes) => {
        const peer = await RawPeer.open(server.port);
        peer.send(bytes);
        peer.socket.end();
        await peer.closed();
      }),
      { numRuns: 100 },
    );
  });

  it('a valid request with bytes overwritten is accepted, rejected or aborted, never left hanging', async () => {
    const good = associateRQ();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 6, max: good.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const bad = Buffer.from(good);
          for (const [at, byte] of changes) bad[at] = byte;
          const peer = await RawPeer.open(server.port);
          peer.send(bad);
          expect([2, 3, 7]).toContain((await peer.pdu())?.type);
          peer.destroy();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('more than 128 presentation contexts', async () => {
    const contexts = Array.from({ length: 129 }, (_, i) => ({
      id: (2 * i + 1) % 256,
      abstractSyntax: CT,
      transferSyntaxes: [EXPLICIT],
    }));
    const peer = await RawPeer.open(server.port);
    peer.send(
      encodeAssociateRQ({
        calledAE: 'LIFEBOAT',
        callingAE: 'CT1',
        contexts,
        user: { maximumLength: 0, implementationClassUID: '1.2' },
      }),
    );
    expect(await peer.aborted()).toEqual({ source: 2, reason: 6 });
    expect(server.refusals[0]?.message).toMatch(/used twice/);
  });

  it('an association PDU of 10 MB is refused before it is read', async () => {
    const peer = await RawPeer.open(server.port);
    peer.send(Buffer.from([1, 0, 0, 0x98, 0x96, 0x80]));
    expect(await peer.aborted()).toEqual({ source: 2, reason: 6 });
  });

  it('a conversation sent byte by byte is understood', async () => {
    const peer = await RawPeer.open(server.port);
    const bytes = Buffer.concat([associateRQ('SLOW'), storeRQ('1.9.9'), dataSet(Buffer.from('pixels')), RELEASE_RQ]);
    for (let i = 0; i < bytes.length; i++) {
      peer.send(bytes.subarray(i, i + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await peer.pdu())?.type).toBe(2);
    expect((await peer.response()).status).toBe(0);
    expect((await peer.pdu())?.type).toBe(6);
    peer.destroy();
    expect(server.receiver.kept.some((k) => k.source.callingAE === 'SLOW' && k.size === 6)).toBe(true);
  });

  it.each(['reset', 'abort', 'close'])('%s at any byte leaves nothing behind, or the whole image', async (how) => {
    const bytes = Buffer.concat([associateRQ('CUT'), storeRQ('1.8.8'), dataSet(Buffer.alloc(40_000, 1))]);
    const complete = bytes.length;
    for (let cut = 1; cut < complete; cut += how === 'abort' ? 997 : 499) {
      const peer = await RawPeer.open(server.port);
      peer.send(bytes.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      if (how === 'reset') peer.socket.resetAndDestroy();
      else if (how === 'close') peer.socket.end();
      else peer.socket.end(Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 0, 0]));
      await peer.closed();
    }
    await until(() => server.receiver.open() <= 1, 'half images are dropped');
    expect(server.receiver.kept.filter((k) => k.source.callingAE === 'CUT')).toHaveLength(0);
    expect(server.refusals.some((r) => /middle of an image/.test(r.message))).toBe(true);
  });
});

describe('one image that cannot be kept', () => {
  it.each(['write', 'finish'] as const)('at %s: its status and comment, and the next one goes through', async (at) => {
    server.receiver.failOn.set('1.7.1', { at, error: new LifeboatError('SPOOL_FULL') });
    const peer = await RawPeer.associated(server.port, 'FULL');
    peer.send(Buffer.concat([storeRQ('1.7.1', 1), dataSet(Buffer.alloc(100_000))]));
    expect(await peer.response()).toMatchObject({
      commandField: 0x8001,
      messageIDBeingRespondedTo: 1,
      status: 0xa700,
      errorComment: 'The router has no room left to keep this image; free disk space',
      affectedSOPInstanceUID: '1.7.1',
    });
    peer.send(Buffer.concat([storeRQ('1.7.2', 2), dataSet(Buffer.alloc(100_000))]));
    expect(await peer.response()).toMatchObject({ messageIDBeingRespondedTo: 2, status: 0 });
    peer.send(RELEASE_RQ);
    expect((await peer.pdu())?.type).toBe(6);
    peer.destroy();
    expect(server.refusals).toEqual([
      expect.objectContaining({ code: 'SPOOL_FULL', sopInstanceUID: '1.7.1', peer: 'FULL@127.0.0.1' }),
    ]);
    await until(() => server.audited.some((a) => a.includes('FULL')), 'audit');
    expect(server.audited.find((a) => a.includes('FULL'))).toMatch(/1 kept, 1 refused/);
  });

  it('without an instance UID, or announced without a data set: 0xC000 and still associated', async () => {
    const peer = await RawPeer.associated(server.port);
    peer.send(Buffer.concat([storeRQ(undefined, 1), dataSet(Buffer.alloc(100))]));
    expect(await peer.response()).toMatchObject({ status: 0xc000, errorComment: expect.stringMatching(/lacks/) });
    peer.send(storeRQ('1.2.3', 2, 0x0101));
    expect(await peer.response()).toMatchObject({ status: 0xc000, messageIDBeingRespondedTo: 2 });
    peer.send(echoRQ(3));
    expect(await peer.response()).toMatchObject({ status: 0, commandField: 0x8030 });
    peer.destroy();
  });

  it('an operation that is not served: 0x0211, and still associated', async () => {
    const peer = await RawPeer.associated(server.port);
    const find = { commandField: 0x0020, messageID: 5, commandDataSetType: 1, affectedSOPClassUID: CT };
    peer.send(Buffer.concat([encodePData(3, encodeCommandSet(find), true, true), dataSet(Buffer.alloc(10))]));
    expect(await peer.response()).toMatchObject({ status: 0x0211, commandField: 0x8020, messageIDBeingRespondedTo: 5 });
    peer.send(echoRQ(6));
    expect(await peer.response()).toMatchObject({ status: 0 });
    peer.destroy();
  });
});

describe('leaks', () => {
  let before: number;
  beforeAll(() => {
    before = process.getActiveResourcesInfo().length;
  });
  afterAll(() => {
    expect(process.getActiveResourcesInfo().length).toBeLessThan(before + 20);
  });
  it('after 1,000 aborted associations nothing of them is left', async () => {
    for (let round = 0; round < 50; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const peer = await RawPeer.associated(server.port, 'GONE');
          peer.send(Buffer.concat([storeRQ('1.2.3'), encodePData(3, Buffer.alloc(10_000), false, false)]));
          if (i % 2) peer.send(Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 0, 0]));
          else peer.socket.resetAndDestroy();
          await peer.closed();
        }),
      );
    }
    await until(() => server.receiver.open() <= 1, 'receptions are dropped');
    await until(() => server.associations().length <= 1, 'associations are gone');
    expect(server.receiver.kept.every((k) => k.source.callingAE === 'NEIGHBOUR')).toBe(true);
  });
});
