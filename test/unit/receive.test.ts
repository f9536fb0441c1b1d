import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFileHeader, parseFileHeader } from '../../storage/format/part10.ts';
import { builder, CT, ctDataSet } from '../support/build-data-set.ts';
import { realFiles } from '../support/files.ts';
import { feed, outcome, type Receiving, receiving } from '../support/receiving.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const RLE = '1.2.840.10008.1.2.5';
const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const END_OF_ITEM = 0xfffee00d;
const END_OF_SEQUENCE = 0xfffee0dd;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const partsIn = (dir: string) => readdirSync(dir).filter((n) => n.endsWith('.part'));

let r: Receiving;
beforeEach(async () => {
  r = await receiving();
});
afterEach(() => r.close());

const store = (bytes: Uint8Array, transferSyntaxUID = EXPLICIT, step?: number, announced = {}) =>
  feed(r.receiver.beginDataSet({ via: 'c-store', callingAE: 'CT1' }, { transferSyntaxUID, ...announced }), bytes, step);
const put = (bytes: Uint8Array, step?: number) => feed(r.receiver.beginFile({ via: 'stow', user: 'eva' }), bytes, step);

describe('a data set by C-STORE', () => {
  it.each([
    ['Explicit VR Little Endian', EXPLICIT, {}],
    ['Implicit VR Little Endian', IMPLICIT, { explicitVR: false }],
    ['Explicit VR Big Endian', BIG_ENDIAN, { bigEndian: true }],
  ])('is kept bit for bit behind a file header: %s', async (_name, transferSyntaxUID, encoding) => {
    const bytes = ctDataSet(encoding);
    const received = await store(bytes, transferSyntaxUID);
    expect(received).toMatchObject({
      studyInstanceUID: '1.2.3',
      seriesInstanceUID: '1.2.3.4',
      sopInstanceUID: '1.2.3.4.5',
      sopClassUID: CT,
      transferSyntaxUID,
      dataSetSha256: sha256(bytes),
    });
    const entry = r.entry(received);
    const file = readFileSync(entry.path);
    expect(file.length).toBe(received.size);
    expect(sha256(file)).toBe(entry.sha256);
    expect(file.subarray(entry.dataSetOffset).equals(bytes)).toBe(true);
    expect(parseFileHeader(file, true)).toMatchObject({
      wellFormed: true,
      transferSyntaxUID,
      sopClassUID: CT,
      sopInstanceUID: '1.2.3.4.5',
      dataSetOffset: entry.dataSetOffset,
    });
    expect(entry.notes).toEqual([]);
    expect(entry.source).toEqual({ via: 'c-store', callingAE: 'CT1' });
  });

  it('has the same whole hash each time it comes', async () => {
    const first = r.entry(await store(ctDataSet())).sha256;
    expect(r.entry(await store(ctDataSet(), EXPLICIT, 100)).sha256).toBe(first);
  });

  it('that is deflated is kept deflated and read inflated', async () => {
    const bytes = deflateRawSync(ctDataSet());
    const received = await store(bytes, DEFLATED, 50);
    expect(received).toMatchObject({ sopInstanceUID: '1.2.3.4.5', dataSetSha256: sha256(bytes) });
    expect(await outcome(store(bytes.subarray(0, bytes.length - 20), DEFLATED))).toBe('DATASET_TRUNCATED');
    expect(await outcome(store(Buffer.alloc(100, 0xff), DEFLATED))).toBe('DATASET_UNREADABLE');
  });

  it('that is announced in another encoding than it has gets the true one in its header', async () => {
    const received = await store(ctDataSet({ explicitVR: false }), EXPLICIT);
    const entry = r.entry(received);
    expect(received.transferSyntaxUID).toBe(IMPLICIT);
    expect(parseFileHeader(readFileSync(entry.path), true)!.transferSyntaxUID).toBe(IMPLICIT);
    expect(entry.notes.join()).toMatch(/announced transfer syntax did not fit/);
  });

  it.each([
    ['SOP_CLASS_MISMATCH', { sopClassUID: '1.2.840.10008.5.1.4.1.1.4' }],
    ['SOP_INSTANCE_MISMATCH', { sopInstanceUID: '1.2.3.4.6' }],
    ['STUDY_MISMATCH', { studyInstanceUID: '1.2.4' }],
    ['kept', { sopClassUID: `${CT}\0`, sopInstanceUID: '1.2.3.4.5 ', studyInstanceUID: '1.2.3' }],
  ])('that differs from what was announced: %s', async (expected, announced) => {
    expect(await outcome(store(ctDataSet(), EXPLICIT, undefined, announced))).toBe(expected);
  });

  it.each([
    ['DATASET_MISSING_UID', { studyInstanceUID: '' }],
    ['DATASET_MISSING_UID', { seriesInstanceUID: '' }],
    ['DATASET_MISSING_UID', { sopInstanceUID: '' }],
    ['DATASET_BAD_UID', { studyInstanceUID: '../../etc/passwd' }],
    ['DATASET_BAD_UID', { seriesInstanceUID: '..' }],
    ['DATASET_BAD_UID', { sopInstanceUID: '1.2.3<script>' }],
    ['DATASET_BAD_UID', { sopInstanceUID: `1.${'2'.repeat(63)}` }],
    ['DATASET_BAD_UID', { studyInstanceUID: '1'.repeat(60_000) }],
    ['kept', { sopInstanceUID: `1.${'2'.repeat(62)}` }],
    ['kept', { studyInstanceUID: '1.02.003 ' }],
  ])('%s: %j', async (expected, uids) => {
    expect(await outcome(store(ctDataSet(uids)))).toBe(expected);
    expect(partsIn(r.dir)).toEqual([]);
    expect(r.spool.entries()).toHaveLength(expected === 'kept' ? 1 : 0);
  });

  it('says what is cut off where', async () => {
    const bytes = ctDataSet();
    await expect(store(bytes.subarray(0, bytes.length - 100))).rejects.toThrow(
      'The data set ends before it should: it ends inside (7FE0,0010) Pixel Data, of whose 512 bytes 412 came.',
    );
  });

  it('is refused at every length short of the whole, unless it ends between elements', async () => {
    const bytes = ctDataSet({ rows: 2, columns: 2 });
    const kept: number[] = [];
    for (let length = 0; length < bytes.length; length++) {
      const result = await outcome(store(bytes.subarray(0, length)));
      if (result === 'kept') kept.push(length);
      else expect(result).toMatch(/^DATASET_(TRUNCATED|UNREADABLE|MISSING_UID)$/);
    }
    for (const length of kept) expect(await outcome(store(bytes.subarray(0, length - 1)))).not.toBe('kept');
    expect(kept.length).toBeLessThan(8);
  });

  it('with a whole file inside is refused in words', async () => {
    const header = buildFileHeader({ sopClassUID: CT, sopInstanceUID: '1.2', transferSyntaxUID: EXPLICIT });
    await expect(store(Buffer.concat([header.subarray(132), ctDataSet()]))).rejects.toThrow(/belongs in front/);
  });

  it('can be aborted at any time and leaves nothing', async () => {
    const reception = r.receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID: EXPLICIT });
    const bytes = ctDataSet({ rows: 1000, columns: 1000 });
    await reception.write(bytes.subarray(0, 1_500_000));
    reception.abort();
    reception.abort();
    await expect.poll(() => partsIn(r.dir)).toEqual([]);
    expect(r.spool.entries()).toEqual([]);
  });
});

describe('an abort while a write waits', () => {
  it.each([
    ['for the disk', EXPLICIT, ctDataSet({ rows: 2000, columns: 2000 })],
    ['for the inflater', DEFLATED, deflateRawSync(ctDataSet({ rows: 2000, columns: 2000 }))],
  ])('%s ends the write, leaves nothing and disturbs no neighbour', async (_name, transferSyntaxUID, bytes) => {
    const neighbours = Array.from({ length: 8 }, (_, i) =>
      store(ctDataSet({ sopInstanceUID: `1.7.${i}`, rows: 700, columns: 700 }), EXPLICIT, 30_000),
    );
    for (let i = 0; i < 8; i++) {
      const reception = r.receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID });
      const pending = reception.write(bytes);
      expect(pending).toBeInstanceOf(Promise);
      const ended = expect(pending).rejects.toThrow();
      reception.abort();
      await ended;
    }
    await Promise.all(neighbours);
    await expect.poll(() => partsIn(r.dir)).toEqual([]);
    expect(r.spool.entries()).toHaveLength(8);
    for (const entry of r.spool.entries()) expect(sha256(readFileSync(entry.path))).toBe(entry.sha256);
  });
});

describe('structure', () => {
  const { element, marker } = builder();
  const implicit = builder({ explicitVR: false });

  it.each([
    [
      'fragments that hold delimiter bytes',
      RLE,
      ctDataSet({
        pixelElement: Buffer.concat([
          element(0x7fe00010, 'OB', '', UNDEFINED),
          marker(ITEM, 0),
          marker(ITEM, 16),
          marker(END_OF_SEQUENCE, 0),
          marker(ITEM, 99),
          marker(END_OF_SEQUENCE, 0),
        ]),
      }),
      'kept',
    ],
    [
      'a fragment cut before the end of its sequence',
      RLE,
      ctDataSet({
        pixelElement: Buffer.concat([element(0x7fe00010, 'OB', '', UNDEFINED), marker(ITEM, 0), marker(ITEM, 0)]),
      }),
      'DATASET_TRUNCATED',
    ],
    [
      'UN of undefined length holding Implicit VR',
      EXPLICIT,
      ctDataSet({
        extra: Buffer.concat([
          element(0x00291010, 'UN', '', UNDEFINED),
          marker(ITEM, UNDEFINED),
          implicit.element(0x00080100, 'SH', 'X'),
          implicit.element(0x00290030, 'SQ', '', UNDEFINED),
          marker(END_OF_SEQUENCE, 0),
          marker(END_OF_ITEM, 0),
          marker(END_OF_SEQUENCE, 0),
        ]),
      }),
      'kept',
    ],
    [
      'a sequence of defined lengths',
      EXPLICIT,
      ctDataSet({
        extra: element(
          0x00400275,
          'SQ',
          Buffer.concat([marker(ITEM, 10), element(0x00080100, 'SH', 'X'), marker(ITEM, 0)]),
        ),
      }),
      'kept',
    ],
    [
      'an element that runs over the end of its item',
      EXPLICIT,
      ctDataSet({
        extra: element(0x00400275, 'SQ', Buffer.concat([marker(ITEM, 10), element(0x00080100, 'SH', 'X', 20)])),
      }),
      'DATASET_UNREADABLE',
    ],
    [
      'a delimiter where an item should be',
      EXPLICIT,
      ctDataSet({ extra: Buffer.concat([element(0x00400275, 'SQ', '', UNDEFINED), marker(END_OF_ITEM, 0)]) }),
      'DATASET_UNREADABLE',
    ],
    [
      '2,000 nested sequences',
      EXPLICIT,
      ctDataSet({
        extra: Buffer.concat(
          Array.from({ length: 2000 }, () =>
            Buffer.concat([element(0x00400275, 'SQ', '', UNDEFINED), marker(ITEM, UNDEFINED)]),
          ).concat(
            Array.from({ length: 2000 }, () => Buffer.concat([marker(END_OF_ITEM, 0), marker(END_OF_SEQUENCE, 0)])),
          ),
        ),
      }),
      'kept',
    ],
    [
      'sequences nested without end',
      EXPLICIT,
      ctDataSet({
        extra: Buffer.concat(
          Array.from({ length: 20_000 }, () =>
            Buffer.concat([element(0x00400275, 'SQ', '', UNDEFINED), marker(ITEM, UNDEFINED)]),
          ),
        ),
      }),
      'DATASET_UNREADABLE',
    ],
    ['trailing padding', EXPLICIT, Buffer.concat([ctDataSet(), element(0xfffcfffc, 'OB', Buffer.alloc(100))]), 'kept'],
    ['zeros up to a block boundary', EXPLICIT, Buffer.concat([ctDataSet(), Buffer.alloc(333)]), 'kept'],
    ['group lengths', EXPLICIT, Buffer.concat([element(0x00080000, 'UL', Buffer.alloc(4)), ctDataSet()]), 'kept'],
  ])('%s', async (_name, transferSyntaxUID, bytes, expected) => {
    expect(await outcome(store(bytes, transferSyntaxUID))).toBe(expected);
    expect(await outcome(store(bytes, transferSyntaxUID, 1))).toBe(expected);
  });
});

describe('a deflated bomb', () => {
  const bomb = deflateRawSync(
    ctDataSet({
      pixelElement: Buffer.concat([builder().element(0x7fe00010, 'OW', '', 200_000_000), Buffer.alloc(200_000_000)]),
    }),
  );
  it('is refused by its ratio', async () => {
    expect(await outcome(store(bomb, DEFLATED))).toBe('DATASET_BOMB');
    expect(r.spool.entries()).toEqual([]);
  });
  it('is refused by its size', async () => {
    const small = await receiving({ inflate: { maxBytes: 1_000_000 } });
    const reception = small.receiver.beginDataSet({ via: 'c-store' }, { transferSyntaxUID: DEFLATED });
    expect(await outcome(feed(reception, deflateRawSync(ctDataSet({ rows: 1000, columns: 1000 }))))).toBe(
      'DATASET_BOMB',
    );
    await small.close();
  });
});

describe('a file', () => {
  const header = buildFileHeader({ sopClassUID: CT, sopInstanceUID: '1.2.3.4.5', transferSyntaxUID: EXPLICIT });
  const file = Buffer.concat([header, ctDataSet()]);

  it('is kept with its own header', async () => {
    const own = Buffer.from(file);
    own.write('scanner', 0);
    const received = await put(own);
    expect(readFileSync(r.entry(received).path).equals(own)).toBe(true);
    expect(r.entry(received).sha256).toBe(sha256(own));
  });

  it.each([1, 7, 131, 132, 1000])('is the same in chunks of %i', async (step) => {
    expect(r.entry(await put(file, step)).sha256).toBe(sha256(file));
  });

  it.each([
    ['without preamble', file.subarray(132)],
    ['without file meta information', ctDataSet()],
    ['with junk in front', Buffer.concat([Buffer.from('\r\n\r\n'), file])],
    ['without group length', Buffer.concat([file.subarray(0, 132), file.subarray(144)])],
  ])('%s is understood, its data set untouched', async (_name, bytes) => {
    const received = await put(bytes);
    const entry = r.entry(received);
    expect(received.dataSetSha256).toBe(sha256(ctDataSet()));
    expect(readFileSync(entry.path).equals(file)).toBe(true);
    expect(entry.notes).toHaveLength(1);
  });

  it('of every real, well-formed kind arrives bit for bit', async () => {
    const files = realFiles().filter((f) => /^(ts|img|video|nonimage|test_files)\//.test(f.name));
    for (const { path } of files) {
      const bytes = readFileSync(path);
      const reception = r.receiver.beginFile({ via: 'import' });
      let received: Awaited<ReturnType<typeof put>>;
      try {
        received = await feed(reception, bytes);
      } catch (error) {
        // Colour palettes and some test images belong to no study.
        expect(`${path} ${(error as Error).message}`).toMatch(/has no|occurs twice|DICOMDIR/);
        continue;
      }
      const entry = r.entry(received);
      const kept = readFileSync(entry.path);
      const offset = parseFileHeader(bytes, true)!.dataSetOffset;
      expect(kept.subarray(entry.dataSetOffset).equals(bytes.subarray(offset))).toBe(true);
    }
  });
});
