import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAssociateAC, encodeAssociateRQ, parseAssociateAC, parseAssociateRQ } from '../../router/dimse/acse.ts';
import { encodePData, ProtocolViolation } from '../../router/dimse/pdu.ts';
import { MAX_ASSOCIATE_PDU, PduDecoder } from '../../router/dimse/pdu-decoder.ts';

const MAX = 16_384;

/** Runs a decoder over chunks and writes down what it hands on, PDV pieces joined. */
async function decode(chunks: Buffer[], asynchronous = false): Promise<string[]> {
  const seen: string[] = [];
  let pieces: Buffer[] = [];
  const decoder = new PduDecoder(
    {
      pduHeader() {},
      pdu: (type, body) => {
        seen.push(`pdu ${type} ${body.toString('hex')}`);
      },
      pdv: (id, control, piece, end) => {
        pieces.push(Buffer.from(piece));
        if (end) {
          seen.push(`pdv ${id} ${control} ${Buffer.concat(pieces).toString('hex')}`);
          pieces = [];
        }
        return asynchronous ? Promise.resolve() : undefined;
      },
    },
    MAX,
  );
  for (const chunk of chunks) await decoder.push(chunk);
  return seen;
}

const conversation = Buffer.concat([
  encodeAssociateRQ({
    calledAE: 'LIFEBOAT',
    callingAE: 'CT1',
    contexts: [{ id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: ['1.2.840.10008.1.2'] }],
    user: { maximumLength: MAX, implementationClassUID: '1.2.3' },
  }),
  encodePData(1, Buffer.from('a command'), true, true),
  // One PDU with two PDVs, the first of them empty.
  Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 14, 0, 0, 0, 2, 1, 0, 0, 0, 0, 4, 1, 2]), Buffer.from('ok')]),
  encodePData(1, Buffer.alloc(300, 5), false, true),
  Buffer.from([5, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
]);

describe('PDU decoder', () => {
  it('gives the same whatever way the bytes are cut, with and without back-pressure', async () => {
    const whole = await decode([conversation]);
    expect(whole).toHaveLength(6);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(conversation.length), { maxLength: 20 }),
        fc.boolean(),
        async (cuts, asynchronous) => {
          const at = [0, ...cuts.sort((a, b) => a - b), conversation.length];
          const chunks = at.slice(1).map((end, i) => conversation.subarray(at[i], end));
          expect(await decode(chunks, asynchronous)).toEqual(whole);
        },
      ),
    );
    const single = Array.from(conversation, (byte) => Buffer.from([byte]));
    expect(await decode(single)).toEqual(whole);
  });

  it('hands pixel bytes on as views of the chunk, not copies', () => {
    const pdu = encodePData(1, Buffer.alloc(5000, 7), false, true);
    let shared = false;
    const decoder = new PduDecoder(
      {
        pduHeader() {},
        pdu() {},
        pdv: (_id, _control, piece) => {
          shared = piece.buffer === pdu.buffer;
        },
      },
      MAX,
    );
    decoder.push(pdu);
    expect(shared).toBe(true);
  });

  const refused: Array<[string, number[]]> = [
    ['a P-DATA-TF longer than announced', [4, 0, 0, 0, 0x40, 1]],
    ['a P-DATA-TF of 4 GiB', [4, 0, 0xff, 0xff, 0xff, 0xf0]],
    ['a P-DATA-TF too short for a PDV', [4, 0, 0, 0, 0, 5]],
    ['a PDV longer than its PDU', [4, 0, 0, 0, 0, 10, 0, 0, 0, 7, 1, 0]],
    ['a PDV shorter than its own header', [4, 0, 0, 0, 0, 10, 0, 0, 0, 1, 1, 0]],
    ['stray bytes after the last PDV', [4, 0, 0, 0, 0, 10, 0, 0, 0, 4, 1, 0]],
    ['an unknown PDU type', [9, 0, 0, 0, 0, 4]],
    ['PDU type 0', [0, 0, 0, 0, 0, 4]],
    ['an association request without end', [1, 0, 0, 0x10, 0, 0]],
    ['an A-ABORT of 5 bytes', [7, 0, 0, 0, 0, 5]],
    ['an empty association request', [1, 0, 0, 0, 0, 0]],
  ];
  it.each(refused)('refuses %s on its header alone', async (_what, bytes) => {
    await expect(decode([Buffer.from(bytes)])).rejects.toThrow(ProtocolViolation);
  });

  it('never hands on more than came, and never fails otherwise than with a ProtocolViolation, on random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 8 }), async (bytes, type) => {
        const input = Buffer.concat([Buffer.from([type, 0, 0, 0, 0]), bytes]);
        try {
          await decode([input]);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('association PDUs', () => {
  it('takes a request with every one of 128 contexts offering 50 transfer syntaxes', () => {
    const transferSyntaxes = Array.from({ length: 50 }, (_, i) => `1.2.840.10008.1.2.4.${50 + i}`);
    const contexts = Array.from({ length: 128 }, (_, i) => ({
      id: 2 * i + 1,
      abstractSyntax: `1.2.840.10008.5.1.4.1.1.${i}`,
      transferSyntaxes,
    }));
    const user = {
      maximumLength: 0,
      implementationClassUID: '1.2.3',
      implementationVersionName: 'TEST',
      asynchronousWindow: { invoked: 4, performed: 1 },
      roles: [{ sopClass: '1.2.840.10008.5.1.4.1.1.2', scu: true, scp: false }],
    };
    const pdu = encodeAssociateRQ({ calledAE: 'A', callingAE: 'B', contexts, user });
    expect(pdu.length).toBeLessThan(MAX_ASSOCIATE_PDU);
    const parsed = parseAssociateRQ(pdu.subarray(6));
    expect(parsed).toMatchObject({ calledAE: 'A', callingAE: 'B', contexts, user, protocolVersion: 1 });
  });

  it('reads back an acceptance', () => {
    const accept = {
      calledAE: 'A',
      callingAE: 'B',
      contexts: [
        { id: 1, result: 0, transferSyntax: '1.2.840.10008.1.2.1' },
        { id: 3, result: 4, transferSyntax: '1.2.840.10008.1.2' },
      ],
      user: { maximumLength: 1234, implementationClassUID: '1.2.3' },
    };
    expect(parseAssociateAC(encodeAssociateAC(accept).subarray(6))).toEqual(accept);
  });

  it('meets garbage in a request with a ProtocolViolation or a parse, nothing else, and no control characters', () => {
    const good = encodeAssociateRQ({
      calledAE: 'LIFEBOAT',
      callingAE: 'CT1',
      contexts: [{ id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: ['1.2.840.10008.1.2'] }],
      user: { maximumLength: MAX, implementationClassUID: '1.2.3' },
    }).subarray(6);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(good.length),
        (changes, length) => {
          const bad = Buffer.from(good);
          for (const [at, byte] of changes) bad[at] = byte;
          try {
            const parsed = parseAssociateRQ(bad.subarray(0, length));
            // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not get through
            expect(parsed.callingAE).not.toMatch(/[\x00-\x1f]/);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolViolation);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['an even context ID', 2],
    ['a context ID used twice', 1],
  ])('refuses %s', (_what, id) => {
    const context = { abstractSyntax: '1.2.3', transferSyntaxes: ['1.2.840.10008.1.2'] };
    const pdu = encodeAssociateRQ({
      calledAE: 'A',
      callingAE: 'B',
      contexts: [
        { ...context, id: 1 },
        { ...context, id },
      ],
      user: { maximumLength: 0, implementationClassUID: '1.2.3' },
    });
    expect(() => parseAssociateRQ(pdu.subarray(6))).toThrow(/context ID/);
  });
});
