import { LifeboatError } from '../../../contract/errors.ts';
import type { DicomJson, DicomJsonElement } from '../../../storage/format/manifest.ts';
import { numberAt, numbersAt } from '../image-description.ts';
import type { LookupTable, Palette, RenderTables, Window } from './render-types.ts';

/** Reads a bulk value of the object. */
export type ReadBulk = (offset: number, length: number) => Promise<Uint8Array>;

async function words(element: DicomJsonElement | undefined, read: ReadBulk, entries: number): Promise<Uint16Array> {
  if (!element) return new Uint16Array(0);
  if (element.Value) return Uint16Array.from(element.Value, (value) => Number(value) & 0xffff);
  const match = /^bulk:(\d+):(\d+)$/.exec(element.BulkDataURI ?? '');
  const bytes = match
    ? await read(Number(match[1]), Number(match[2]))
    : Buffer.from(element.InlineBinary ?? '', 'base64');
  // Eight-bit tables are packed two to a word (PS3.3 C.7.6.3.1.6).
  if (bytes.length < entries * 2) return Uint16Array.from(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(i * 2, true));
}

async function table(
  descriptor: number[],
  data: DicomJsonElement | undefined,
  read: ReadBulk,
  signed: boolean,
): Promise<LookupTable | undefined> {
  const [count = 0, first = 0, bits = 16] = descriptor;
  const entries = count === 0 ? 65536 : count;
  const values = await words(data, read, entries);
  if (values.length === 0) return undefined;
  return {
    first: signed && first > 32767 ? first - 65536 : first,
    data: values.subarray(0, entries),
    // Many files say 16 though their entries are 8 bits.
    bits: bits > 8 && Math.max(...sample(values)) <= 0xff ? 8 : bits,
  };
}

function sample(values: Uint16Array): Uint16Array {
  return values.length > 65536 ? values.subarray(0, 65536) : values;
}

function itemOf(json: DicomJson, tag: string): DicomJson | undefined {
  return json[tag]?.Value?.[0] as DicomJson | undefined;
}

async function sequenceTable(json: DicomJson, tag: string, read: ReadBulk, signed: boolean) {
  const item = itemOf(json, tag);
  if (!item) return undefined;
  const found = await table(numbersAt(item, '00283002'), item['00283006'], read, signed);
  if (!found) return undefined;
  return { ...found, bits: numbersAt(item, '00283002')[2] ?? 16 };
}

async function paletteOf(json: DicomJson, read: ReadBulk, signed: boolean): Promise<Palette | undefined> {
  const [red, green, blue] = await Promise.all(
    ['1', '2', '3'].map((n) => table(numbersAt(json, `0028110${n}`), json[`0028120${n}`], read, signed)),
  );
  if (red && green && blue) return { red, green, blue };
  if (json['00281221']) throw new LifeboatError('CANNOT_RENDER', 'Segmented palettes cannot be rendered.');
  return undefined;
}

function windowOf(json: DicomJson): Window | undefined {
  const center = numberAt(json, '00281050');
  const width = numberAt(json, '00281051');
  if (center === undefined || width === undefined || width < 1e-9) return undefined;
  const name = String(json['00281056']?.Value?.[0] ?? 'LINEAR');
  const shape = name === 'LINEAR_EXACT' || name === 'SIGMOID' ? name : 'LINEAR';
  return shape === 'LINEAR' && width < 1 ? undefined : { center, width, shape };
}

/** Functional groups of a frame over those shared by all, over the object's own (PS3.3 C.7.6.16). */
function groupOf(json: DicomJson, frame: number, tag: string): DicomJson {
  const perFrame = json['52009230']?.Value?.[frame - 1] as DicomJson | undefined;
  const shared = itemOf(json, '52009229');
  return (perFrame && itemOf(perFrame, tag)) ?? (shared && itemOf(shared, tag)) ?? json;
}

/** Presentation LUT Shape where there is one, else MONOCHROME1 (PS3.3 C.7.6.3.1.2, C.11.6.1.2). */
function isInverse(json: DicomJson): boolean {
  const shape = json['20500020']?.Value?.[0];
  if (shape === 'INVERSE' || shape === 'IDENTITY') return shape === 'INVERSE';
  return json['00280004']?.Value?.[0] === 'MONOCHROME1';
}

/** What turns this frame's stored values into grey or colour, from the full attributes. */
export async function renderTables(json: DicomJson, frame: number, read: ReadBulk): Promise<RenderTables> {
  const signed = numberAt(json, '00280103') === 1;
  const modality = groupOf(json, frame, '00289145');
  const voi = groupOf(json, frame, '00289132');
  const tables: RenderTables = {
    slope: numberAt(modality, '00281053') ?? 1,
    intercept: numberAt(modality, '00281052') ?? 0,
    inverse: isInverse(json),
  };
  const modalityLut = await sequenceTable(json, '00283000', read, signed);
  if (modalityLut) tables.modalityLut = modalityLut;
  const window = windowOf(voi);
  if (window) tables.window = window;
  const voiLut = await sequenceTable(json, '00283010', read, signed);
  if (voiLut) tables.voiLut = voiLut;
  if (String(json['00280004']?.Value?.[0]) === 'PALETTE COLOR') {
    const palette = await paletteOf(json, read, signed);
    if (palette) tables.palette = palette;
  }
  const padding = numberAt(json, '00280120');
  if (padding !== undefined) {
    const limit = numberAt(json, '00280121') ?? padding;
    tables.padding = [Math.min(padding, limit), Math.max(padding, limit)];
  }
  return tables;
}
