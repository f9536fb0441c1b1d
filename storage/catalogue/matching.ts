/** Matching rules of PS3.4 C.2.2.2 as conditions on columns. */
import { sql } from 'kysely';
import { normalizeForSearch, queryTokens } from '../format/person-name.ts';
import { all, any, type Condition, type Flavour } from './flavour.ts';
import { normalizeDate, normalizeNameGroup, normalizeTime } from './values.ts';

/** True for values that ask for nothing (C.2.2.2.3). */
export function isUniversal(value: string): boolean {
  return /^\**$/.test(value.trim());
}

const hasWildcard = (value: string) => /[*?]/.test(value);

/** Values of a list `a,b` or `a\b`. */
export function listOf(value: string): string[] {
  return value
    .split(/[,\\]/)
    .map((part) => part.trim())
    .filter(Boolean);
}

/** Single value or wildcard matching (C.2.2.2.1, C.2.2.2.4), case-sensitive. */
export function matchText(flavour: Flavour, column: Condition, value: string): Condition {
  const wanted = value.trim();
  if (!hasWildcard(wanted)) return sql`${column} = ${wanted}`;
  const prefix = /^[^*?]*/.exec(wanted)![0];
  const wildcard = flavour.wildcard(column, wanted);
  return prefix ? all([startsWith(column, prefix), wildcard]) : wildcard;
}

/** A range that an index can serve; true for every text that begins with the prefix. */
function startsWith(column: Condition, prefix: string): Condition {
  return sql`${column} >= ${prefix} and ${column} < ${`${prefix}\u{10ffff}`}`;
}

/** List of UID matching (C.2.2.2.2); a single UID is a list of one. */
export function matchUIDs(column: Condition, value: string): Condition {
  const uids = listOf(value);
  if (uids.length === 0) return sql`1 = 0`;
  return sql`${column} in (${sql.join(uids)})`;
}

/** Text with alternatives a\b, for code strings. */
export function matchAnyText(flavour: Flavour, column: Condition, value: string): Condition {
  return any(listOf(value).map((each) => matchText(flavour, column, each)));
}

/** Number of VR IS. */
export function matchNumber(column: Condition, value: string): Condition {
  const wanted = Number(value.trim());
  return Number.isSafeInteger(wanted) ? sql`${column} = ${wanted}` : sql`1 = 0`;
}

/** Ends of a range `a-b`, `-b`, `a-`, or of a single value; null when it is neither. */
export function rangeOf(value: string, normalize: (part: string, fill: '0' | '9') => string): Range | null {
  const parts = value.trim().split('-');
  if (parts.length > 2) return null;
  const [low, high = low] = parts.map((part) => part.trim());
  const from = low ? normalize(low, '0') : undefined;
  const to = high ? normalize(high, '9') : undefined;
  if (from === '' || to === '' || (from === undefined && to === undefined)) return null;
  return { from, to, isRange: parts.length === 2 };
}

export interface Range {
  from?: string;
  to?: string;
  isRange: boolean;
}

export const dateRange = (value: string) => {
  // YYYY-MM-DD, as people type it, is one date and no range.
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(value.trim()) ? value.trim().replaceAll('-', '') : value;
  return rangeOf(iso, normalizeDate);
};
export const timeRange = (value: string) => rangeOf(value, normalizeTime);

/** Range matching (C.2.2.2.5); an empty column never matches. */
export function matchRange(column: Condition, { from, to }: Range): Condition {
  return all([
    sql`${column} <> ''`,
    ...(from === undefined ? [] : [sql`${column} >= ${from}`]),
    ...(to === undefined ? [] : [sql`${column} <= ${to}`]),
  ]);
}

/**
 * Combined date-time matching (C.2.2.2.5): when date and time are both ranges they are the two ends of one period.
 */
export function matchDateTime(date: Condition, time: Condition, dates: Range, times: Range): Condition {
  const ends: Condition[] = [sql`${date} <> ''`];
  if (dates.from !== undefined) {
    const from = times.from ?? '';
    ends.push(sql`(${date} > ${dates.from} or (${date} = ${dates.from} and ${time} >= ${from}))`);
  }
  if (dates.to !== undefined) {
    const to = times.to ?? '\u{10ffff}';
    ends.push(sql`(${date} < ${dates.to} or (${date} = ${dates.to} and ${time} <= ${to}))`);
  }
  return all(ends);
}

/** The groups of a query value that ask for something, normalised as names are. */
export function nameGroupsOf(value: string): string[] {
  return value
    .split('=')
    .map((group) => normalizeNameGroup(group))
    .filter((group) => group !== '' && !isUniversal(group));
}

/** PN matching against normalised groups: any group may match; case, width and accents do not count. */
export function matchName(flavour: Flavour, columns: Condition[], value: string): Condition {
  const groups = nameGroupsOf(value);
  if (groups.length === 0) return sql`1 = 1`;
  return all(groups.map((group) => any(columns.map((column) => matchText(flavour, column, group)))));
}

/**
 * Words with which some token of every matching name begins, from the literal beginning of the pattern: posting lists
 * find the candidates, `matchName` decides.
 */
export function nameWordsOf(value: string): string[] {
  return nameGroupsOf(value).flatMap((group) => queryTokens(/^[^*?]*/.exec(group)![0]));
}

/** The typed parts of a name for fuzzy matching, each to be found as a prefix of some token. */
export function fuzzyWords(value: string): string[] {
  return queryTokens(value.replace(/[*?]/g, ' '));
}

/** A name within a list column `\a\b\`. */
export function matchNameList(flavour: Flavour, column: Condition, value: string): Condition {
  return all(nameGroupsOf(value).map((group) => flavour.wildcard(column, `*\\${group}\\*`)));
}

/** Attributes without a column: text of any value, ranges of dates, wildcards without regard to case. */
export function matchStored(flavour: Flavour, json: Condition, tag: string, value: string): Condition {
  const wanted = value.trim();
  const range = /^\d{8}-(\d{8})?$|^-\d{8}$/.test(wanted) ? rangeOf(wanted, normalizeDate) : null;
  return flavour.someValue(json, tag, (text) => {
    const exact = hasWildcard(wanted)
      ? flavour.wildcard(sql`lower(${text})`, normalizeForSearch(wanted))
      : any([sql`${text} = ${wanted}`, ...listOf(wanted).map((each) => sql`${text} = ${each}`)]);
    return range ? any([exact, matchRange(text, range)]) : exact;
  });
}
