import type { Archive } from '../../storage/archive-types.ts';

/** One small CT slice as a Part 10 file, explicit VR little endian; for tests that need an image and not a real one. */
export interface SmallImage {
  study: string;
  series: string;
  sop: string;
  patientName?: string;
  patientID?: string;
  accessionNumber?: string;
  /** YYYYMMDD */
  studyDate?: string;
  instanceNumber?: number;
  rows?: number;
  columns?: number;
  /** Value of every pixel. */
  value?: number;
}

const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

function element(group: number, number: number, vr: string, value: Buffer | string): Buffer {
  let bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  if (bytes.length % 2) bytes = Buffer.concat([bytes, Buffer.from([vr === 'UI' || vr === 'OB' ? 0 : 0x20])]);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

function us(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function smallImage(image: SmallImage): Buffer {
  const { rows = 4, columns = 4 } = image;
  const pixels = Buffer.alloc(rows * columns * 2);
  for (let i = 0; i < rows * columns; i++) pixels.writeUInt16LE(image.value ?? i, i * 2);
  const meta = Buffer.concat([
    element(0x0002, 0x0001, 'OB', Buffer.from([0, 1])),
    element(0x0002, 0x0002, 'UI', CT),
    element(0x0002, 0x0003, 'UI', image.sop),
    element(0x0002, 0x0010, 'UI', EXPLICIT_LE),
    element(0x0002, 0x0012, 'UI', '1.2.3'),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const n = image.instanceNumber ?? 1;
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(0x0002, 0x0000, 'UL', length),
    meta,
    element(0x0008, 0x0005, 'CS', 'ISO_IR 192'),
    element(0x0008, 0x0016, 'UI', CT),
    element(0x0008, 0x0018, 'UI', image.sop),
    element(0x0008, 0x0020, 'DA', image.studyDate ?? '20260102'),
    ...(image.accessionNumber === undefined ? [] : [element(0x0008, 0x0050, 'SH', image.accessionNumber)]),
    element(0x0008, 0x0060, 'CS', 'CT'),
    element(0x0010, 0x0010, 'PN', image.patientName ?? 'Test^Patient'),
    element(0x0010, 0x0020, 'LO', image.patientID ?? 'P1'),
    element(0x0020, 0x000d, 'UI', image.study),
    element(0x0020, 0x000e, 'UI', image.series),
    element(0x0020, 0x0013, 'IS', String(n)),
    element(0x0020, 0x0032, 'DS', `0\\0\\${n}`),
    element(0x0020, 0x0037, 'DS', '1\\0\\0\\0\\1\\0'),
    element(0x0028, 0x0002, 'US', us(1)),
    element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
    element(0x0028, 0x0010, 'US', us(rows)),
    element(0x0028, 0x0011, 'US', us(columns)),
    element(0x0028, 0x0100, 'US', us(16)),
    element(0x0028, 0x0101, 'US', us(16)),
    element(0x0028, 0x0102, 'US', us(15)),
    element(0x0028, 0x0103, 'US', us(0)),
    element(0x7fe0, 0x0010, 'OW', pixels),
  ]);
}

/** Puts files into an archive as an import does, and waits until they are in store and catalogue. */
export async function keepFiles(archive: Archive, files: Iterable<Buffer>): Promise<void> {
  for (const file of files) {
    const reception = archive.beginFile({ via: 'import', user: 'test' });
    await reception.write(file);
    await reception.finish();
  }
  await archive.flush();
}

/** A study of `count` slices in one series under the given study UID. */
export function* smallStudy(study: string, count: number, size?: { rows: number; columns: number }): Generator<Buffer> {
  for (let i = 1; i <= count; i++)
    yield smallImage({ study, series: `${study}.1`, sop: `${study}.1.${i}`, instanceNumber: i, ...size });
}
