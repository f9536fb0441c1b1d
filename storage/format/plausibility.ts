import { captured, type ScanResult, TAG, type Tag } from './scan-types.ts';
import type { TransferSyntax } from './transfer-syntaxes.ts';

/** Oddities of a complete data set that a reader should know; none of them is a reason to refuse an image. */
export function oddities(scan: ScanResult, syntax: TransferSyntax): string[] {
  return [...pixelOddities(scan, syntax), ...dateOddities(scan)];
}

function unsigned(scan: ScanResult, tag: Tag): number | null {
  const value = scan.values.get(tag);
  if (!value || value.length < 2) return null;
  const [first, second] = value.bytes as unknown as [number, number];
  return scan.encoding.bigEndian ? (first << 8) | second : (second << 8) | first;
}

function pixelOddities(scan: ScanResult, syntax: TransferSyntax): string[] {
  const rows = unsigned(scan, TAG.rows);
  const columns = unsigned(scan, TAG.columns);
  const found: string[] = [];
  if (!scan.pixelData) {
    if (rows !== null && columns !== null) found.push('Rows and Columns without pixel data');
    return found;
  }
  if (rows === 0 || columns === 0) found.push('Rows or Columns is 0');
  const allocated = unsigned(scan, TAG.bitsAllocated);
  const stored = unsigned(scan, TAG.bitsStored);
  if (allocated !== null && stored !== null && stored > allocated) {
    found.push(`Bits Stored ${stored} is more than Bits Allocated ${allocated}`);
  }
  const samples = unsigned(scan, TAG.samplesPerPixel) ?? 1;
  const photometric = captured(scan.values, TAG.photometricInterpretation);
  if (samples !== 1 && /^(MONOCHROME|PALETTE)/.test(photometric)) {
    found.push(`Samples per Pixel ${samples} with ${photometric}`);
  }
  const frameText = captured(scan.values, TAG.numberOfFrames).trim();
  if (frameText !== '' && !/^\+?[0-9]+$/.test(frameText)) found.push('Number of Frames is no number');
  const frames = Number.parseInt(frameText, 10) || 1;
  if (scan.pixelData.kind === 'native') {
    if (syntax.known && syntax.encapsulated)
      found.push(`pixel data is not compressed, though announced as ${syntax.name}`);
    if (rows && columns && allocated) {
      found.push(
        ...lengthOddity(
          scan.pixelData.length,
          (rows * columns * samplesStored(samples, photometric) * allocated * frames) / 8,
        ),
      );
    }
  } else {
    if (syntax.known && !syntax.encapsulated)
      found.push(`pixel data is compressed, though announced as ${syntax.name}`);
    if (!isVideo(syntax) && scan.pixelData.fragments < frames) {
      found.push(`${scan.pixelData.fragments} pixel data fragments for ${frames} frames`);
    }
  }
  return found;
}

/** Samples per pixel in native pixel data: chroma may be shared between pixels (PS3.3 C.7.6.3.1.2). */
function samplesStored(samples: number, photometric: string): number {
  if (photometric === 'YBR_FULL_422' || photometric === 'YBR_PARTIAL_422') return 2;
  return photometric === 'YBR_PARTIAL_420' ? 1.5 : samples;
}

/** In video syntaxes one fragment holds all frames (PS3.5 8.2.5 and on). */
function isVideo(syntax: TransferSyntax): boolean {
  return /^1\.2\.840\.10008\.1\.2\.4\.10[0-8]/.test(syntax.uid);
}

function lengthOddity(length: number, expectedBits: number): string[] {
  const expected = Math.ceil(expectedBits);
  if (length < expected) return [`pixel data is shorter than announced: ${length} of ${expected} bytes`];
  if (length > expected + 1) return [`pixel data is longer than announced: ${length} instead of ${expected} bytes`];
  return [];
}

function dateOddities(scan: ScanResult): string[] {
  const found: string[] = [];
  for (const [tag, name] of [
    [TAG.studyDate, 'Study Date'],
    [TAG.patientBirthDate, "Patient's Birth Date"],
  ] as const) {
    const text = captured(scan.values, tag).trim();
    if (text !== '' && !/^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(text) && !/^\d{4}\.\d\d\.\d\d$/.test(text)) {
      found.push(`${name} is no date`);
    }
  }
  for (const [tag, name, limit] of [
    [TAG.patientID, 'Patient ID', 64 * 4],
    [TAG.patientName, "Patient's Name", 3 * 64 * 4],
  ] as const) {
    if ((scan.values.get(tag)?.length ?? 0) > limit) found.push(`${name} is longer than its VR allows`);
  }
  return found;
}
