import type { QueryLevel } from '../../storage/catalogue/catalogue-types.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { KnownCorrections, SearchedCatalogue } from '../corrections/corrected-catalogue.ts';
import type { QueryRetrieveLevel } from '../dimse/query-classes.ts';
import { type Identifier, textOf } from './identifier.ts';
import type { Spooled } from './spooled.ts';
import { SpooledMatches } from './spooled-matches.ts';

const PAGE = 500;
const PATIENT_ID = '00100020';
const ISSUER = '00100021';
const PATIENT_COUNTS = { studies: '00201200', series: '00201202', instances: '00201204' } as const;

const CATALOGUE_LEVEL: Record<QueryRetrieveLevel, QueryLevel> = {
  PATIENT: 'study',
  STUDY: 'study',
  SERIES: 'series',
  IMAGE: 'instance',
};
const UNIQUE_KEY: Record<Exclude<QueryRetrieveLevel, 'PATIENT'>, string> = {
  STUDY: '0020000D',
  SERIES: '0020000E',
  IMAGE: '00080018',
};

export interface Match {
  row: DicomJson;
  /** Some keys could not be matched and were left out of account. */
  keysIgnored: boolean;
  /** It is not here. */
  elsewhere?: true;
}

export interface MatchOptions {
  /** What is not in the catalogue yet. */
  spooled?: Spooled | undefined;
  /** For what the spool has; the catalogue knows them. */
  corrections?: KnownCorrections | undefined;
  /** Names that are like the one asked for, too (PS3.4 C.2.2.2.1.1). */
  fuzzy?: boolean;
  /** What another archive answers, asked when everything here is said. */
  elsewhere?: (() => AsyncIterable<DicomJson>) | undefined;
}

/**
 * What the catalogue has that matches, newest study first, a page at a time. A row that moves between two pages because
 * something was received meanwhile comes once.
 */
export async function* matches(
  catalogue: SearchedCatalogue,
  identifier: Identifier,
  { spooled, corrections, fuzzy, elsewhere }: MatchOptions = {},
): AsyncGenerator<Match> {
  const level = CATALOGUE_LEVEL[identifier.level];
  const ofPatient = identifier.level === 'PATIENT';
  const counted = Object.values(PATIENT_COUNTS);
  const keys = identifier.keys.filter(({ tag }) => !(counted as string[]).includes(tag));
  const seen = new Set<string>();
  const waiting = spooled && (await SpooledMatches.open(spooled, catalogue, identifier));
  for (let offset = 0; ; offset += PAGE) {
    const { rows, more, ignoredKeys } = await catalogue.query({ level, keys, fuzzy, limit: PAGE, offset });
    const keysIgnored = (ignoredKeys?.length ?? 0) > 0 || keys.length < identifier.keys.length;
    for (const row of rows) {
      const id = identityOf(identifier.level, row);
      if (seen.has(id)) continue;
      seen.add(id);
      if (!ofPatient) yield { row: waiting?.completed(row) ?? row, keysIgnored };
      else yield { row: await patientRow(catalogue, identifier, row), keysIgnored };
    }
    if (!more) break;
  }
  for await (const row of waiting?.rows(corrections) ?? []) {
    const id = identityOf(identifier.level, row);
    if (seen.has(id)) continue;
    seen.add(id);
    yield { row: ofPatient ? await patientRow(catalogue, identifier, row) : row, keysIgnored: false };
  }
  for await (const row of elsewhere?.() ?? []) {
    const id = identityOf(identifier.level, row);
    if (seen.has(id)) continue;
    seen.add(id);
    yield { row, keysIgnored: false, elsewhere: true };
  }
}

function identityOf(level: QueryRetrieveLevel, row: DicomJson): string {
  if (level !== 'PATIENT') return textOf(row[UNIQUE_KEY[level]]);
  const id = textOf(row[PATIENT_ID]);
  // Without a Patient ID a study stands for itself: two nameless people must not become one.
  return JSON.stringify(id === '' ? [textOf(row['0020000D'])] : [id, textOf(row[ISSUER])]);
}

/** Attributes of the patient alone, with the counts where they are asked for (PS3.4 C.3.4). */
async function patientRow(catalogue: SearchedCatalogue, { asked }: Identifier, study: DicomJson): Promise<DicomJson> {
  const row: DicomJson = Object.fromEntries(Object.entries(study).filter(([tag]) => tag.startsWith('0010')));
  if (!Object.values(PATIENT_COUNTS).some((tag) => asked.has(tag))) return row;
  const counts = { studies: 0, series: 0, instances: 0 };
  for await (const each of studiesOfPatient(catalogue, textOf(row[PATIENT_ID]), textOf(row[ISSUER]))) {
    counts.studies++;
    counts.series += Number(textOf(each['00201206']));
    counts.instances += Number(textOf(each['00201208']));
  }
  for (const [what, tag] of Object.entries(PATIENT_COUNTS)) {
    row[tag] = { vr: 'IS', Value: [counts[what as keyof typeof counts]] };
  }
  return row;
}

/** All studies with exactly this Patient ID; `issuer` undefined: whoever issued it. */
export async function* studiesOfPatient(
  catalogue: SearchedCatalogue,
  patientID: string,
  issuer?: string,
): AsyncGenerator<DicomJson> {
  if (patientID === '') return;
  for (let offset = 0; ; offset += PAGE) {
    const keys = [{ tag: PATIENT_ID, value: patientID }];
    const { rows, more } = await catalogue.query({ level: 'study', keys, limit: PAGE, offset });
    for (const row of rows) {
      if (textOf(row[PATIENT_ID]) !== patientID) continue;
      if (issuer === undefined || textOf(row[ISSUER]) === issuer) yield row;
    }
    if (!more) return;
  }
}
