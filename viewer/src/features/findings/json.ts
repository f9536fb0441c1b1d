import type { DicomJson } from '../../../../storage/format/manifest.ts';

/** Items of a sequence. */
export function itemsOf(json: DicomJson, tag: string): DicomJson[] {
  return (json[tag]?.Value ?? []).filter((item): item is DicomJson => typeof item === 'object' && item !== null);
}

/** The first value of an attribute; of a person's name the alphabetic part. */
export function textOf(json: DicomJson, tag: string): string {
  const value = json[tag]?.Value?.[0];
  if (typeof value === 'object' && value !== null) return (value as { Alphabetic?: string }).Alphabetic ?? '';
  return value === undefined || value === null ? '' : String(value);
}
