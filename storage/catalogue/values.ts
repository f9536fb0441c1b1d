import type { DicomJson } from '../format/manifest.ts';
import { joinPersonName, normalizeForSearch, type PersonName, parsePersonName } from '../format/person-name.ts';

/** First value of an attribute as text; '' when absent. NUL padding goes, PostgreSQL cannot keep it. */
export function text(attributes: DicomJson, tag: string): string {
  const value = attributes[tag]?.Value?.[0];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? clean(value) : '';
}

/** First value as an integer within 32 bits (VR IS); null when absent or no number. */
export function integer(attributes: DicomJson, tag: string): number | null {
  const value = text(attributes, tag);
  const number = Number.parseInt(value, 10);
  return Number.isSafeInteger(number) && Math.abs(number) <= 0x7fffffff ? number : null;
}

/** DA as YYYYMMDD, also from the old form YYYY.MM.DD; '' when it is no date. */
export function date(attributes: DicomJson, tag: string): string {
  return normalizeDate(text(attributes, tag));
}

export function normalizeDate(value: string): string {
  const match = /^(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})/.exec(value);
  return match ? `${match[1]}${match[2]}${match[3]}` : '';
}

/** TM as HHMMSS.FFFFFF (missing parts are zero) so that texts compare as times; '' when it is no time. */
export function time(attributes: DicomJson, tag: string): string {
  return normalizeTime(text(attributes, tag), '0');
}

/** @param fill digit for missing parts: '0' gives the start of the period, '9' its end */
export function normalizeTime(value: string, fill: '0' | '9'): string {
  const match = /^(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?$/.exec(value.trim());
  if (!match) return '';
  const part = (digits: string | undefined) => digits ?? (fill === '0' ? '00' : '59');
  return `${match[1]}${part(match[2])}${part(match[3])}.${(match[4] ?? '').padEnd(6, fill)}`;
}

/** A PN value with its groups. */
export function personName(attributes: DicomJson, tag: string): PersonName {
  const value = attributes[tag]?.Value?.[0];
  if (typeof value === 'string') return parsePersonName(clean(value));
  if (typeof value !== 'object' || value === null) return {};
  const groups = value as Record<string, unknown>;
  const group = (name: string) => (typeof groups[name] === 'string' ? clean(groups[name]) : undefined);
  return parsePersonName(
    joinPersonName({
      Alphabetic: group('Alphabetic'),
      Ideographic: group('Ideographic'),
      Phonetic: group('Phonetic'),
    }),
  );
}

/** A name group as it is matched: search form, no space around `^`, no trailing empty components. */
export function normalizeNameGroup(group: string): string {
  return normalizeForSearch(group)
    .replace(/ *\^ */g, '^')
    .replace(/\^+$/, '');
}

/** `\A\B\` of the distinct non-empty values, sorted. */
export function list(values: Iterable<string>): string {
  const distinct = [...new Set(values)].filter(Boolean).sort();
  return distinct.length > 0 ? `\\${distinct.join('\\')}\\` : '';
}

/** The values of a list column. */
export function unlist(column: string): string[] {
  return column.split('\\').filter(Boolean);
}

function clean(value: string): string {
  return value.replaceAll('\0', '').trim();
}
