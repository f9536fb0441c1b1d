import { describe, expect, it } from 'vitest';
import { negotiate } from '../../router/dimse/presentation-contexts.ts';
import { isStorageClass } from '../../router/dimse/sop-classes.ts';
import { chooseTransferSyntax } from '../../router/dimse/transfer-syntaxes.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const JPEG_LOSSLESS = '1.2.840.10008.1.2.4.70';
const J2K = '1.2.840.10008.1.2.4.91';
const MPEG4 = '1.2.840.10008.1.2.4.102';

describe('transfer syntax of a presentation context', () => {
  it.each<[string, string[], string | undefined]>([
    ['explicit over implicit, whatever the order', [IMPLICIT, EXPLICIT], EXPLICIT],
    ['big endian when nothing else is offered', [BIG_ENDIAN], BIG_ENDIAN],
    ['the compression named first, lossy too', [JPEG_BASELINE, EXPLICIT, IMPLICIT], JPEG_BASELINE],
    ['lossless compression though uncompressed is named first', [IMPLICIT, EXPLICIT, JPEG_LOSSLESS], JPEG_LOSSLESS],
    ['video wherever it stands', [IMPLICIT, MPEG4], MPEG4],
    ['no loss for our sake', [IMPLICIT, EXPLICIT, JPEG_BASELINE, J2K], EXPLICIT],
    ['the sender’s order among compressions', [J2K, JPEG_LOSSLESS], J2K],
    ['compressions the standard will add', ['1.2.840.10008.1.2.4.999'], '1.2.840.10008.1.2.4.999'],
    ['not JPIP, whose pixels stay elsewhere', ['1.2.840.10008.1.2.4.94'], undefined],
    ['not a private one nobody can read', ['1.3.6.1.4.1.99999.1'], undefined],
    ['a known one beside a private one', ['1.3.6.1.4.1.99999.1', IMPLICIT], IMPLICIT],
  ])('%s', (_what, offered, chosen) => {
    expect(chooseTransferSyntax(offered)).toBe(chosen);
  });
});

describe('abstract syntaxes', () => {
  it.each([
    ['CT Image', '1.2.840.10008.5.1.4.1.1.2', true],
    ['retired Ultrasound', '1.2.840.10008.5.1.4.1.1.6', true],
    ['retired Hardcopy Color', '1.2.840.10008.5.1.1.30', true],
    ['RT Beams Delivery Instruction', '1.2.840.10008.5.1.4.34.7', true],
    ['Hanging Protocol', '1.2.840.10008.5.1.4.38.1', true],
    ['a future storage class', '1.2.840.10008.5.1.4.1.1.999.1', true],
    ['Siemens CSA Non-Image', '1.3.12.2.1107.5.9.1', true],
    ['Study Root FIND', '1.2.840.10008.5.1.4.1.2.2.1', false],
    ['Modality Worklist', '1.2.840.10008.5.1.4.31', false],
    ['Storage Commitment', '1.2.840.10008.1.20.1', false],
    ['Protocol Approval FIND', '1.2.840.10008.5.1.4.1.1.200.4', false],
    ['Media Storage Directory', '1.2.840.10008.1.3.10', false],
    ['no UID at all', '../../etc/passwd', false],
  ])('%s', (_name, uid, accepted) => {
    expect(isStorageClass(uid)).toBe(accepted);
  });

  it('answers every context under its own number with the right reason', () => {
    const { answers, accepted } = negotiate([
      { id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: [IMPLICIT] },
      { id: 3, abstractSyntax: '1.2.840.10008.5.1.4.1.2.2.1', transferSyntaxes: [IMPLICIT] },
      { id: 5, abstractSyntax: '1.2.840.10008.5.1.4.1.1.2', transferSyntaxes: ['1.3.6.1.4.1.99999.1'] },
      { id: 255, abstractSyntax: '1.2.840.10008.5.1.4.1.1.2', transferSyntaxes: [JPEG_LOSSLESS] },
    ]);
    expect(answers.map((a) => [a.id, a.result])).toEqual([
      [1, 0],
      [3, 3],
      [5, 4],
      [255, 0],
    ]);
    expect([...accepted.keys()]).toEqual([1, 255]);
    expect(accepted.get(255)?.transferSyntax).toBe(JPEG_LOSSLESS);
  });
});
