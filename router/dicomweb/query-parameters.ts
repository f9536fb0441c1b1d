import { LifeboatError } from '../../contract/errors.ts';
import type { MatchingKey, Query, QueryLevel } from '../../storage/catalogue/catalogue-types.ts';
import { tagOf, vrOf } from './dictionary.ts';

/** Results without a `limit`, and the most that one answer carries. */
export const DEFAULT_LIMIT = 5_000;
export const MAX_LIMIT = 20_000;
const MAX_KEYS = 64;
const MAX_VALUE_LENGTH = 4_096;

/** Sequence members that can be matched (PS3.18 Table 10.6.1-5). */
const SEQUENCE_KEYS = new Set(['00400275.00400009', '00400275.00401001']);

export interface ParsedQuery {
  query: Query;
  /** Tags to return besides the level's own set; 'all' for everything kept. */
  include: 'all' | ReadonlySet<string>;
  /** What was ignored and why, for the Warning header. */
  warnings: string[];
}

/** Not attributes: general parameters handled elsewhere or harmless cache breakers. */
const OTHER_PARAMETERS = new Set(['accept', 'charset', '_']);

function wholeNumber(name: string, value: string, most: number): number {
  if (!/^\d{1,9}$/.test(value)) {
    throw new LifeboatError('BAD_REQUEST', `The parameter ${name} is not a whole number of zero or more.`);
  }
  return Math.min(Number(value), most);
}

/** Warning for a key that the catalogue cannot match at the level asked for. */
export function ignoredKey(name: string): string {
  return `The attribute ${name} cannot be matched at this level and was ignored.`;
}

/** Attribute ID, possibly a path into sequences with dots, to tags; null when a step is unknown. */
function tagPath(attributeId: string): string | null {
  const tags = attributeId.split('.').map((step) => tagOf(step));
  return tags.some((tag) => tag === null) ? null : tags.join('.');
}

function checkValue(tag: string, name: string, value: string): void {
  const bad = (what: string) => {
    throw new LifeboatError('BAD_REQUEST', `The value of ${name} is not ${what}.`);
  };
  if (value.length > MAX_VALUE_LENGTH) bad(`shorter than ${MAX_VALUE_LENGTH} characters`);
  if (value === '') return;
  switch (vrOf(tag.split('.').at(-1)!)) {
    case 'DA':
      if (!/^(\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8})$/.test(value)) bad('a date YYYYMMDD or a range of two with a hyphen');
      return;
    case 'TM':
      if (!/^(?=.)(\d{2,6}(\.\d{1,6})?)?(-(\d{2,6}(\.\d{1,6})?)?)?$/.test(value) || value === '-') {
        bad('a time HHMMSS or a range of two with a hyphen');
      }
      return;
    case 'UI':
      if (!/^[0-9.]+([,\\][0-9.]+)*$/.test(value)) bad('a UID or a list of UIDs');
      return;
    case 'IS':
      if (!/^[+-]?\d{1,12}$/.test(value.trim())) bad('a whole number');
      return;
  }
}

/**
 * Query string of a search transaction (PS3.18 8.3.4, 10.6.1). `fixed` are the UIDs of the address.
 *
 * Errors: BAD_REQUEST naming the parameter. Attributes that cannot be matched are ignored with a warning, as the
 * standard asks.
 */
export function parseQuery(
  level: QueryLevel,
  parameters: URLSearchParams,
  fixed: { study?: string; series?: string },
): ParsedQuery {
  const keys = new Map<string, MatchingKey>();
  const include = new Set<string>();
  const warnings: string[] = [];
  let all = false;
  let fuzzy = false;
  let limit = DEFAULT_LIMIT;
  let offset = 0;

  if (fixed.study !== undefined) keys.set('0020000D', { tag: '0020000D', value: fixed.study });
  if (fixed.series !== undefined) keys.set('0020000E', { tag: '0020000E', value: fixed.series });

  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    const lower = name.toLowerCase();
    if (lower === 'includefield') {
      for (const field of values.flatMap((value) => value.split(','))) {
        const id = field.trim();
        if (id === '') continue;
        if (id.toLowerCase() === 'all') {
          all = true;
          continue;
        }
        const path = tagPath(id);
        if (path === null) warnings.push(`The includefield ${id} is not a known attribute and was ignored.`);
        else include.add(path.slice(0, 8));
      }
      continue;
    }
    if (lower === 'limit' || lower === 'offset' || lower === 'fuzzymatching') {
      if (values.length > 1) throw new LifeboatError('BAD_REQUEST', `The parameter ${name} is given more than once.`);
      const value = values[0]!;
      if (lower === 'limit') limit = wholeNumber(name, value, MAX_LIMIT);
      else if (lower === 'offset') offset = wholeNumber(name, value, Number.MAX_SAFE_INTEGER);
      else if (value === 'true' || value === 'false') fuzzy = value === 'true';
      else throw new LifeboatError('BAD_REQUEST', 'The parameter fuzzymatching is neither true nor false.');
      continue;
    }
    if (OTHER_PARAMETERS.has(lower)) continue;
    const tag = tagPath(name);
    if (tag === null) {
      warnings.push(`The parameter ${name} is not a known attribute and was ignored.`);
      continue;
    }
    const value = values.filter((one) => one !== '').join('\\');
    if (values.length > 1 && vrOf(tag) !== 'UI' && vrOf(tag) !== 'CS') {
      throw new LifeboatError('BAD_REQUEST', `The attribute ${name} is given more than once.`);
    }
    include.add(tag.slice(0, 8));
    if (value === '' || /^\*+$/.test(value)) continue;
    if (tag.length > 8 && !SEQUENCE_KEYS.has(tag)) {
      warnings.push(ignoredKey(name));
      continue;
    }
    checkValue(tag, name, value);
    const known = keys.get(tag);
    if (known && known.value !== value) {
      if (tag === '0020000D' || tag === '0020000E') {
        throw new LifeboatError('BAD_REQUEST', `The attribute ${name} contradicts the address.`);
      }
      throw new LifeboatError('BAD_REQUEST', `The attribute ${name} is given more than once.`);
    }
    keys.set(tag, { tag, value });
    if (keys.size > MAX_KEYS) throw new LifeboatError('BAD_REQUEST', 'Too many matching keys.');
  }
  return {
    query: { level, keys: [...keys.values()], fuzzy, limit, offset },
    include: all ? 'all' : include,
    warnings,
  };
}
