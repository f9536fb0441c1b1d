import type {
  ReadinessAnswer,
  ReadinessDay,
  ReadinessList,
  ReadinessPatient,
  ReadinessStudy,
  Readiness as ReadinessWord,
} from '../../contract/backfill.ts';
import type { ScheduleFields } from '../../contract/ris.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import type { BackfillState } from '../backfill/backfill-state.ts';
import type { PacsStudy } from '../backfill/pacs-source.ts';
import { startsOf } from '../worklist/worklist-fields.ts';
import { dayOf, type WorklistItem } from '../worklist/worklist-store.ts';
import { countsHere } from './counts-here.ts';

const OPEN_SHOWN = 50;
const RANK: Record<ReadinessWord, number> = { missing: 0, partial: 1, unknown: 2, complete: 3 };

export interface ReadinessSources {
  catalogue: Catalogue;
  state: BackfillState;
  worklist(): readonly WorklistItem[];
  /** false: no PACS is configured. */
  possible: boolean;
  trouble(): string;
}

/** What is here of what the PACS has: of the patients of today and tomorrow, and of the last days. */
export async function readiness(sources: ReadinessSources, days: number, now = new Date()): Promise<ReadinessAnswer> {
  const lists = [0, 1].map((ahead) => listOf(sources, dayOf(now, ahead)));
  const past = Array.from({ length: days }, (_, ago) => dayOf(now, -ago));
  const known = new Map(past.map((day) => [day, sources.state.knownOfDay(day)]));
  const uids = new Set([
    ...lists.flatMap(({ patients }) => patients.flatMap(({ studies }) => studies.map((each) => each.studyInstanceUID))),
    ...[...known.values()].flat().map((study) => study.studyInstanceUID),
  ]);
  const here = await countsHere(sources.catalogue, [...uids]);
  const judged = (study: PacsStudy) => judge(study, here, sources.state);
  return {
    possible: sources.possible,
    at: now.toISOString(),
    trouble: sources.trouble(),
    lists: lists.map(
      ({ day, patients }): ReadinessList => ({
        day,
        patients: patients
          .map((patient) => patientOf({ ...patient, studies: patient.studies.map(judged) }))
          .sort((a, b) => RANK[a.state] - RANK[b.state] || (startOf(a) < startOf(b) ? -1 : 1)),
      }),
    ),
    days: past.map((day) => dayOfStudies(day, known.get(day)!, judged, sources.state.dayAskedAt(day))),
  };
}

const startOf = (patient: ReadinessPatient) => patient.appointments[0]?.starts ?? '';

interface Expected {
  fields: ScheduleFields[];
  studies: PacsStudy[];
  askedAt: string | null;
}

function listOf({ worklist, state }: ReadinessSources, day: string): { day: string; patients: Expected[] } {
  const patients = new Map<string, ScheduleFields[]>();
  for (const { fields } of worklist()) {
    if (!startsOf(fields).startsWith(day)) continue;
    const key = JSON.stringify([fields.patientID, fields.issuerOfPatientID, fields.patientID || fields.patientName]);
    patients.set(key, [...(patients.get(key) ?? []), fields]);
  }
  return {
    day,
    patients: [...patients.values()].map((fields) => {
      const { patientID, issuerOfPatientID } = fields[0]!;
      return {
        fields,
        // What is made at this appointment is not history.
        studies: state
          .knownOfPatient(patientID)
          .filter(({ studyInstanceUID }) => !fields.some((one) => one.studyInstanceUID === studyInstanceUID)),
        askedAt: state.patientAskedAt(patientID, issuerOfPatientID),
      };
    }),
  };
}

function patientOf({
  fields,
  studies,
  askedAt,
}: Omit<Expected, 'studies'> & { studies: ReadinessStudy[] }): ReadinessPatient {
  const { patientName, patientID } = fields[0]!;
  const appointments = fields.map((one) => ({
    starts: startsOf(one),
    modality: one.modality,
    description: one.description || one.requestedProcedure,
    stationAETitle: one.stationAETitle,
  }));
  const open = studies.filter(({ state }) => state !== 'complete');
  const { state, reason } = verdict(studies, open, askedAt, patientID);
  return { patientName, patientID, appointments, state, reason, studies, askedAt };
}

function verdict(
  studies: readonly ReadinessStudy[],
  open: readonly ReadinessStudy[],
  askedAt: string | null,
  patientID: string,
): { state: ReadinessWord; reason: string } {
  if (patientID === '') return { state: 'unknown', reason: 'The order has no patient ID.' };
  if (askedAt === null) return { state: 'unknown', reason: 'The PACS has not been asked yet.' };
  if (open.length === 0)
    return { state: 'complete', reason: studies.length === 0 ? 'No earlier studies on the PACS.' : '' };
  const reason = `${open.length} of ${studies.length} ${studies.length === 1 ? 'study is' : 'studies are'} not complete: ${open[0]!.reason}`;
  if (open.every((study) => study.state === 'unknown')) return { state: 'unknown', reason };
  const nothing = studies.every((study) => study.here === 0);
  return { state: nothing ? 'missing' : 'partial', reason };
}

function judge(study: PacsStudy, counts: ReadonlyMap<string, number>, state: BackfillState): ReadinessStudy {
  const { studyInstanceUID, studyDate, modalities, description } = study;
  const here = counts.get(studyInstanceUID) ?? 0;
  const job = state.study(studyInstanceUID);
  const expected = study.instances ?? job?.expected ?? null;
  const base = { studyInstanceUID, studyDate, modalities, description, expected, here };
  if (expected === null && here > 0 && job?.state !== 'done')
    return { ...base, state: 'unknown', reason: 'The PACS does not say how many images it has.' };
  if (here > 0 && (expected === null || here >= expected)) return { ...base, state: 'complete', reason: '' };
  if (expected === 0) return { ...base, state: 'complete', reason: '' };
  return { ...base, state: here > 0 ? 'partial' : 'missing', reason: reasonOf(job) };
}

function reasonOf(job: ReturnType<BackfillState['study']>): string {
  if (!job) return 'Not asked for: it is in no backfill and not among the priors that are fetched.';
  if (job.state === 'failed') return `Given up: ${job.reason}`;
  if (job.state === 'done') return 'The PACS has more images than when it was fetched; it is fetched again soon.';
  return job.reason ? `Tried in vain, tried again: ${job.reason}` : 'Waits for its turn.';
}

function dayOfStudies(
  day: string,
  studies: readonly PacsStudy[],
  judged: (study: PacsStudy) => ReadinessStudy,
  askedAt: string | null,
): ReadinessDay {
  const rows = studies.map((study) => ({
    ...judged(study),
    patientName: study.patientName,
    patientID: study.patientID,
  }));
  const n = (word: ReadinessWord) => rows.filter(({ state }) => state === word).length;
  return {
    day,
    studies: rows.length,
    complete: n('complete'),
    partial: n('partial') + n('unknown'),
    missing: n('missing'),
    images: rows.reduce((sum, { expected, here }) => sum + Math.max(expected ?? here, 0), 0),
    imagesHere: rows.reduce((sum, { expected, here }) => sum + Math.min(here, expected ?? here), 0),
    askedAt,
    open: rows.filter(({ state }) => state !== 'complete').slice(0, OPEN_SHOWN),
  };
}
