import type { Kysely, Transaction } from 'kysely';

/**
 * Tables of the catalogue, the same in SQLite and PostgreSQL. It is a cache of the store: everything here can be rebuilt
 * from manifest segments. Lists inside a column are written `\A\B\` (sorted, a backslash on both ends, '' when empty).
 */
export interface CatalogueTables {
  study: StudyTable;
  study_detail: StudyDetailTable;
  series: SeriesTable;
  instance: InstanceTable;
  totals: TotalsTable;
  catalogue_meta: { name: string; value: string };
  /** Manifest segments of which every line is in the catalogue. */
  segment: { key: string };
  /** SQLite only: FTS5 posting lists, rowid = study.rank. */
  study_terms: { rowid: number; terms: string };
  /** PostgreSQL only: posting lists in a GIN index. */
  study_postings: { rank: number; terms: string };
  /** PostgreSQL only: the same of one study in 128. */
  study_sample: { rank: number; terms: string };
}

export type Database = Kysely<CatalogueTables>;
export type Trx = Transaction<CatalogueTables>;

/** Narrow on purpose: lists and sorts read only this; the DICOM attributes lie in `study_detail`. */
export interface StudyTable {
  /** Orders studies by date and time (see rank.ts), unique; changes when the study's date changes. */
  rank: number;
  /** Stable number of the study inside this catalogue. */
  id: number;
  uid: string;
  study_date: string;
  study_time: string;
  accession: string;
  patient_id: string;
  issuer: string;
  /** PN as received, all groups. */
  name: string;
  /** Normalised groups, for matching and sorting. */
  name_alphabetic: string;
  name_ideographic: string;
  name_phonetic: string;
  birth_date: string;
  sex: string;
  study_id: string;
  description: string;
  /** Normalised referring physician, all groups. */
  referring: string;
  /** ` token token`: each token of the name has a space in front. */
  name_words: string;
  /** The same of patient ID, accession number and description. */
  other_words: string;
  modalities: string;
  sop_classes: string;
  calling_aes: string;
  series_count: number;
  instance_count: number;
  content_count: number;
  bytes: number;
  first_received: string;
  last_received: string;
  conflicts: number;
}

export interface StudyDetailTable {
  id: number;
  /** Version of the entry from which the study-level values come: the newest. */
  newest: string;
  attributes: string;
}

export interface SeriesTable {
  id: number;
  study_id: number;
  uid: string;
  modality: string;
  number: number | null;
  description: string;
  body_part: string;
  performed_date: string;
  performed_time: string;
  /** ScheduledProcedureStepID and RequestedProcedureID of RequestAttributesSequence, lists. */
  scheduled_step_ids: string;
  requested_procedure_ids: string;
  sop_classes: string;
  calling_aes: string;
  instance_count: number;
  content_count: number;
  bytes: number;
  first_received: string;
  last_received: string;
  conflicts: number;
  newest: string;
  attributes: string;
}

export interface InstanceTable {
  series_id: number;
  sop_uid: string;
  data_set_sha256: string;
  /** Orders contents of one UID and re-receptions of one content: received time, then hashes. */
  version: string;
  /** 1 for the newest content of a SOP Instance UID. */
  current: number;
  sop_class: string;
  number: number | null;
  object_key: string;
  size: number;
  sha256: string;
  transfer_syntax: string;
  received_at: string;
  calling_ae: string;
  source: string;
  attributes: string;
}

export interface TotalsTable {
  singleton: number;
  studies: number;
  series: number;
  instances: number;
  bytes: number;
  conflicts: number;
}
