import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { joinPersonName, normalizeForSearch, type PersonName } from '../../storage/format/person-name.ts';
import type { RemoteInstance, RemoteListing, RemoteStudy } from './remote-archive.ts';

/** Whose study it is and what it was ordered as; '' where nothing is known. */
export interface StudyIdentity {
  patientName: string;
  patientID: string;
  accessionNumber: string;
}

/** The two sides of one study, image by image. */
export interface StudyComparison {
  /** The newest content of each image that only we have. */
  onlyHere: InstanceEntry[];
  onlyThere: RemoteInstance[];
  both: Set<string>;
  /** SOP Instance UIDs that the PACS lists more than once. */
  twice: string[];
  /** SOP Instance UIDs with several contents here. */
  contents: string[];
  /** In words, empty: the same. */
  identity: string[];
  /** Numbers that do not fit; '' when they do. */
  count: string;
  noOrder: boolean;
}

/**
 * Compares what is kept here with what the PACS lists.
 * @param expected the identity with which our images went out
 */
export function compareStudy(
  ours: readonly InstanceEntry[],
  theirs: RemoteListing,
  study: RemoteStudy | undefined,
  expected: StudyIdentity | undefined,
): StudyComparison {
  const newest = newestContents(ours);
  const there = new Map<string, number>();
  for (const { sopInstanceUID } of theirs.instances) there.set(sopInstanceUID, (there.get(sopInstanceUID) ?? 0) + 1);
  const twice = [...there].filter(([, n]) => n > 1).map(([uid]) => uid);
  const contents = new Map<string, Set<string>>();
  for (const { sopInstanceUID, dataSetSha256 } of ours)
    contents.set(sopInstanceUID, (contents.get(sopInstanceUID) ?? new Set()).add(dataSetSha256));
  const said = study?.instances;
  return {
    onlyHere: [...newest.values()].filter(({ sopInstanceUID }) => !there.has(sopInstanceUID)),
    onlyThere: [...new Map(theirs.instances.map((each) => [each.sopInstanceUID, each])).values()].filter(
      ({ sopInstanceUID }) => !newest.has(sopInstanceUID),
    ),
    both: new Set([...newest.keys()].filter((uid) => there.has(uid))),
    twice,
    contents: [...contents].filter(([, each]) => each.size > 1).map(([uid]) => uid),
    identity: study && expected ? differences(expected, study) : [],
    count:
      said !== undefined && said !== there.size ? `the PACS says it has ${said} images and lists ${there.size}` : '',
    noOrder: ours.length > 0 && ours.every(hasNoOrder) && !study?.accessionNumber,
  };
}

/** The newest content of each image, by SOP Instance UID. */
export function newestContents(entries: readonly InstanceEntry[]): Map<string, InstanceEntry> {
  const newest = new Map<string, InstanceEntry>();
  for (const entry of entries) {
    const known = newest.get(entry.sopInstanceUID);
    if (!known || known.receivedAt < entry.receivedAt) newest.set(entry.sopInstanceUID, entry);
  }
  return newest;
}

const textOf = (attributes: DicomJson, tag: string): string => {
  const value = attributes[tag]?.Value?.[0];
  return value === undefined || value === null ? '' : String(value).trim();
};

export function identityOf(attributes: DicomJson): StudyIdentity {
  return {
    patientName: joinPersonName((attributes['00100010']?.Value?.[0] ?? {}) as PersonName),
    patientID: textOf(attributes, '00100020'),
    accessionNumber: textOf(attributes, '00080050'),
  };
}

/** Neither an accession number nor the request that it answers (PS3.3 C.7.2.1, C.7.6.16 Request Attributes). */
function hasNoOrder({ attributes }: InstanceEntry): boolean {
  const requests = attributes['00400275']?.Value ?? attributes['0032A370']?.Value ?? [];
  return textOf(attributes, '00080050') === '' && requests.length === 0;
}

/** Names are the same without regard to case, blanks and empty parts at their end. */
function differences(ours: StudyIdentity, theirs: RemoteStudy): string[] {
  const words: string[] = [];
  const tell = (what: string, here: string, there: string, same: boolean) => {
    if (!same) words.push(`${what} here ${shown(here)}, there ${shown(there)}`);
  };
  tell('patient ID', ours.patientID, theirs.patientID, ours.patientID === theirs.patientID);
  tell('name', ours.patientName, theirs.patientName, sameName(ours.patientName, theirs.patientName));
  const accessions = [ours.accessionNumber, theirs.accessionNumber];
  tell('accession number', ours.accessionNumber, theirs.accessionNumber, accessions[0] === accessions[1]);
  return words;
}

const shown = (value: string): string => (value === '' ? '(none)' : value);

/**
 * A PACS that answers in Latin-1 leaves out the letters that this lacks, or puts question marks: what it was able to say must be
 * the same then.
 */
export function sameName(ours: string, theirs: string): boolean {
  if (nameKey(ours) === nameKey(theirs)) return true;
  const isLatin1 = (letter: string) => letter.codePointAt(0)! <= 0xff;
  if ([...ours].every(isLatin1) || ![...theirs].every(isLatin1)) return false;
  const rest = (name: string) =>
    nameKey([...name].filter((letter) => isLatin1(letter) && !'?_*'.includes(letter)).join(''));
  return rest(theirs) === '' || rest(ours) === rest(theirs);
}

/** The first group that is there: a PACS may keep the alphabetic one alone. */
function nameKey(name: string): string {
  const group = name.split('=').find((each) => each.replace(/[\^ ]/g, '') !== '') ?? '';
  return normalizeForSearch(group.replace(/\^+$/, '').replaceAll('^', ' ')).trim();
}
