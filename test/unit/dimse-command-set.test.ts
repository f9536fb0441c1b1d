import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommandSet, errorComment, parseCommandSet } from '../../router/dimse/command-set.ts';
import { ProtocolViolation } from '../../router/dimse/pdu.ts';
import { transition } from '../../router/dimse/upper-layer-table.ts';

describe('command set', () => {
  it('reads back what it writes, padding removed', () => {
    const command = {
      affectedSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      commandField: 0x8001,
      messageIDBeingRespondedTo: 7,
      commandDataSetType: 0x0101,
      status: 0xa700,
      errorComment: 'No room.',
      affectedSOPInstanceUID: '1.2.3',
    };
    const bytes = encodeCommandSet(command);
    expect(bytes.length % 2).toBe(0);
    expect(bytes.readUInt32LE(8)).toBe(bytes.length - 12);
    expect(parseCommandSet(bytes)).toEqual(command);
  });

  it('meets garbage with a ProtocolViolation and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          parseCommandSet(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 1000 },
    );
    expect(() => parseCommandSet(Buffer.alloc(0))).toThrow(/lacks/);
  });
});

describe('error comment', () => {
  it('is at most 64 plain characters, cut at a word', () => {
    const comment = errorComment('The router has no room left to keep this image; free disk space and send again.');
    expect(comment).toBe('The router has no room left to keep this image; free disk space');
    expect(errorComment('Größe\\passt nicht')).toBe('Gr??e/passt nicht');
    expect(errorComment('x'.repeat(100))).toHaveLength(64);
  });
});

describe('upper layer states (PS3.8 Table 9-10)', () => {
  it.each([
    ['Sta2', 'associate-rq-pdu', 'AE-6', 'Sta3'],
    ['Sta2', 'p-data-pdu', 'AA-1', 'Sta13'],
    ['Sta2', 'artim-expired', 'AA-2', 'Sta1'],
    ['Sta3', 'associate-reject', 'AE-8', 'Sta13'],
    ['Sta5', 'associate-ac-pdu', 'AE-3', 'Sta6'],
    ['Sta6', 'associate-rq-pdu', 'AA-8', 'Sta13'],
    ['Sta6', 'release-rq-pdu', 'AR-2', 'Sta8'],
    ['Sta7', 'p-data-pdu', 'AR-6', 'Sta7'],
    ['Sta13', 'transport-closed', 'AR-5', 'Sta1'],
  ] as const)('%s, %s: %s, then %s', (state, event, action, next) => {
    expect(transition(state, event, 'acceptor')).toEqual({ action, next });
  });

  it('tells requestor and acceptor apart when both release at once', () => {
    expect(transition('Sta7', 'release-rq-pdu', 'requestor')?.next).toBe('Sta9');
    expect(transition('Sta7', 'release-rq-pdu', 'acceptor')?.next).toBe('Sta10');
  });
});
