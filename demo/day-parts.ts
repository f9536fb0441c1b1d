import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { ctSliceDataSet } from '../phantoms/ct.ts';
import { writePart10 } from '../phantoms/part10-writer.ts';
import type { StudyDescription } from '../phantoms/patient.ts';
import { startDimseServer } from '../router/dimse/server.ts';
import type { Announced, Reception } from '../storage/receive-types.ts';

/** A study on a scanner's disk. */
export interface ScannedStudy {
  studyInstanceUID: string;
  files: string[];
  instances: { sopClassUID: string; sopInstanceUID: string }[];
}

export function patient(n: number, date: string, time: string): StudyDescription {
  const names = ['SAMPLE^Ada', 'SAMPLE Jørgensen^Bo', 'SAMPLE^Каролина', 'SAMPLE^山田', 'SAMPLE^Διονύσιος'];
  return {
    name: `full day ${date} ${n}`,
    patientName: names[n % names.length]!,
    patientID: `SAMPLE-D${n}`,
    birthDate: '19600101',
    sex: n % 2 ? 'F' : 'M',
    date,
    time,
    accessionNumber: `ACC${n}`,
    description: 'SAMPLE of a full day',
    charset: 'ISO_IR 192',
  };
}

/** Small slices: what counts here is how many there are. */
export async function scanned(folder: string, study: StudyDescription, count: number): Promise<ScannedStudy> {
  await mkdir(folder, { recursive: true });
  const made: ScannedStudy = { studyInstanceUID: '', files: [], instances: [] };
  for (let index = 0; index < count; index++) {
    const dataSet = ctSliceDataSet({ rows: 32, columns: 32, index, of: count, study });
    const uid = (tag: string) => String(dataSet[tag]![1]);
    made.studyInstanceUID = uid('0020000D');
    made.instances.push({ sopClassUID: uid('00080016'), sopInstanceUID: uid('00080018') });
    const file = join(folder, `${made.files.length}.dcm`);
    await writeFile(file, writePart10(dataSet));
    made.files.push(file);
  }
  return made;
}

/** A workstation that takes images and remembers which. */
export interface Workstation {
  aeTitle: string;
  port: number;
  received: Set<string>;
  stop(): Promise<void>;
}

export async function startWorkstation(aeTitle: string, port: number): Promise<Workstation> {
  const received = new Set<string>();
  const reception = (announced: Partial<Announced>): Reception => {
    let size = 0;
    const { sopInstanceUID = '', sopClassUID = '', transferSyntaxUID = '' } = announced;
    return {
      write: (chunk) => {
        size += chunk.length;
      },
      finish: async () => {
        received.add(sopInstanceUID);
        const unread = { studyInstanceUID: '', seriesInstanceUID: '', dataSetSha256: '' };
        return { ...unread, sopInstanceUID, sopClassUID, transferSyntaxUID, size };
      },
      abort: () => undefined,
    };
  };
  const server = await startDimseServer({
    config: { aeTitle, dicomPort: port, maxAssociations: 8, idleTimeoutMs: 60_000, artimTimeoutMs: 30_000 },
    receiver: {
      beginDataSet: (_, announced) => reception(announced),
      beginFile: (_, announced) => reception(announced ?? {}),
    },
    access: { senderAllowed: () => true, refused: () => undefined, audit: () => undefined },
    log: pino({ level: 'silent' }),
  });
  return { aeTitle, port: server.port, received, stop: () => server.close(0) };
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  everyMs = 100,
): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; ) {
    if (await condition()) return true;
    await new Promise((done) => setTimeout(done, everyMs));
  }
  return condition();
}
