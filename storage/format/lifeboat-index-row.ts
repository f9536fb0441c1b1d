/** One study in the search index: its row, the keys under which it is found, how two rows of it become one. */
import type { LifeboatHit } from './lifeboat-index-types.ts';
import { nameTokens, normalizeForSearch } from './person-name.ts';
import { sha256Text } from './sha256.ts';

/** Sort orders of a piece. */
export const TABLES = ['study', 'patient', 'accession', 'name', 'modality', 'date'] as const;
export type TableName = (typeof TABLES)[number];

/** A study as a piece of the index has it. */
export interface IndexRow extends Omit<LifeboatHit, 'segments'> {
  /** `<hh>/<study>`: what the keys of all segments of the study share. */
  path: string;
  /** Names of manifest segments without folder and ending. */
  segments: string[];
}

/** Order of the members of a packed row. */
const MEMBERS = [
  'studyInstanceUID',
  'patientName',
  'patientID',
  'patientBirthDate',
  'patientSex',
  'accessionNumber',
  'studyDate',
  'studyTime',
  'studyDescription',
  'modalities',
  'series',
  'instances',
  'receivedAt',
  'segments',
] as const;
/** Members that rows of earlier versions lack; all are texts. */
const LATER_MEMBERS = ['issuerOfPatientID'] as const;

export function packRow(row: IndexRow): string {
  return JSON.stringify([...MEMBERS, ...LATER_MEMBERS].map((member) => row[member]));
}

/** @throws when it is no row */
export function unpackRow(path: string, json: string): IndexRow {
  const values = JSON.parse(json) as unknown[];
  if (!Array.isArray(values) || values.length < MEMBERS.length) throw new Error('a row has too few members');
  const row: Record<string, unknown> = { path };
  for (const [i, member] of MEMBERS.entries()) {
    const value = values[i];
    const list = member === 'modalities' || member === 'segments';
    const count = member === 'series' || member === 'instances';
    const fits = list
      ? Array.isArray(value) && value.every((each) => typeof each === 'string')
      : typeof value === (count ? 'number' : 'string');
    if (!fits) throw new Error(`a row has no ${member}`);
    row[member] = value;
  }
  for (const [i, member] of LATER_MEMBERS.entries()) {
    const value = values[MEMBERS.length + i];
    row[member] = typeof value === 'string' ? value : '';
  }
  return row as unknown as IndexRow;
}

/** `<hh>/<study>` of a Study Instance UID, as the keys of its segments have it. */
export function indexPath(studyInstanceUID: string): string {
  const digest = sha256Text(studyInstanceUID);
  const bytes = new TextEncoder().encode(studyInstanceUID);
  const hex = () => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const plain = studyInstanceUID.length <= 64 && /^[0-9]+(\.[0-9]+)*$/.test(studyInstanceUID);
  const segment = plain ? studyInstanceUID : bytes.length <= 64 ? `x-${hex()}` : `h-${digest}`;
  return `${digest.slice(0, 2)}/${segment}`;
}

/** Identifiers are compared without the spaces around them; no control character gets into a key. */
export function exactValue(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 128);
}

const MAX_WORD = 64;
const unspaced = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}ー々]+$/u;

/** Words under which the family name is found, folded as in the worklist, those of every group of the name. */
export function familyWords(patientName: string): string[] {
  const found = new Set<string>();
  for (const group of patientName.split('=')) {
    const [family = '', given = ''] = group.split('^');
    for (const token of nameTokens(family)) found.add(token);
    const joined = normalizeForSearch(family + given).replace(/\s/g, '');
    if (family && unspaced.test(joined)) found.add(joined);
  }
  return [...found].map((word) => exactValue([...word].slice(0, MAX_WORD).join(''))).filter(Boolean);
}

/** A date, or date and time, so that the newest comes first: digits as nine minus the digit; no date comes last. */
export function newestFirstValue(date: string, time = ''): string {
  const turned = (digits: string) => digits.replace(/\d/g, (digit) => String(9 - Number(digit)));
  if (!/^\d{8}$/.test(date)) return '~';
  const seconds = (/^\d{2,6}/.exec(time)?.[0] ?? '').padEnd(6, '0');
  return turned(date) + turned(seconds);
}

/** Values under which a study is sorted in a table; none: it is not in that table. */
export function tableValues(table: TableName, row: IndexRow): string[] {
  const single = (value: string) => (value ? [value] : []);
  switch (table) {
    case 'study':
      // with the slash, so that the order is that of the keys of segments in a list
      return [`${row.path}/`];
    case 'patient':
      return single(exactValue(row.patientID));
    case 'accession':
      return single(exactValue(row.accessionNumber));
    case 'name':
      return familyWords(row.patientName);
    case 'modality': {
      const when = newestFirstValue(row.studyDate, row.studyTime);
      return [...new Set(row.modalities.map(exactValue).filter(Boolean))].map((modality) => `${modality} ${when}`);
    }
    case 'date':
      return [newestFirstValue(row.studyDate, row.studyTime)];
  }
}

/** Key of a row in a table: keys sort by their UTF-16 code units. Patients' studies come newest first. */
export function tableKey(table: TableName, value: string, row: IndexRow): string {
  const within =
    table === 'study' || table === 'date' || table === 'modality' ? '' : newestFirstValue(row.studyDate, row.studyTime);
  return `${value}\t${within}\t${row.path}`;
}

/** How much newer a row is: by receipt, then by what it knows of. */
function isNewer(a: IndexRow, b: IndexRow): boolean {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt > b.receivedAt;
  if (a.segments.length !== b.segments.length) return a.segments.length > b.segments.length;
  return packRow(a) > packRow(b);
}

/**
 * Two rows of one study as one: the newer one's values, all segments of both. Where neither knew all that the other knew, the
 * greater counts are taken: the true ones are at least that. Order and repetition do not matter.
 */
export function mergeRows(a: IndexRow, b: IndexRow): IndexRow {
  const [newer, older] = isNewer(a, b) ? [a, b] : [b, a];
  const segments = [...new Set([...a.segments, ...b.segments])].sort();
  if (segments.length === newer.segments.length) return { ...newer, segments };
  return {
    ...newer,
    segments,
    series: Math.max(newer.series, older.series),
    instances: Math.max(newer.instances, older.instances),
  };
}

export function hitOf(row: IndexRow): LifeboatHit {
  const { path, segments, ...rest } = row;
  return { ...rest, segments: segments.map((name) => `manifests/${path}/${name}.ndjson.gz`) };
}
