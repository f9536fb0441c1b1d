import { createHash } from 'node:crypto';
import type { DicomJson, InstanceEntry } from '../format/manifest.ts';
import { joinPersonName } from '../format/person-name.ts';
import { splitByLevel } from './levels.ts';
import type { InstanceTable, SeriesTable, StudyTable } from './tables.ts';
import { nameWords, otherWords } from './terms.ts';
import { date, integer, list, normalizeNameGroup, personName, text, time } from './values.ts';

type StudyValues = Omit<
  StudyTable,
  | 'rank'
  | 'id'
  | 'modalities'
  | 'sop_classes'
  | 'calling_aes'
  | 'series_count'
  | 'instance_count'
  | 'content_count'
  | 'bytes'
  | 'first_received'
  | 'last_received'
  | 'conflicts'
>;
type SeriesValues = Pick<
  SeriesTable,
  | 'uid'
  | 'modality'
  | 'number'
  | 'description'
  | 'body_part'
  | 'performed_date'
  | 'performed_time'
  | 'scheduled_step_ids'
  | 'requested_procedure_ids'
>;

/** An entry with its attributes parted and its place among others decided. */
export interface PreparedEntry {
  entry: InstanceEntry;
  version: string;
  levels: ReturnType<typeof splitByLevel>;
}

/**
 * Total order over entries: later received is greater; at equal times hashes decide, so that every router and every
 * rebuild decides alike.
 */
export function prepare(entry: InstanceEntry): PreparedEntry {
  const rest = createHash('sha256').update(JSON.stringify(entry)).digest('hex').slice(0, 16);
  const version = `${entry.receivedAt} ${entry.dataSetSha256} ${entry.sha256} ${rest}`;
  return { entry, version, levels: splitByLevel(entry.attributes) };
}

/** Study columns that come from the newest entry. */
export function studyValues(uid: string, attributes: DicomJson): StudyValues {
  const name = personName(attributes, '00100010');
  const joined = joinPersonName(name);
  const patientID = text(attributes, '00100020');
  const accession = text(attributes, '00080050');
  const description = text(attributes, '00081030');
  const referring = personName(attributes, '00080090');
  return {
    uid,
    study_date: date(attributes, '00080020'),
    study_time: time(attributes, '00080030'),
    accession,
    patient_id: patientID,
    issuer: text(attributes, '00100021'),
    name: joined,
    name_alphabetic: normalizeNameGroup(name.Alphabetic ?? ''),
    name_ideographic: normalizeNameGroup(name.Ideographic ?? ''),
    name_phonetic: normalizeNameGroup(name.Phonetic ?? ''),
    birth_date: date(attributes, '00100030'),
    sex: text(attributes, '00100040'),
    study_id: text(attributes, '00200010'),
    description,
    referring: list(
      [referring.Alphabetic, referring.Ideographic, referring.Phonetic].map((group) => normalizeNameGroup(group ?? '')),
    ),
    name_words: nameWords(joined),
    other_words: otherWords([patientID, accession], description),
  };
}

function requestIDs(attributes: DicomJson, tag: string): string {
  const items = attributes['00400275']?.Value ?? [];
  return list(items.flatMap((item) => (typeof item === 'object' && item ? [text(item as DicomJson, tag)] : [])));
}

/** Series columns that come from the newest entry. */
export function seriesValues(uid: string, attributes: DicomJson): SeriesValues {
  return {
    uid,
    modality: text(attributes, '00080060'),
    number: integer(attributes, '00200011'),
    description: text(attributes, '0008103E'),
    body_part: text(attributes, '00180015'),
    performed_date: date(attributes, '00400244'),
    performed_time: time(attributes, '00400245'),
    scheduled_step_ids: requestIDs(attributes, '00400009'),
    requested_procedure_ids: requestIDs(attributes, '00401001'),
  };
}

export function instanceRow(seriesId: number, { entry, version, levels }: PreparedEntry): InstanceTable {
  return {
    series_id: seriesId,
    sop_uid: entry.sopInstanceUID,
    data_set_sha256: entry.dataSetSha256,
    version,
    current: 1,
    sop_class: entry.sopClassUID,
    number: integer(entry.attributes, '00200013'),
    object_key: entry.key,
    size: entry.size,
    sha256: entry.sha256,
    transfer_syntax: entry.transferSyntaxUID,
    received_at: entry.receivedAt,
    calling_ae: (entry.source.callingAE ?? '').trim().replaceAll('\\', ''),
    source: JSON.stringify(entry.source),
    attributes: JSON.stringify(levels.instance),
  };
}
