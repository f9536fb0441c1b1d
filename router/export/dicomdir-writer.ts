import { createHash } from 'node:crypto';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { buildFileHeader, IMPLEMENTATION_CLASS_UID } from '../../storage/format/part10.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../storage/format/transfer-syntaxes.ts';
import { writeDataSet } from '../dicomweb/json-data-set.ts';
import type { DirectoryEntry } from './directory-entries.ts';

const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';
const FILE_SET_ID = 'LIFEBOAT';
/** Where the two offsets of a record lie in its item: behind the item's header, as the first and third element. */
const NEXT_OFFSET_AT = 8 + 8;
const LOWER_OFFSET_AT = 8 + 12 + 10 + 8;

interface DirectoryRecord {
  bytes: Buffer;
  lower: DirectoryRecord[];
  /** From the start of the file. */
  offset: number;
}

/** Attributes that identify a level; equal keys are one record. */
const PATIENT_KEYS = ['00100010', '00100020'];
const STUDY_KEYS = ['00080020', '00080030', '00080050', '00081030', '0020000D', '00200010'];
const SERIES_KEYS = ['00080060', '0020000E', '00200011'];

/** Further keys of records of each type, as far as the object has them (PS3.3 F.5). */
const TYPE_KEYS: Record<string, readonly string[]> = {
  IMAGE: ['00080008', '00280010', '00280011', '00280008'],
  'SR DOCUMENT': ['00080023', '00080033', '0040A043', '0040A491', '0040A493'],
  'KEY OBJECT DOC': ['00080023', '00080033', '0040A043'],
  PRESENTATION: ['00080023', '00080033', '00700080', '00700081', '00700082', '00700083', '00700084', '00081115'],
  WAVEFORM: ['00080023', '00080033'],
  'ENCAP DOC': ['00080023', '00080033', '00420010', '00420012', '0040A043', '0040E001'],
  'RT DOSE': ['3004000A'],
  'RT STRUCTURE SET': ['30060002', '30060008', '30060009'],
  'RT PLAN': ['300A0002', '300A0006', '300A0007'],
  'RT TREAT RECORD': ['30080250', '30080251'],
  'RAW DATA': ['00080023', '00080033'],
  SPECTROSCOPY: ['00080008', '00080023', '00080033', '00280008', '00280010', '00280011'],
  REGISTRATION: ['00080023', '00080033', '00700080', '00700081', '00700084'],
  FIDUCIAL: ['00080023', '00080033', '00700080', '00700081', '00700084'],
  SURFACE: ['00080023', '00080033'],
  'VALUE MAP': ['00080023', '00080033', '00700080', '00700081', '00700084'],
};

const VRS: Record<string, string> = {
  '00100010': 'PN',
  '00100020': 'LO',
  '00080020': 'DA',
  '00080030': 'TM',
  '00080050': 'SH',
  '00081030': 'LO',
  '0020000D': 'UI',
  '00200010': 'SH',
  '00080060': 'CS',
  '0020000E': 'UI',
  '00200011': 'IS',
};

/**
 * A DICOMDIR (PS3.10 8.6, PS3.3 Annex F) of the files of one study: PATIENT, STUDY, SERIES and a record for each file, text in
 * UTF-8. Nothing is invented but the numbers of series and instances that have none: what the objects lack is empty.
 */
export function writeDicomdir(studyInstanceUID: string, entries: readonly DirectoryEntry[]): Buffer {
  const patients = levels(entries, PATIENT_KEYS, 'PATIENT', (ofPatient) =>
    levels(ofPatient, STUDY_KEYS.slice(4, 5), 'STUDY', (ofStudy) =>
      levels(ofStudy, ['0020000E'], 'SERIES', (ofSeries) => ofSeries.map(fileRecord)),
    ),
  );
  const header = buildFileHeader({
    sopClassUID: MEDIA_STORAGE_DIRECTORY,
    sopInstanceUID: fileSetUid(studyInstanceUID, entries),
    transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
  });
  const root = (first: number, last: number, length: number) =>
    Buffer.concat([
      element(0x1130, 'CS', FILE_SET_ID),
      ul(0x1200, first),
      ul(0x1202, last),
      us(0x1212, 0),
      sequenceHeader(0x1220, length),
    ]);
  let at = header.length + root(0, 0, 0).length;
  const all: DirectoryRecord[] = [];
  const place = (records: DirectoryRecord[]) => {
    for (const record of records) {
      record.offset = at;
      at += record.bytes.length;
      all.push(record);
      place(record.lower);
    }
  };
  place(patients);
  link(patients);
  const length = all.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const start = root(patients[0]!.offset, patients.at(-1)!.offset, length);
  return Buffer.concat([header, start, ...all.map(({ bytes }) => bytes)]);
}

/** Each record points to the next of its level and to the first below it. */
function link(records: readonly DirectoryRecord[]): void {
  for (const [i, record] of records.entries()) {
    record.bytes.writeUInt32LE(records[i + 1]?.offset ?? 0, NEXT_OFFSET_AT);
    record.bytes.writeUInt32LE(record.lower[0]?.offset ?? 0, LOWER_OFFSET_AT);
    link(record.lower);
  }
}

const KEYS_OF: Record<string, readonly string[]> = { PATIENT: PATIENT_KEYS, STUDY: STUDY_KEYS, SERIES: SERIES_KEYS };

/** One record for each group of entries that agree in `identity`. */
function levels(
  entries: readonly DirectoryEntry[],
  identity: readonly string[],
  type: string,
  below: (entries: readonly DirectoryEntry[]) => DirectoryRecord[],
): DirectoryRecord[] {
  const groups = Map.groupBy(entries, ({ attributes }) =>
    JSON.stringify(identity.map((tag) => attributes[tag]?.Value ?? null)),
  );
  return [...groups.values()].map((group, i) => {
    const { attributes } = group[0]!;
    const json: DicomJson = {};
    for (const tag of KEYS_OF[type]!) json[tag] = attributes[tag] ?? { vr: VRS[tag]! };
    if (type === 'SERIES') numbered(json, '00200011', i + 1);
    return { ...record(type, json), lower: below(group) };
  });
}

/** Series Number and Instance Number have to have a value in a DICOMDIR. */
function numbered(json: DicomJson, tag: string, position: number): void {
  if (json[tag]?.Value?.[0] === undefined) json[tag] = { vr: 'IS', Value: [position] };
}

function fileRecord({ entry, name, recordType, attributes }: DirectoryEntry, i: number): DirectoryRecord {
  const json: DicomJson = {
    '00041500': cs(...name.split('/')),
    '00041510': { vr: 'UI', Value: [entry.sopClassUID] },
    '00041511': { vr: 'UI', Value: [entry.sopInstanceUID] },
    '00041512': { vr: 'UI', Value: [entry.transferSyntaxUID] },
    ...(recordType === 'PRIVATE' && { '00041432': { vr: 'UI', Value: [IMPLEMENTATION_CLASS_UID] } }),
  };
  for (const tag of TYPE_KEYS[recordType] ?? []) if (attributes[tag]) json[tag] = attributes[tag];
  json['00200013'] = attributes['00200013'] ?? { vr: 'IS' };
  numbered(json, '00200013', i + 1);
  return record(recordType, json);
}

/** An item of the Directory Record Sequence, its offsets still 0. */
function record(type: string, keys: DicomJson): DirectoryRecord {
  const json: DicomJson = {
    '00041400': { vr: 'UL', Value: [0] },
    '00041410': { vr: 'US', Value: [0xffff] },
    '00041420': { vr: 'UL', Value: [0] },
    '00041430': cs(type),
    ...keys,
  };
  const { pieces } = writeDataSet(json, () => {
    throw new RangeError('keys of directory records have no bulk data');
  });
  const content = Buffer.concat(pieces as Uint8Array[]);
  const item = Buffer.alloc(8);
  item.writeUInt16LE(0xfffe, 0);
  item.writeUInt16LE(0xe000, 2);
  item.writeUInt32LE(content.length, 4);
  return { bytes: Buffer.concat([item, content]), lower: [], offset: 0 };
}

const cs = (...values: string[]): DicomJsonElement => ({ vr: 'CS', Value: values });

/** The same files under the same names always have the same UID (PS3.5 B.2: a hash taken for a UUID). */
function fileSetUid(studyInstanceUID: string, entries: readonly DirectoryEntry[]): string {
  const hash = createHash('sha256').update(studyInstanceUID);
  for (const { entry, name } of entries) hash.update(`\n${name} ${entry.sha256}`);
  return `2.25.${BigInt(`0x${hash.digest('hex').slice(0, 32)}`)}`;
}

function element(number: number, vr: string, value: string | Buffer): Buffer {
  const bytes =
    typeof value === 'string' ? Buffer.from(value.padEnd(value.length + (value.length % 2)), 'latin1') : value;
  const head = Buffer.alloc(8);
  head.writeUInt16LE(0x0004, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

function ul(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return element(number, 'UL', bytes);
}

function us(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return element(number, 'US', bytes);
}

function sequenceHeader(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(0x0004, 0);
  bytes.writeUInt16LE(number, 2);
  bytes.write('SQ', 4, 'latin1');
  bytes.writeUInt32LE(length, 8);
  return bytes;
}
