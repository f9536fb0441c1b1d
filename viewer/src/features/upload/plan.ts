import { pageMessages } from '../../shared/messages.pages.en.ts';
import { type Candidate, type Found, kindOf } from './collect.ts';
import { referencedFiles } from './dicomdir.ts';
import { type Identity, identityOf, patientKey } from './identity.ts';

const text = pageMessages.upload;

export interface FileRow {
  path: string;
  size: number;
  /** `unread`: the disc did not give it. `missing`: a DICOMDIR names it and it is not there. `left`: not to be sent. */
  state: 'waiting' | 'sending' | 'kept' | 'refused' | 'unread' | 'missing' | 'left';
  reason?: string;
}

export interface PatientOnDisc extends Identity {
  key: string;
  files: number;
  studies: Set<string>;
}

/** What is to be done with what was chosen. */
export interface Plan {
  rows: FileRow[];
  /** Files behind rows, by index of the row, as far as the disc gave them. */
  candidates: Map<number, Candidate>;
  /** Rows to send, and the key of their patient; '' where a file does not tell. */
  toSend: Map<number, string>;
  /** In the order met. Those whose files do not tell have the key ''. */
  patients: PatientOnDisc[];
}

const nobody: Identity = { patientName: '', patientID: '', patientBirthDate: '', studyInstanceUID: '' };

/** Files named in a DICOMDIR that are not among the candidates: lost on the disc, and the person must know. */
async function missingFrom(dicomdir: Candidate, candidates: readonly Found[]): Promise<FileRow[]> {
  const folder = dicomdir.path.split('/').slice(0, -1);
  const present = new Set(candidates.map((candidate) => candidate.path.toUpperCase()));
  const single = candidates.length === 1;
  const rows: FileRow[] = [];
  for (const path of single ? [] : await referencedFiles(dicomdir.file)) {
    const full = [...folder, path].join('/').toUpperCase();
    if (!present.has(full) && !present.has(`${full}.DCM`))
      rows.push({ path: full, size: 0, state: 'missing', reason: text.notOnDisc });
  }
  return rows;
}

/** What a row becomes before anything is sent: `waiting` for images, `left` for others, `unread` where the disc fails. */
export async function lookAt(candidate: Candidate): Promise<{ row: FileRow; identity: Identity | null; dir: boolean }> {
  const row: FileRow = { path: candidate.path, size: candidate.file.size, state: 'waiting' };
  try {
    const kind = await kindOf(candidate);
    if (kind === 'other') Object.assign(row, { state: 'left', reason: text.notDicom });
    if (kind === 'dicomdir') Object.assign(row, { state: 'left', reason: text.dicomdir });
    const identity = kind === 'dicom' ? await identityOf(candidate.file) : null;
    return { row, identity, dir: kind === 'dicomdir' };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return { row: unreadRow(candidate.path, candidate.file.size), identity: null, dir: false };
  }
}

function unreadRow(path: string, size: number): FileRow {
  return { path, size, state: 'unread', reason: text.unreadable };
}

/** Looks through everything that was chosen. @param onProgress files found, files looked at */
export async function makePlan(
  files: AsyncIterable<Found>,
  onProgress: (found: number, looked: number) => void,
): Promise<Plan> {
  const found: Found[] = [];
  for await (const each of files) {
    found.push(each);
    if (found.length % 50 === 0) onProgress(found.length, 0);
  }
  const plan: Plan = { rows: [], candidates: new Map(), toSend: new Map(), patients: [] };
  const patients = new Map<string, PatientOnDisc>();
  for (const [index, each] of found.entries()) {
    if (index % 20 === 0) onProgress(found.length, index);
    if (!('file' in each)) {
      plan.rows.push(unreadRow(each.path, 0));
      continue;
    }
    const { row, identity, dir } = await lookAt(each);
    if (dir) plan.rows.push(...(await missingRows(each, found, row)));
    plan.rows.push(row);
    const at = plan.rows.length - 1;
    plan.candidates.set(at, each);
    if (row.state !== 'waiting') continue;
    const key = identity ? patientKey(identity) : '';
    plan.toSend.set(at, key);
    const patient = patients.get(key) ?? { ...(identity ?? nobody), key, files: 0, studies: new Set<string>() };
    patients.set(key, patient);
    patient.files += 1;
    if (identity?.studyInstanceUID) patient.studies.add(identity.studyInstanceUID);
  }
  return { ...plan, patients: [...patients.values()] };
}

async function missingRows(dicomdir: Candidate, found: readonly Found[], row: FileRow): Promise<FileRow[]> {
  try {
    return await missingFrom(dicomdir, found);
  } catch (error) {
    Object.assign(row, { state: 'refused', reason: text.badDicomdir((error as Error).message) });
    return [];
  }
}
