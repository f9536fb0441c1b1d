import type { DataSet } from './part10-writer.ts';
import { uidFrom } from './uid.ts';

/** Who and what a sample study is of. */
export interface StudyDescription {
  /** Key of the study; its UIDs are made from it. */
  name: string;
  patientName: string;
  patientID: string;
  birthDate: string;
  sex: 'F' | 'M' | 'O';
  /** YYYYMMDD */
  date: string;
  /** HHMMSS */
  time: string;
  accessionNumber: string;
  description: string;
  /** Values of Specific Character Set, joined by `\`. */
  charset: string;
}

/** Attributes of patient, study, equipment and SOP common modules. */
export function commonAttributes(
  study: StudyDescription,
  series: { number: number; modality: string; description: string; device: string },
  sopClassUID: string,
  instance: number,
): DataSet {
  const seriesName = `${study.name} series ${series.number}`;
  return {
    ...(study.charset ? { '00080005': ['CS', ...study.charset.split('\\')] as const } : {}),
    '00080012': ['DA', study.date],
    '00080013': ['TM', study.time],
    '00080016': ['UI', sopClassUID],
    '00080018': ['UI', uidFrom(`${seriesName} instance ${instance}`)],
    '00080020': ['DA', study.date],
    '00080021': ['DA', study.date],
    '00080023': ['DA', study.date],
    '00080030': ['TM', study.time],
    '00080031': ['TM', study.time],
    '00080033': ['TM', study.time],
    '00080050': ['SH', study.accessionNumber],
    '00080060': ['CS', series.modality],
    '00080070': ['LO', 'Lifeboat'],
    '00080080': ['LO', 'SAMPLE Hospital'],
    '00080090': ['PN', 'SAMPLE^Referring'],
    '00081010': ['SH', `SAMPLE_${series.modality}1`],
    '00081030': ['LO', study.description],
    '0008103E': ['LO', series.description],
    '00081090': ['LO', series.device],
    '00100010': ['PN', study.patientName],
    '00100020': ['LO', study.patientID],
    '00100021': ['LO', 'SAMPLE'],
    '00100030': ['DA', study.birthDate],
    '00100040': ['CS', study.sex],
    '00181000': ['LO', 'SAMPLE'],
    '00181020': ['LO', '1'],
    '0020000D': ['UI', uidFrom(study.name)],
    '0020000E': ['UI', uidFrom(seriesName)],
    '00200010': ['SH', '1'],
    '00200011': ['IS', series.number],
    '00200013': ['IS', instance],
    '00280301': ['CS', 'YES'],
  };
}

/** Image pixel attributes (PS3.3 C.7.6.3). */
export function pixelAttributes(shape: {
  rows: number;
  columns: number;
  bitsAllocated: number;
  bitsStored: number;
  signed?: boolean;
  photometric: string;
}): DataSet {
  const colour = shape.photometric === 'RGB';
  return {
    '00280002': ['US', colour ? 3 : 1],
    '00280004': ['CS', shape.photometric],
    ...(colour ? { '00280006': ['US', 0] as const } : {}),
    '00280010': ['US', shape.rows],
    '00280011': ['US', shape.columns],
    '00280100': ['US', shape.bitsAllocated],
    '00280101': ['US', shape.bitsStored],
    '00280102': ['US', shape.bitsStored - 1],
    '00280103': ['US', shape.signed ? 1 : 0],
  };
}

/** 16-bit pixels as the bytes of a little endian file. */
export function littleEndianBytes(pixels: Int16Array | Uint16Array): Uint8Array {
  const bytes = new Uint8Array(pixels.length * 2);
  const view = new DataView(bytes.buffer);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) {
    bytes.set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
  } else for (let i = 0; i < pixels.length; i++) view.setUint16(i * 2, pixels[i]! & 0xffff, true);
  return bytes;
}
