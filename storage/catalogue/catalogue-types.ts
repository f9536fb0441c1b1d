import type { DicomJson, InstanceEntry } from '../format/manifest.ts';

export type QueryLevel = 'study' | 'series' | 'instance';

/** One matching key (PS3.4 C.2.2.2): values as in the query string, decoded; empty = universal matching. */
export interface MatchingKey {
  /** 8-digit upper-case hex tag. */
  tag: string;
  /** Raw query value: wildcards * and ?, ranges a-b, lists a,b or a\b for UIDs. */
  value: string;
}

export interface Query {
  level: QueryLevel;
  keys: MatchingKey[];
  /** PS3.18 8.3.4: fuzzy person-name matching, any script. */
  fuzzy?: boolean;
  limit: number;
  offset: number;
}

/** One result: DICOM JSON attributes of the level and those above, incl. computed ones (ModalitiesInStudy, NumberOf…). */
export interface QueryResult {
  rows: DicomJson[];
  /** True when rows beyond limit+offset exist. */
  more: boolean;
  /** Tags that could not be matched and were left out of account (PS3.18 8.3.4.1: to be told in a Warning header). */
  ignoredKeys?: string[];
}

export interface WorklistQuery {
  /** As typed: name parts in any script and order, patient ID, accession number; every word must match as a prefix of something. */
  search?: string;
  /** YYYYMMDD inclusive. */
  dateFrom?: string;
  dateTo?: string;
  modalities?: string[];
  callingAE?: string;
  /** Only studies with a conflict. */
  conflicts?: boolean;
  /** Column, '-' in front for descending. Default '-studyDate'. */
  sort?: string;
  limit: number;
  offset: number;
}

export interface WorklistRow {
  studyInstanceUID: string;
  patientName: string;
  /** Alphabetic, ideographic, phonetic groups. */
  patientNameGroups: string[];
  patientID: string;
  issuerOfPatientID: string;
  patientBirthDate: string;
  patientSex: string;
  accessionNumber: string;
  studyDate: string;
  studyTime: string;
  studyDescription: string;
  modalities: string[];
  seriesCount: number;
  instanceCount: number;
  bytes: number;
  /** UTC ISO. */
  firstReceivedAt: string;
  lastReceivedAt: string;
  callingAEs: string[];
  /** Instances with two or more contents under one UID. */
  conflicts: number;
  /** The patient was corrected by a person; what was received. The router adds it, the catalogue does not know. */
  corrected?: { patientName: string; patientID: string };
}

/** One content as the catalogue has it, for comparing it with the store. */
export interface CatalogueContent {
  seriesInstanceUID: string;
  sopInstanceUID: string;
  dataSetSha256: string;
  key: string;
  size: number;
  sha256: string;
}

export interface Catalogue {
  readonly description: string;
  /**
   * True while the catalogue may lack what the store has: its tables are new (first start, other version, damaged file) or were
   * cleared, and no reading of the whole store was finished since. Outlives a restart.
   */
  readonly needsRebuild?: boolean;
  /** To be called when a reading of the whole store is finished: `needsRebuild` is false from then on. */
  rebuilt?(): Promise<void>;
  /**
   * Idempotent: the same entries again change nothing; order-free.
   * @param segments keys of manifest segments of which every line is in the catalogue once these entries are
   */
  apply(entries: InstanceEntry[], segments?: string[]): Promise<void>;
  /** Keys of the manifest segments that are in the catalogue, those beginning with `prefix`, in order. */
  segments(prefix: string): Promise<string[]>;
  /** These segments are read again when they are found in the store. */
  forgetSegments(keys: string[]): Promise<void>;
  query(query: Query): Promise<QueryResult>;
  worklist(
    query: WorklistQuery,
  ): Promise<{ rows: WorklistRow[]; more: boolean /** exact up to 10,000, else 10001 */; count: number }>;
  /** Study a series or instance UID belongs to, newest if several. */
  studyOf(uid: { seriesInstanceUID?: string; sopInstanceUID?: string }): Promise<string | null>;
  totals(): Promise<{ studies: number; series: number; instances: number; bytes: number; conflicts: number }>;
  /** Every content of a study, older ones too; empty when it is unknown. */
  contents(studyInstanceUID: string): Promise<CatalogueContent[]>;
  /** Study Instance UIDs in order of their code points, at most 500, those after `after`. */
  studyUIDs(after?: string): Promise<string[]>;
  /**
   * Puts a study in anew, or takes it out when `entries` is empty, at once. Nothing changes, and the answer is false, when it has
   * other contents (`contentId`) than `shown`, as when an image came meanwhile.
   */
  replaceStudy(studyInstanceUID: string, shown: ReadonlySet<string>, entries: InstanceEntry[]): Promise<boolean>;
  /** Empties everything, for rebuild. */
  clear(): Promise<void>;
  /** Deterministic dump, line per row in key order, to compare a rebuilt catalogue with the original. */
  dump(): AsyncIterable<string>;
  close(): Promise<void>;
}
