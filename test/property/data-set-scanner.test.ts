import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { DataSetScanner } from '../../storage/format/data-set-scanner.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import type { Encoding } from '../../storage/format/scan-types.ts';
import { builder, ctDataSet } from '../support/build-data-set.ts';

const encodings: Encoding[] = [
  { explicitVR: true, bigEndian: false },
  { explicitVR: false, bigEndian: false },
  { explicitVR: true, bigEndian: true },
];
const UNDEFINED = 0xffffffff;

/** Everything a caller learns from a scan, in one comparable value. */
function scan(bytes: Uint8Array, encoding: Encoding, cuts: number[]): unknown {
  const scanner = new DataSetScanner(encoding);
  try {
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      const chunk = Uint8Array.from(bytes.subarray(at, Math.max(at, cut)));
      scanner.push(chunk);
      chunk.fill(0xee);
      at = Math.max(at, cut);
    }
    const { values, ...rest } = scanner.end();
    return { ...rest, values: [...values].map(([tag, v]) => [tag, v.length, Buffer.from(v.bytes).toString('hex')]) };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { code: error.code, message: error.message };
  }
}

const cutsOf = (length: number) =>
  fc.array(fc.nat({ max: length }), { maxLength: 12 }).map((cuts) => cuts.sort((a, b) => a - b));

type Tree = { tag: number; value: Uint8Array } | { tag: number; undefinedLength: boolean; items: Tree[][] };
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    fc.record({
      tag: fc.integer({ min: 0x00290000, max: 0x0029ffff }),
      value: fc.uint8Array({ maxLength: 40 }).filter((v) => v.length % 2 === 0),
    }),
    fc.record({
      tag: fc.integer({ min: 0x00290000, max: 0x0029ffff }),
      undefinedLength: fc.boolean(),
      items: fc.array(fc.array(tie('tree'), { maxLength: 3 }), { maxLength: 3 }),
    }),
  ),
}));

function encode(node: Tree, encoding: Encoding): Buffer {
  const { element, marker } = builder(encoding);
  if ('value' in node) return element(node.tag, 'OB', node.value);
  const items = node.items.map((children) => {
    const body = Buffer.concat(children.map((child) => encode(child, encoding)));
    return node.undefinedLength
      ? Buffer.concat([marker(0xfffee000, UNDEFINED), body, marker(0xfffee00d, 0)])
      : Buffer.concat([marker(0xfffee000, body.length), body]);
  });
  const body = Buffer.concat(items);
  return node.undefinedLength
    ? Buffer.concat([element(node.tag, 'SQ', '', UNDEFINED), body, marker(0xfffee0dd, 0)])
    : element(node.tag, 'SQ', body);
}

const dataSet = fc.tuple(fc.constantFrom(...encodings), fc.array(tree, { maxLength: 4 })).map(([encoding, trees]) => ({
  encoding,
  bytes: ctDataSet({
    ...encoding,
    rows: 4,
    columns: 4,
    extra: Buffer.concat(trees.map((node) => encode(node, encoding))),
  }),
}));

describe('the scanner', () => {
  it('understands every well-formed data set', () => {
    fc.assert(
      fc.property(dataSet, ({ encoding, bytes }) => {
        expect(scan(bytes, encoding, [])).toMatchObject({
          encoding,
          pixelData: { kind: 'native', length: 32 },
          length: bytes.length,
        });
      }),
    );
  });

  it('comes to the same result however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(
        dataSet.chain(({ encoding, bytes }) =>
          fc.record({
            encoding: fc.constant(encoding),
            // whole, cut off, or with some bytes overwritten
            bytes: fc.oneof(
              fc.constant(bytes),
              fc.nat({ max: bytes.length }).map((n) => bytes.subarray(0, n)),
              fc
                .array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), {
                  minLength: 1,
                  maxLength: 4,
                })
                .map((edits) => {
                  const copy = Buffer.from(bytes);
                  for (const [at, byte] of edits) copy[at] = byte;
                  return copy;
                }),
            ),
            cuts: cutsOf(bytes.length),
          }),
        ),
        ({ encoding, bytes, cuts }) => {
          const whole = scan(bytes, encoding, []);
          expect(
            scan(
              bytes,
              encoding,
              cuts.map((cut) => Math.min(cut, bytes.length)),
            ),
          ).toEqual(whole);
          expect(
            scan(
              bytes,
              encoding,
              Array.from(bytes, (_, i) => i),
            ),
          ).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('answers random bytes with an error of ours or a result, never otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(...encodings), (bytes, encoding) => {
        const start = Buffer.concat([ctDataSet({ ...encoding, pixelElement: Buffer.alloc(0) }), bytes]);
        scan(bytes, encoding, [1, 9, 100]);
        scan(start, encoding, []);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps no more than a few hundred bytes of values, however long they are', () => {
    const scanner = new DataSetScanner({ explicitVR: true, bigEndian: false });
    const { element } = builder();
    scanner.push(element(0x00100010, 'UN', '', 4_000_000_000));
    const chunk = new Uint8Array(1_000_000);
    for (let i = 0; i < 4000; i++) scanner.push(chunk);
    const { values, length } = scanner.end();
    expect(length).toBe(4_000_000_012);
    expect(values.get(0x00100010)).toMatchObject({ length: 4_000_000_000, bytes: { length: 256 } });
  });
});

describe('the file header parser', () => {
  it('answers random bytes with an error of ours, a result, or a wish for more', () => {
    const mostlyHeader = fc
      .uint8Array({ maxLength: 400 })
      .map((tail) => Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.from([2, 0]), tail]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 3000 }), mostlyHeader), fc.boolean(), (bytes, atEnd) => {
        try {
          const header = parseFileHeader(bytes, atEnd);
          if (header) expect(header.dataSetOffset).toBeLessThanOrEqual(bytes.length);
          else expect(atEnd).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(LifeboatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
