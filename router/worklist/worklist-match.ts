import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import { STEPS, stepOf } from './worklist-fields.ts';

const START_DATE = '00400002';
const START_TIME = '00400003';
/** Attributes of an identifier that match nothing. */
const NO_KEYS: ReadonlySet<string> = new Set(['00080005', '00080201']);
const MOST_WILDCARDS = 12;

/**
 * Does a worklist item match an identifier (PS3.4 K.2.2.1, C.2.2.2)? Single value, wild card, range, list of UIDs and universal
 * matching of every attribute, in sequences too; names without regard to case. Date and time ranges of the step together are one
 * range (PS3.4 Table K.6-1).
 */
export function matchesItem(identifier: DicomJson, item: DicomJson): boolean {
  return Object.entries(identifier).every(([tag, key]) => {
    if (NO_KEYS.has(tag)) return true;
    if (tag !== STEPS) return matchesElement(key, item[tag]);
    const wanted = (key.Value?.[0] ?? {}) as DicomJson;
    return matchesStep(wanted, stepOf(item));
  });
}

/** How many values of an identifier would have to be searched for with wild cards. */
export function hasTooManyWildcards(identifier: DicomJson): boolean {
  return Object.values(identifier).some((key) =>
    key.vr === 'SQ'
      ? (key.Value ?? []).some((item) => hasTooManyWildcards((item ?? {}) as DicomJson))
      : textsOf(key).some((text) => (text.match(/[*?]/g)?.length ?? 0) > MOST_WILDCARDS),
  );
}

function matchesStep(wanted: DicomJson, step: DicomJson): boolean {
  const date = textsOf(wanted[START_DATE])[0] ?? '';
  const time = textsOf(wanted[START_TIME])[0] ?? '';
  const together = date.includes('-') && time.includes('-');
  return Object.entries(wanted).every(([tag, key]) => {
    if (together && tag === START_TIME) return true;
    if (together && tag === START_DATE) return isWithinMoments(date, time, step);
    return matchesElement(key, step[tag]);
  });
}

function isWithinMoments(dates: string, times: string, step: DicomJson): boolean {
  const date = normalDate(textsOf(step[START_DATE])[0] ?? '');
  if (date === '') return false;
  const moment = date + normalTime(textsOf(step[START_TIME])[0] ?? '', '0');
  const [fromDate = '', toDate = ''] = dates.split('-');
  const [fromTime = '', toTime = ''] = times.split('-');
  const from = fromDate.trim() && normalDate(fromDate) + normalTime(fromTime, '0');
  const to = toDate.trim() && normalDate(toDate) + normalTime(toTime, '9');
  return (from === '' || moment >= from) && (to === '' || moment <= to);
}

function matchesElement(key: DicomJsonElement, element: DicomJsonElement | undefined): boolean {
  if (key.vr === 'SQ') {
    const wanted = (key.Value?.[0] ?? {}) as DicomJson;
    if (!Object.values(wanted).some(isMatching)) return true;
    return (element?.Value ?? []).some((item) =>
      Object.entries(wanted).every(([tag, inner]) => matchesElement(inner, ((item ?? {}) as DicomJson)[tag])),
    );
  }
  if (!isMatching(key)) return true;
  const wanted = textsOf(key);
  const values = textsOf(element);
  return wanted.some((text) => values.some((value) => matchesValue(key.vr, text, value)));
}

/** Not universal matching. */
function isMatching(key: DicomJsonElement): boolean {
  if (key.vr === 'SQ')
    return (key.Value ?? []).some((item) => Object.values((item ?? {}) as DicomJson).some(isMatching));
  return textsOf(key).some((text) => !/^\**$/.test(text));
}

function textsOf(element: DicomJsonElement | undefined): string[] {
  return (element?.Value ?? [])
    .map((value) => {
      if (value === null || value === undefined) return '';
      return element?.vr === 'PN' && typeof value === 'object' ? joinPersonName(value as PersonName) : String(value);
    })
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

function matchesValue(vr: string, wanted: string, value: string): boolean {
  if (vr === 'DA') return inRange(wanted, value, normalDate, normalDate);
  if (vr === 'TM')
    return inRange(
      wanted,
      value,
      (text) => normalTime(text, '0'),
      (text) => normalTime(text, '9'),
    );
  if (vr === 'UI') return wanted === value;
  if (vr !== 'PN') return matchesPattern(wanted, value);
  const pattern = normalName(wanted);
  return [value, ...value.split('=')].some((name) => matchesPattern(pattern, normalName(name)));
}

/** Empty components at the end mean nothing (PS3.5 6.2.1). */
const normalName = (name: string) =>
  name
    .toLowerCase()
    .normalize('NFC')
    .replace(/[\^= ]+$/, '');
const normalDate = (date: string) => date.replaceAll('.', '').trim();
const normalTime = (time: string, pad: string) => {
  const [whole = '', fraction = ''] = time.replaceAll(':', '').trim().split('.');
  return whole.padEnd(6, pad) + fraction.padEnd(6, pad);
};

function inRange(wanted: string, value: string, low: (text: string) => string, high: (text: string) => string) {
  const [from = '', to = ''] = wanted.includes('-') ? wanted.split('-') : [wanted, wanted];
  const at = low(value);
  return (from.trim() === '' || at >= low(from)) && (to.trim() === '' || at <= high(to));
}

/** `*` for any characters, `?` for one (PS3.4 C.2.2.2.4), in time proportional to both lengths. */
export function matchesPattern(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === '?' || (pattern[p] === text[t] && pattern[p] !== '*'))) {
      p++;
      t++;
    } else if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
