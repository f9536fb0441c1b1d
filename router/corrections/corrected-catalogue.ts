import type { Catalogue, MatchingKey, Query, QueryResult } from '../../storage/catalogue/catalogue-types.ts';
import { fuzzyWords, isUniversal, listOf, nameGroupsOf } from '../../storage/catalogue/matching.ts';
import { normalizeNameGroup } from '../../storage/catalogue/values.ts';
import { nameTokens } from '../../storage/format/person-name.ts';
import { matchesPattern } from '../worklist/worklist-match.ts';
import { correctedAttributes } from './corrected-attributes.ts';
import type { Corrections } from './corrections.ts';

type Correction = NonNullable<ReturnType<Corrections['of']>>;
export type KnownCorrections = Pick<Corrections, 'of' | 'all'>;
/** What searches ask of the catalogue. */
export type SearchedCatalogue = Pick<Catalogue, 'query' | 'contents' | 'studyOf'>;

const STUDY = '0020000D';
const NAME = '00100010';
const IDENTITY: ReadonlySet<string> = new Set([NAME, '00100020', '00080050']);
const UIDS_AT_ONCE = 500;

/**
 * The catalogue for QIDO-RS and the query/retrieve service, in which the patient of a corrected study is the corrected one. It is
 * found by the identity received as well: who has noted the old number must find the study too.
 */
export function correctedCatalogue(
  catalogue: SearchedCatalogue,
  corrections: KnownCorrections | undefined,
): SearchedCatalogue {
  if (!corrections) return catalogue;
  return {
    contents: (study) => catalogue.contents(study),
    studyOf: (uid) => catalogue.studyOf(uid),
    query: async (query) => {
      const answer = await search(catalogue, corrections, query);
      return {
        ...answer,
        rows: answer.rows.map((row) => {
          const correction = corrections.of(String(row[STUDY]?.Value?.[0] ?? ''));
          return correction ? correctedAttributes(row, correction) : row;
        }),
      };
    },
  };
}

/** Studies that only their corrected identity matches come first, then what the catalogue finds. */
async function search(catalogue: SearchedCatalogue, corrections: KnownCorrections, query: Query): Promise<QueryResult> {
  const renamed = await foundByCorrection(catalogue, corrections, query);
  if (renamed.length === 0) return catalogue.query(query);
  const others = query.keys.filter(({ tag }) => !IDENTITY.has(tag) && tag !== STUDY);
  const end = query.offset + query.limit;
  const first: QueryResult['rows'] = [];
  let left = false;
  for (let i = 0; i < renamed.length && !left; i += UIDS_AT_ONCE) {
    const keys = [...others, uidKey(renamed.slice(i, i + UIDS_AT_ONCE))];
    const found = await catalogue.query({ ...query, keys, offset: 0, limit: end - first.length });
    first.push(...found.rows);
    left = found.more;
  }
  const rows = first.slice(query.offset, end);
  const offset = Math.max(0, query.offset - first.length);
  const rest = await catalogue.query({ ...query, offset, limit: query.limit - rows.length });
  return { ...rest, rows: [...rows, ...rest.rows], more: left || rest.more };
}

async function foundByCorrection(
  catalogue: SearchedCatalogue,
  corrections: KnownCorrections,
  { keys, fuzzy }: Query,
): Promise<string[]> {
  const asked = keys.filter(({ tag, value }) => IDENTITY.has(tag) && !isUniversal(value));
  if (asked.length === 0) return [];
  const named = keys.find(({ tag, value }) => tag === STUDY && !isUniversal(value));
  const within = named && new Set(listOf(named.value));
  const matching = corrections
    .all()
    .filter((one) => (within?.has(one.studyInstanceUID) ?? true) && asked.every((key) => matches(one, key, fuzzy)))
    .map(({ studyInstanceUID }) => studyInstanceUID);
  const found: string[] = [];
  for (let i = 0; i < matching.length; i += UIDS_AT_ONCE) {
    const uids = matching.slice(i, i + UIDS_AT_ONCE);
    const query: Query = { level: 'study', keys: [...asked, uidKey(uids)], limit: uids.length, offset: 0 };
    const { rows } = await catalogue.query(fuzzy === undefined ? query : { ...query, fuzzy });
    const known = new Set(rows.map((row) => row[STUDY]?.Value?.[0]));
    found.push(...uids.filter((uid) => !known.has(uid)));
  }
  return found;
}

const uidKey = (uids: readonly string[]): MatchingKey => ({ tag: STUDY, value: uids.join('\\') });

/** As the catalogue matches (PS3.4 C.2.2.2). */
function matches(correction: Correction, { tag, value }: MatchingKey, fuzzy = false): boolean {
  if (tag === NAME) return matchesName(correction.patientName, value, fuzzy);
  const text =
    tag === '00080050' ? (correction.accessionNumber ?? correction.original.accessionNumber) : correction.patientID;
  return matchesPattern(value.trim(), text);
}

function matchesName(name: string, value: string, fuzzy: boolean): boolean {
  if (fuzzy) {
    const tokens = nameTokens(name);
    return fuzzyWords(value).every((word) => tokens.some((token) => token.startsWith(word)));
  }
  const groups = name.split('=').map(normalizeNameGroup);
  return nameGroupsOf(value).every((wanted) => groups.some((group) => matchesPattern(wanted, group)));
}
