/** Raise when tables change: an older catalogue is thrown away and rebuilt from the store. */
export const SCHEMA_VERSION = '5';

/** Columns by which the worklist sorts; each has an index together with the rank. */
const SORT_COLUMNS = [
  'name_alphabetic',
  'patient_id',
  'accession',
  'birth_date',
  'description',
  'modalities',
  'series_count',
  'instance_count',
  'bytes',
  'first_received',
  'last_received',
  'calling_aes',
  'conflicts',
];

/** @param text type of text columns: compares by code point in both databases @param big a 64-bit integer */
function tables(text: string, big: string): string[] {
  return [
    `create table catalogue_meta (name ${text} primary key, value ${text} not null)`,
    `create table segment (key ${text} primary key)`,
    `create table totals (singleton ${big} primary key, studies ${big} not null, series ${big} not null,
      instances ${big} not null, bytes ${big} not null, conflicts ${big} not null)`,
    'insert into totals values (1, 0, 0, 0, 0, 0)',
    `create table study (rank ${big} primary key, id ${big} not null, uid ${text} not null,
      study_date ${text} not null, study_time ${text} not null, accession ${text} not null,
      patient_id ${text} not null, issuer ${text} not null, name ${text} not null, name_alphabetic ${text} not null,
      name_ideographic ${text} not null, name_phonetic ${text} not null, birth_date ${text} not null,
      sex ${text} not null, study_id ${text} not null, description ${text} not null, referring ${text} not null,
      name_words ${text} not null, other_words ${text} not null, modalities ${text} not null,
      sop_classes ${text} not null, calling_aes ${text} not null, series_count ${big} not null,
      instance_count ${big} not null, content_count ${big} not null, bytes ${big} not null,
      first_received ${text} not null, last_received ${text} not null, conflicts ${big} not null)`,
    `create table study_detail (id ${big} primary key, newest ${text} not null, attributes ${text} not null)`,
    `create table series (id ${big} primary key, study_id ${big} not null, uid ${text} not null,
      modality ${text} not null, number ${big}, description ${text} not null, body_part ${text} not null,
      performed_date ${text} not null, performed_time ${text} not null, scheduled_step_ids ${text} not null,
      requested_procedure_ids ${text} not null, sop_classes ${text} not null, calling_aes ${text} not null,
      instance_count ${big} not null, content_count ${big} not null, bytes ${big} not null,
      first_received ${text} not null, last_received ${text} not null, conflicts ${big} not null,
      newest ${text} not null, attributes ${text} not null, unique (study_id, uid))`,
    `create table instance (series_id ${big} not null, sop_uid ${text} not null, data_set_sha256 ${text} not null,
      version ${text} not null, current ${big} not null, sop_class ${text} not null, number ${big},
      object_key ${text} not null, size ${big} not null, sha256 ${text} not null, transfer_syntax ${text} not null,
      received_at ${text} not null, calling_ae ${text} not null, source ${text} not null, attributes ${text} not null,
      primary key (series_id, sop_uid, data_set_sha256))`,
  ];
}

const INDEXES = [
  'create unique index study_id_is on study (id)',
  'create unique index study_uid_is on study (uid)',
  ...SORT_COLUMNS.map((column) => `create index study_by_${column} on study (${column}, rank)`),
  "create index study_by_name_ideographic on study (name_ideographic) where name_ideographic <> ''",
  "create index study_by_name_phonetic on study (name_phonetic) where name_phonetic <> ''",
  'create index series_by_uid on series (uid)',
  'create index instance_by_sop_uid on instance (sop_uid)',
];

export const SQLITE_TABLES = [
  ...tables('text', 'integer'),
  `create virtual table study_terms using fts5(terms, content='', contentless_delete=1, detail=none,
    prefix='2 3 4', tokenize='ascii')`,
];

/** Indexes are apart from tables: after a bulk load they cost least. */
export const SQLITE_INDEXES = [
  ...INDEXES,
  // Narrow, beside the table that is clustered by rank: counts and deep pages read a tenth of the pages.
  'create index study_ranks on study (rank)',
];

export const POSTGRES_TABLES = [
  ...tables('text collate "C"', 'bigint'),
  'create table study_postings (rank bigint primary key, terms tsvector not null)',
  'create table study_sample (rank bigint primary key, terms tsvector not null)',
];

export const POSTGRES_INDEXES = [
  ...INDEXES,
  'create index study_postings_terms on study_postings using gin (terms) with (fastupdate = off)',
];

const ALL_TABLES = [
  'study_terms',
  'study_postings',
  'study_sample',
  'instance',
  'series',
  'study_detail',
  'study',
  'totals',
  'segment',
  'catalogue_meta',
];

export const DROP_TABLES = ALL_TABLES.map((table) => `drop table if exists ${table}`);
