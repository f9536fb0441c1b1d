import { LifeboatError } from '../../contract/errors.ts';
import type { Archive } from '../../storage/archive-types.ts';
import { currentEntries } from '../../storage/merge.ts';
import type { ForwardedInstance } from '../forward/forward-types.ts';
import { toForwarded } from '../forward/forwarding.ts';
import { type Identifier, textOf, uidsOf } from './identifier.ts';
import { studiesOfPatient } from './matches.ts';

const PATIENT_ID = '00100020';
const STUDY = '0020000D';
const SERIES = '0020000E';
const INSTANCE = '00080018';
/** More cannot be counted in a response, and nobody asks for it on purpose. */
const MOST_INSTANCES = 100_000;

/**
 * The instances that a C-MOVE or C-GET identifier names by its unique keys (PS3.4 C.4.2.1.4), the newest content of each. A
 * missing key of a level above is made up for where the one below says which it is.
 * @throws BAD_REQUEST when it names nothing, or far too much
 */
export async function selectInstances(
  archive: Pick<Archive, 'entries' | 'catalogue'>,
  identifier: Identifier,
): Promise<ForwardedInstance[]> {
  const { level } = identifier;
  const series = level === 'SERIES' || level === 'IMAGE' ? uidsOf(identifier, SERIES) : [];
  const instances = level === 'IMAGE' ? uidsOf(identifier, INSTANCE) : [];
  if (level === 'SERIES' && series.length === 0) throw missing('Series Instance UID (0020,000E)');
  if (level === 'IMAGE' && instances.length === 0) throw missing('SOP Instance UID (0008,0018)');
  const selected: ForwardedInstance[] = [];
  for (const study of await studiesOf(archive, identifier, series, instances)) {
    for (const entry of currentEntries(await archive.entries(study))) {
      if (series.length > 0 && !series.includes(entry.seriesInstanceUID)) continue;
      if (instances.length > 0 && !instances.includes(entry.sopInstanceUID)) continue;
      selected.push(toForwarded(entry));
    }
    if (selected.length > MOST_INSTANCES) {
      throw new LifeboatError('BAD_REQUEST', `More than ${MOST_INSTANCES} images at once; ask for fewer.`);
    }
  }
  return selected;
}

async function studiesOf(
  { catalogue }: Pick<Archive, 'catalogue'>,
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
  }
  return [...found];
}

function missing(what: string): LifeboatError {
  return new LifeboatError('BAD_REQUEST', `The ${what} is missing.`);
}
