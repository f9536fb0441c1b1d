import type { DicomJson } from '../../../../../storage/format/manifest.ts';

/** First value of an attribute as trimmed text; person names as their alphabetic group. '' when absent. */
export function textOf(attributes: DicomJson, tag: string): string {
  const value = attributes[tag]?.Value?.[0];
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') {
    const name = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
    return (name.Alphabetic ?? name.Ideographic ?? name.Phonetic ?? '').trim();
  }
  return String(value).trim();
}

/** All values of an attribute as text. */
export function textsOf(attributes: DicomJson, tag: string): string[] {
  return (attributes[tag]?.Value ?? []).map((value) => (value === null ? '' : String(value).trim()));
}

/** All numeric values of an attribute; values that are no numbers are left out. */
export function numbersOf(attributes: DicomJson, tag: string): number[] {
  return (attributes[tag]?.Value ?? [])
    .filter((value) => value !== null && value !== '')
    .map(Number)
    .filter((value) => Number.isFinite(value));
}

/** First numeric value, or undefined. */
export function numberOf(attributes: DicomJson, tag: string): number | undefined {
  return numbersOf(attributes, tag)[0];
}

/** Items of a sequence; [] when absent. */
export function itemsOf(attributes: DicomJson, tag: string): DicomJson[] {
  return (attributes[tag]?.Value ?? []).filter((item): item is DicomJson => typeof item === 'object' && item !== null);
}

/** Bytes of an attribute held inline, or undefined (absent, or only referred to). */
export function inlineBytesOf(attributes: DicomJson, tag: string): Uint8Array | undefined {
  const base64 = attributes[tag]?.InlineBinary;
  if (base64 === undefined) return undefined;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Where in the object the bytes of an attribute lie (`bulk:OFFSET:LENGTH`), or undefined. */
export function bulkRangeOf(attributes: DicomJson, tag: string): { start: number; end: number } | undefined {
  const match = /^bulk:(\d+):(\d+)$/.exec(attributes[tag]?.BulkDataURI ?? '');
  if (!match) return undefined;
  const start = Number(match[1]);
  return { start, end: start + Number(match[2]) };
}
