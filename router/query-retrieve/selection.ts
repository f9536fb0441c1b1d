import { LifeboatError } from '../../contract/errors.ts';
import type { AcknowledgedInstance, Archive } from '../../storage/archive-types.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { currentEntries, mergeEntries } from '../../storage/merge.ts';
import type { KnownCorrections, SearchedCatalogue } from '../corrections/corrected-catalogue.ts';
import { changesOf } from '../corrections/read-corrections.ts';
import type { ForwardedInstance, TagChange } from '../forward/forward-types.ts';
import { toForwarded } from '../forward/forwarding.ts';
import { type Identifier, textOf, uidsOf } from './identifier.ts';
import { studiesOfPatient } from './matches.ts';
import type { Elsewhere } from './pacs-source.ts';
import { entryOf, keyInSpool, type Spooled } from './spooled.ts';

const PATIENT_ID = '00100020';
const STUDY = '0020000D';
const SERIES = '0020000E';
const INSTANCE = '00080018';
/** More cannot be counted in a response, and nobody asks for it on purpose. */
const MOST_INSTANCES = 100_000;

export type SearchedArchive = Pick<Archive, 'entries'> & { catalogue: SearchedCatalogue };

export interface SelectionContext {
  archive: SearchedArchive;
  /** What is not in the store yet. */
  spooled: Spooled;
  corrections?: KnownCorrections | undefined;
  /** Asked for what is not here, while it is up. */
  pacs?: Elsewhere | undefined;
}

export interface Selected {
  instances: ForwardedInstance[];
  /** Those that are in the spool, by their key: for `SpoolFirst`. */
  waiting: ReadonlyMap<string, AcknowledgedInstance>;
}

/**
 * The instances that a C-MOVE or C-GET identifier names by its unique keys (PS3.4 C.4.2.1.4), the newest content of each. A
 * missing key of a level above is made up for where the one below says which it is.
 * @throws BAD_REQUEST when it names nothing, or far too much
 */
export async function selectInstances(
  { archive, spooled, corrections }: SelectionContext,
  identifier: Identifier,
): Promise<Selected> {
  const { level } = identifier;
  const series = level === 'SERIES' || level === 'IMAGE' ? uidsOf(identifier, SERIES) : [];
  const instances = level === 'IMAGE' ? uidsOf(identifier, INSTANCE) : [];
  if (level === 'SERIES' && series.length === 0) throw missing('Series Instance UID (0020,000E)');
  if (level === 'IMAGE' && instances.length === 0) throw missing('SOP Instance UID (0008,0018)');
  const selected: ForwardedInstance[] = [];
  const inSpool = new Map<string, AcknowledgedInstance>();
  for (const study of await studiesOf(archive, spooled, corrections, identifier, series, instances)) {
    const waiting = spooled.list(({ studyInstanceUID }) => studyInstanceUID === study);
    for (const one of waiting) inSpool.set(keyInSpool(one), one);
    for (const entry of currentEntries(mergeEntries([await keptOf(archive, study, waiting), waiting.map(entryOf)]))) {
      if (series.length > 0 && !series.includes(entry.seriesInstanceUID)) continue;
      if (instances.length > 0 && !instances.includes(entry.sopInstanceUID)) continue;
      selected.push(toForwarded(entry));
    }
    if (selected.length > MOST_INSTANCES) {
      throw new LifeboatError('BAD_REQUEST', `More than ${MOST_INSTANCES} images at once; ask for fewer.`);
    }
  }
  if (inSpool.size > 0) await spooled.unpack();
  return { instances: selected, waiting: inSpool };
}

/**
 * What the store has of a study. While it does not answer and part of the study waits in the spool, that part can be sent; of
 * the rest it is known what there is, so that it is reported as failed.
 */
async function keptOf(
  archive: SearchedArchive,
  studyInstanceUID: string,
  waiting: readonly AcknowledgedInstance[],
): Promise<InstanceEntry[]> {
  try {
    return await archive.entries(studyInstanceUID);
  } catch (error) {
    if (waiting.length === 0 || !(error instanceof LifeboatError) || error.code !== 'STORE_UNAVAILABLE') throw error;
    return (await archive.catalogue.contents(studyInstanceUID)).map((content) => ({
      ...content,
      studyInstanceUID,
      sopClassUID: '',
      transferSyntaxUID: '',
      dataSetOffset: 0,
      receivedAt: '',
      source: { via: 'c-store' },
      attributes: {},
    }));
  }
}

async function studiesOf(
  { catalogue }: Pick<SearchedArchive, 'catalogue'>,
  spooled: Spooled,
  corrections: KnownCorrections | undefined,
  identifier: Identifier,
  series: readonly string[],
  instances: readonly string[],
): Promise<string[]> {
  const studies = identifier.level === 'PATIENT' ? [] : uidsOf(identifier, STUDY);
  if (studies.length > 0) return [...new Set(studies)];
  const found = new Set<string>();
  if (identifier.level === 'PATIENT') {
    const patientID = identifier.keys.find(({ tag }) => tag === PATIENT_ID)?.value;
    if (!patientID) throw missing('Patient ID (0010,0020)');
    for await (const row of studiesOfPatient(catalogue, patientID)) found.add(textOf(row[STUDY]));
    const isOf = ({ studyInstanceUID, identity }: AcknowledgedInstance) =>
      (corrections?.of(studyInstanceUID)?.patientID ?? identity.patientID.trim()) === patientID;
    for (const one of spooled.list(isOf)) found.add(one.studyInstanceUID);
  } else {
    if (identifier.level === 'STUDY') throw missing('Study Instance UID (0020,000D)');
    const lookups =
      series.length > 0
        ? series.map((seriesInstanceUID) => ({ seriesInstanceUID }))
        : instances.map((sopInstanceUID) => ({ sopInstanceUID }));
    for (const uid of lookups) {
      const study = await catalogue.studyOf(uid);
      if (study) found.add(study);
    }
    const asked = new Set(series.length > 0 ? series : instances);
    for (const one of spooled.list((each) =>
      asked.has(series.length > 0 ? each.seriesInstanceUID : each.sopInstanceUID),
    ))
      found.add(one.studyInstanceUID);
  }
  return [...found];
}

/** Images leave with the corrected patient, and say what they were received as. */
export function changesOnTheWay(
  { corrections }: Pick<SelectionContext, 'corrections'>,
  { studyInstanceUID }: ForwardedInstance,
): TagChange[] {
  const correction = corrections?.of(studyInstanceUID);
  return correction ? changesOf(correction) : [];
}

function missing(what: string): LifeboatError {
  return new LifeboatError('BAD_REQUEST', `The ${what} is missing.`);
}
