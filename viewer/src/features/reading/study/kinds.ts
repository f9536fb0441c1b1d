/** Plain names of what is no 2D picture, by the SOP class UID's start (PS3.4 B.5). The first that fits counts. */
const kinds: [prefix: string, name: string][] = [
  ['1.2.840.10008.5.1.4.1.1.104.1', 'PDF document'],
  ['1.2.840.10008.5.1.4.1.1.104.2', 'CDA document'],
  ['1.2.840.10008.5.1.4.1.1.104', '3D model'],
  ['1.2.840.10008.5.1.4.1.1.88.59', 'Key object selection'],
  ['1.2.840.10008.5.1.4.1.1.88', 'Structured report'],
  ['1.2.840.10008.5.1.4.1.1.9', 'Waveform'],
  ['1.2.840.10008.5.1.4.1.1.11', 'Presentation state'],
  ['1.2.840.10008.5.1.4.1.1.481.3', 'Radiotherapy structures'],
  ['1.2.840.10008.5.1.4.1.1.481.5', 'Radiotherapy plan'],
  ['1.2.840.10008.5.1.4.1.1.481', 'Radiotherapy object'],
  ['1.2.840.10008.5.1.4.1.1.66.1', 'Registration'],
  ['1.2.840.10008.5.1.4.1.1.66', 'Spatial or raw data'],
  ['1.2.840.10008.5.1.4.1.1.77.1.6', 'Microscope slide'],
  ['1.2.840.10008.5.1.4.1.1.91', 'Annotations of a slide'],
  ['1.2.840.10008.5.1.4.1.1.77.1.1.1', 'Video'],
  ['1.2.840.10008.5.1.4.1.1.77.1.2.1', 'Video'],
  ['1.2.840.10008.5.1.4.1.1.77.1.4.1', 'Video'],
  ['1.2.840.10008.5.1.4.1.1.4.2', 'Spectroscopy'],
  ['1.2.840.10008.5.1.4.39', 'Colour palette'],
  ['1.2.840.10008.5.1.4.38', 'Hanging protocol'],
  ['1.2.840.10008.5.1.4.43', 'Colour palette'],
];

export const explicitBigEndian = '1.2.840.10008.1.2.2';

/** MPEG-2, MPEG-4, HEVC and their fragmentable variants (PS3.5 Annex A.4.5 to A.4.7). */
export function isVideo(transferSyntaxUID: string): boolean {
  return /^1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?$/.test(transferSyntaxUID);
}

/** What an object without a picture is, in words. */
export function kindOf(sopClassUID: string, transferSyntaxUID: string): string {
  if (isVideo(transferSyntaxUID)) return 'Video';
  const found = kinds.find(([prefix]) => sopClassUID === prefix || sopClassUID.startsWith(`${prefix}.`));
  return found ? found[1] : 'Object without a picture';
}
