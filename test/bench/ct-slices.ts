import { mkdirSync, writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const MULTIFRAME_WORD_SC = '1.2.840.10008.5.1.4.1.1.7.3';
const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const ROOT = '1.2.826.0.1.3680043.10.1451.77';
const SIDE = 512;
const FRAME_BYTES = SIDE * SIDE * 2;

function element(group: number, number: number, vr: string, value: string | number | Buffer): Buffer {
  let body: Buffer;
  if (typeof value === 'number') {
    body = Buffer.alloc(2);
    body.writeUInt16LE(value);
  } else if (Buffer.isBuffer(value)) body = value;
  else body = Buffer.from(value.length % 2 ? value + (vr === 'UI' ? '\0' : ' ') : value, 'latin1');
  const isLong = ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

function fileMeta(sopClass: string, sopInstance: string): Buffer {
  const elements = Buffer.concat([
    element(2, 1, 'OB', Buffer.from([0, 1])),
    element(2, 2, 'UI', sopClass),
    element(2, 3, 'UI', sopInstance),
    element(2, 0x10, 'UI', EXPLICIT_LE),
    element(2, 0x12, 'UI', ROOT),
  ]);
  const length = Buffer.alloc(12);
  length.writeUInt16LE(2, 0);
  length.write('UL', 4, 'latin1');
  length.writeUInt16LE(4, 6);
  length.writeUInt32LE(elements.length, 8);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, elements]);
}

function header(
  uids: { sopClass: string; sop: string; study: string; series: string },
  n: number,
  frames?: number,
): Buffer {
  return Buffer.concat([
    fileMeta(uids.sopClass, uids.sop),
    element(8, 8, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'),
    element(8, 0x16, 'UI', uids.sopClass),
    element(8, 0x18, 'UI', uids.sop),
    element(8, 0x20, 'DA', '20250101'),
    element(8, 0x30, 'TM', '120000'),
    element(8, 0x50, 'SH', 'A1'),
    element(8, 0x60, 'CS', frames ? 'OT' : 'CT'),
    element(0x10, 0x10, 'PN', 'SAMPLE^BENCH'),
    element(0x10, 0x20, 'LO', 'BENCH1'),
    element(0x18, 0x50, 'DS', '1'),
    element(0x20, 0x0d, 'UI', uids.study),
    element(0x20, 0x0e, 'UI', uids.series),
    element(0x20, 0x11, 'IS', '1'),
    element(0x20, 0x13, 'IS', String(n)),
    element(0x20, 0x32, 'DS', `0\\0\\${n}`),
    element(0x20, 0x37, 'DS', '1\\0\\0\\0\\1\\0'),
    element(0x28, 2, 'US', 1),
    element(0x28, 4, 'CS', 'MONOCHROME2'),
    ...(frames ? [element(0x28, 8, 'IS', String(frames))] : []),
    element(0x28, 0x10, 'US', SIDE),
    element(0x28, 0x11, 'US', SIDE),
    element(0x28, 0x30, 'DS', '0.7\\0.7'),
    element(0x28, 0x100, 'US', 16),
    element(0x28, 0x101, 'US', 12),
    element(0x28, 0x102, 'US', 11),
    element(0x28, 0x103, 'US', 0),
  ]);
}

/**
 * Writes a series of CT slices of 512 KiB pixels as Part 10 files. The same `study` number gives the same files.
 * @returns the paths, in slice order
 */
export function writeCtSeries(folder: string, count: number, study: number): string[] {
  mkdirSync(folder, { recursive: true });
  const paths: string[] = [];
  const pixels = Buffer.alloc(FRAME_BYTES);
  for (let n = 1; n <= count; n++) {
    for (let i = 0; i < pixels.length; i += 2) pixels.writeUInt16LE((i * 31 + n * 977 + study * 13) & 0x0fff, i);
    const uids = {
      sopClass: CT_IMAGE_STORAGE,
      study: `${ROOT}.${study}`,
      series: `${ROOT}.${study}.1`,
      sop: `${ROOT}.${study}.1.${n}`,
    };
    const path = join(folder, `${String(n).padStart(4, '0')}.dcm`);
    writeFileSync(path, Buffer.concat([header(uids, n), element(0x7fe0, 0x10, 'OW', pixels)]));
    paths.push(path);
  }
  return paths;
}

/** Writes one uncompressed multi-frame object with `frames` frames of 512 KiB zeros (a sparse file). */
export async function writeMultiFrame(path: string, frames: number, study: number): Promise<void> {
  const uids = {
    sopClass: MULTIFRAME_WORD_SC,
    study: `${ROOT}.${study}`,
    series: `${ROOT}.${study}.1`,
    sop: `${ROOT}.${study}.1.1`,
  };
  const pixelHead = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0, 0, 0, 0, 0]);
  pixelHead.writeUInt32LE(frames * FRAME_BYTES, 8);
  const head = Buffer.concat([header(uids, 1, frames), pixelHead]);
  writeFileSync(path, head);
  await truncate(path, head.length + frames * FRAME_BYTES);
}
