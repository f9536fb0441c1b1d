import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { numberOf, numbersOf, textOf } from '../study/dicom-json.ts';
import { frameTypeMacros, holderOf } from '../study/frame-value.ts';
import type { Picture } from '../study/study-model.ts';
import { bulkValueOf, type ReadBulk } from './bulk-value.ts';
import type { Palette } from './decode-types.ts';

/** A Modality or VOI LUT (PS3.3 C.11.1, C.11.2). */
export interface LookupTable {
  firstMapped: number;
  /** Bits of an entry. */
  bits: number;
  data: Uint16Array;
}

async function entriesOf(
  attributes: DicomJson,
  tag: string,
  count: number,
  bigEndian: boolean,
  read: ReadBulk,
): Promise<Uint16Array | undefined> {
  const values = numbersOf(attributes, tag);
  if (values.length > 0) return Uint16Array.from(values, (value) => value & 0xffff);
  const bytes = await bulkValueOf(attributes, tag, bigEndian, read);
  if (!bytes) return undefined;
  if (bytes.length < count * 2) return Uint16Array.from(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => view.getUint16(i * 2, true));
}

function signed16(value: number): number {
  return value > 0x7fff ? value - 0x10000 : value;
}

/** Descriptor (entries, first mapped, bits): 0 entries means 65,536; the second value is signed with signed pixels. */
function descriptorOf(attributes: DicomJson, tag: string, signed: boolean) {
  const [entries = 0, first = 0, bits = 16] = numbersOf(attributes, tag);
  return { entries: entries === 0 ? 65536 : entries & 0xffff, firstMapped: signed ? signed16(first) : first, bits };
}

/** LUT of a Modality LUT Sequence or VOI LUT Sequence item, or undefined when it is not complete. */
export async function lookupTableOf(
  item: DicomJson,
  signed: boolean,
  bigEndian: boolean,
  read: ReadBulk,
): Promise<LookupTable | undefined> {
  const { entries, firstMapped, bits } = descriptorOf(item, '00283002', signed);
  const data = await entriesOf(item, '00283006', entries, bigEndian, read);
  return data && data.length > 0 ? { firstMapped, bits, data: data.subarray(0, entries) } : undefined;
}

/** Undoes Segmented Palette Color LUT Data (PS3.3 C.7.9.2): discrete, linear and indirect segments. */
export function expandSegments(segments: Uint16Array, entries: number): Uint16Array {
  const out: number[] = [];
  const run = (start: number, count: number): void => {
    let at = start;
    for (let n = 0; n < count && at < segments.length && out.length < entries; n += 1) {
      const opcode = segments[at]!;
      const length = segments[at + 1]!;
      if (opcode === 0) {
        for (let i = 0; i < length; i += 1) out.push(segments[at + 2 + i]!);
        at += 2 + length;
      } else if (opcode === 1) {
        const from = out[out.length - 1] ?? 0;
        const to = segments[at + 2]!;
        for (let i = 1; i <= length; i += 1) out.push(Math.round(from + ((to - from) * i) / length));
        at += 3;
      } else {
        run((segments[at + 2]! | (segments[at + 3]! << 16)) / 2, length);
        at += 4;
      }
    }
  };
  run(0, Number.POSITIVE_INFINITY);
  return Uint16Array.from(out.slice(0, entries));
}

/**
 * Whether a picture needs its Palette Color LUTs: all its values index them, or, as a supplement to grey (PS3.3 C.7.6.19),
 * those from the first mapped value on.
 */
export function needsPalette(picture: Picture): boolean {
  const photometric = textOf(picture.attributes, '00280004').toUpperCase();
  if (photometric === 'PALETTE COLOR') return true;
  const presentation = textOf(holderOf(picture, '00089205', frameTypeMacros), '00089205').toUpperCase();
  return photometric === 'MONOCHROME2' && (presentation === 'COLOR' || presentation === 'MIXED');
}

/** Palette Color LUTs of an instance, brought to 8 bits; undefined when it has none. */
export async function paletteOf(
  attributes: DicomJson,
  bigEndian: boolean,
  read: ReadBulk,
): Promise<Palette | undefined> {
  if (!attributes['00281101']) return undefined;
  const signed = numberOf(attributes, '00280103') === 1;
  const channels: Uint8Array[] = [];
  let first = 0;
  for (const [descriptor, plain, segmented] of [
    ['00281101', '00281201', '00281221'],
    ['00281102', '00281202', '00281222'],
    ['00281103', '00281203', '00281223'],
  ] as const) {
    const { entries, firstMapped, bits } = descriptorOf(attributes, descriptor, signed);
    first = firstMapped;
    let data = await entriesOf(attributes, plain, entries, bigEndian, read);
    if (!data) {
      const segments = await entriesOf(attributes, segmented, 0, bigEndian, read);
      data = segments && expandSegments(segments, entries);
    }
    if (!data) return undefined;
    const shift = bits > 8 && data.some((value) => value > 255) ? 8 : 0;
    channels.push(Uint8Array.from(data.subarray(0, entries), (value) => value >> shift));
  }
  return { firstMapped: first, red: channels[0]!, green: channels[1]!, blue: channels[2]! };
}
