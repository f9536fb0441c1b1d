/** How elements of a data set are encoded (PS3.5 section 7 and Annex A), deflation aside. */
export interface Encoding {
  explicitVR: boolean;
  bigEndian: boolean;
}

/** A tag as one number: group * 65536 + element. */
export type Tag = number;

export const TAG = {
  specificCharacterSet: 0x00080005,
  sopClassUID: 0x00080016,
  sopInstanceUID: 0x00080018,
  studyDate: 0x00080020,
  studyTime: 0x00080030,
  modality: 0x00080060,
  patientName: 0x00100010,
  patientID: 0x00100020,
  patientBirthDate: 0x00100030,
  studyInstanceUID: 0x0020000d,
  seriesInstanceUID: 0x0020000e,
  samplesPerPixel: 0x00280002,
  photometricInterpretation: 0x00280004,
  numberOfFrames: 0x00280008,
  rows: 0x00280010,
  columns: 0x00280011,
  bitsAllocated: 0x00280100,
  bitsStored: 0x00280101,
  floatPixelData: 0x7fe00008,
  doublePixelData: 0x7fe00009,
  pixelData: 0x7fe00010,
  item: 0xfffee000,
  itemDelimiter: 0xfffee00d,
  sequenceDelimiter: 0xfffee0dd,
} as const;

const tagNames = new Map<Tag, string>([
  [TAG.specificCharacterSet, 'Specific Character Set'],
  [TAG.sopClassUID, 'SOP Class UID'],
  [TAG.sopInstanceUID, 'SOP Instance UID'],
  [TAG.patientName, "Patient's Name"],
  [TAG.patientID, 'Patient ID'],
  [TAG.studyInstanceUID, 'Study Instance UID'],
  [TAG.seriesInstanceUID, 'Series Instance UID'],
  [TAG.floatPixelData, 'Float Pixel Data'],
  [TAG.doublePixelData, 'Double Float Pixel Data'],
  [TAG.pixelData, 'Pixel Data'],
  [TAG.item, 'Item'],
]);

/** `(7FE0,0010) Pixel Data` */
export function describeTag(tag: Tag): string {
  const hex = tag.toString(16).toUpperCase().padStart(8, '0');
  const name = tagNames.get(tag);
  return `(${hex.slice(0, 4)},${hex.slice(4)})${name ? ` ${name}` : ''}`;
}

export function isPixelData(tag: Tag): boolean {
  return tag === TAG.pixelData || tag === TAG.floatPixelData || tag === TAG.doublePixelData;
}

/** Raw values of root elements that receiving looks at; longer ones are cut at `CAPTURE_BYTES`. */
export type CapturedValues = ReadonlyMap<Tag, { bytes: Uint8Array; length: number; vr: string | null }>;

export const CAPTURE_BYTES = 256;

export const CAPTURED_TAGS: ReadonlySet<Tag> = new Set<Tag>([
  TAG.specificCharacterSet,
  TAG.sopClassUID,
  TAG.sopInstanceUID,
  TAG.studyDate,
  TAG.studyTime,
  TAG.modality,
  TAG.patientName,
  TAG.patientID,
  TAG.patientBirthDate,
  TAG.studyInstanceUID,
  TAG.seriesInstanceUID,
  TAG.samplesPerPixel,
  TAG.photometricInterpretation,
  TAG.numberOfFrames,
  TAG.rows,
  TAG.columns,
  TAG.bitsAllocated,
  TAG.bitsStored,
]);

/** Pixel data at the root of the data set. Lengths in bytes. */
export type ScannedPixelData =
  | { kind: 'native'; tag: Tag; length: number }
  /** `fragments` does not count the basic offset table, the first item. */
  | { kind: 'encapsulated'; tag: Tag; fragments: number; length: number };

export interface ScanResult {
  /** The real encoding, which may differ from the announced one. */
  encoding: Encoding;
  values: CapturedValues;
  pixelData: ScannedPixelData | null;
  /** Bytes of the data set (inflated where it was deflated). */
  length: number;
  /** Odd but understood. */
  notes: string[];
}

export const LONG_VRS: ReadonlySet<string> = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
export const SHORT_VRS: ReadonlySet<string> = new Set(
  'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '),
);

export function isKnownVR(vr: string): boolean {
  return SHORT_VRS.has(vr) || LONG_VRS.has(vr);
}

/** Text of a captured value without trailing spaces and NULs, bytes as Latin-1; '' when absent. */
export function captured(values: ReadonlyMap<number, { bytes: Uint8Array }>, tag: number): string {
  const found = values.get(tag);
  if (!found) return '';
  let text = '';
  for (const byte of found.bytes) text += String.fromCharCode(byte);
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\0')) end--;
  return text.slice(0, end);
}
