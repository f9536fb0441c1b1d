/** Which table answers a search, from where to where, and which rows of it count. Runs in the browser too. */
import { exactValue, familyWords, type IndexRow, newestFirstValue, type TableName } from './lifeboat-index-row.ts';
import type { LifeboatSearch } from './lifeboat-index-types.ts';
import { nameTokens, queryTokens } from './person-name.ts';

export interface SearchPlan {
  table: TableName;
  /** First key that may count. */
  from: string;
  /** The key after the last that may count. */
  to: string;
  /** Whether a row counts under the value of this key. */
  counts(row: IndexRow, value: string): boolean;
}

/** Greater than whatever follows a beginning: no text has this code unit. */
const BEYOND = '\uffff';

function dayIn(row: IndexRow, { from, to }: { from?: string; to?: string }): boolean {
  if (!/^\d{8}$/.test(row.studyDate)) return false;
  return (!from || row.studyDate >= from) && (!to || row.studyDate <= to);
}

/** Values of the stretch of newest-first dates. */
function dateStretch({ from, to }: { from?: string; to?: string } = {}): [string, string] {
  const first = to ? newestFirstValue(to).slice(0, 8) : '';
  const last = from ? newestFirstValue(from).slice(0, 8) + BEYOND : '';
  return [first, last];
}

/** Null: nothing can match. */
export function planSearch(search: LifeboatSearch): SearchPlan | null {
  const patient = exactValue(search.patientID ?? '');
  const accession = exactValue(search.accessionNumber ?? '');
  const modality = exactValue(search.modality ?? '');
  const words = queryTokens(search.familyName ?? '').map((word) => exactValue([...word].slice(0, 64).join('')));
  if (search.familyName?.trim() && words.length === 0) return null;
  const dates = search.studyDate?.from || search.studyDate?.to ? search.studyDate : undefined;
  // the longest word leaves least to be looked through
  const longest = words.toSorted((a, b) => b.length - a.length)[0] ?? '';
  const matches = (row: IndexRow): boolean => {
    if (patient && exactValue(row.patientID) !== patient) return false;
    if (accession && exactValue(row.accessionNumber) !== accession) return false;
    if (modality && !row.modalities.some((each) => exactValue(each) === modality)) return false;
    if (dates && !dayIn(row, dates)) return false;
    if (words.length === 0) return true;
    if (!familyWords(row.patientName).some((token) => token.startsWith(longest))) return false;
    const tokens = words.length > 1 ? nameTokens(row.patientName) : [];
    return words.every((word) => word === longest || tokens.some((token) => token.startsWith(word)));
  };
  const exact = (table: TableName, value: string): SearchPlan => ({
    table,
    from: `${value}\t`,
    to: `${value}\t${BEYOND}`,
    counts: (row) => matches(row),
  });
  if (accession) return exact('accession', accession);
  if (patient) return exact('patient', patient);
  if (longest)
    return {
      table: 'name',
      from: longest,
      to: longest + BEYOND,
      // a study is under every word of its name: it counts under the first of them
      counts: (row, value) =>
        matches(row) && !familyWords(row.patientName).some((token) => token.startsWith(longest) && token < value),
    };
  const [first, last] = dateStretch(dates);
  if (modality)
    return {
      table: 'modality',
      from: `${modality} ${first}`,
      to: `${modality} ${last || BEYOND}`,
      counts: (row) => matches(row),
    };
  return { table: 'date', from: first, to: last || BEYOND, counts: (row) => matches(row) };
}
