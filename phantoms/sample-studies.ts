/** The studies that the demo shows and that tests send: made by the project itself, each marked SAMPLE. */
import { crImage } from './cr.ts';
import { CT_LESIONS, CT_PRIOR_LESIONS, ctSeries } from './ct.ts';
import { mrSlice } from './mr.ts';
import type { StudyDescription } from './patient.ts';
import { uidFrom } from './uid.ts';
import { usCine } from './us.ts';

export interface SampleStudy {
  /** Short English name for people, e.g. `CT thorax`. */
  name: string;
  modality: string;
  study: StudyDescription & { studyInstanceUID: string };
  instanceCount: number;
  /** Part 10 files, made one at a time. */
  instances(): Iterable<Uint8Array>;
}

export interface SampleOptions {
  /** Fewer and smaller instances for tests: a fraction of the slices and of the matrix, e.g. 0.25. */
  scale?: number;
  /** YYYYMMDD of the newest studies (default 20260115); UIDs do not depend on it. */
  date?: string;
}

const DEFAULT_DATE = '20260115';

/** YYYYMMDD, `days` earlier. */
function daysBefore(date: string, days: number): string {
  const day = new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8))));
  return new Date(day.getTime() - days * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
}

const ADA = {
  patientName: 'SAMPLE Jørgensen^Ada',
  patientID: 'SAMPLE-001',
  birthDate: '19580312',
  sex: 'F',
  charset: 'ISO_IR 100',
} as const;

function sample(
  name: string,
  modality: string,
  study: StudyDescription,
  instanceCount: number,
  instances: () => Iterable<Uint8Array>,
): SampleStudy {
  return { name, modality, study: { ...study, studyInstanceUID: uidFrom(study.name) }, instanceCount, instances };
}

/**
 * A CT volume and its prior, an MR volume, a chest radiograph and an ultrasound cine; names in Latin-1, Japanese (ISO 2022),
 * Cyrillic and Chinese (GB18030). The same bytes on every run.
 */
export function* sampleStudies(options: SampleOptions = {}): Iterable<SampleStudy> {
  const { scale = 1, date = DEFAULT_DATE } = options;
  const scaled = (value: number) => Math.max(4, Math.round((value * scale) / 4) * 4);
  const matrix = { rows: scaled(512), columns: scaled(512) };

  const prior: StudyDescription = {
    ...ADA,
    name: 'sample CT thorax prior',
    date: daysBefore(date, 203),
    time: '091412',
    accessionNumber: 'SAMPLE-A1',
    description: 'CT Thorax with contrast',
  };
  yield sample('CT thorax (prior)', 'CT', prior, scaled(120), () =>
    ctSeries(scaled(120), { ...matrix, study: prior, lesions: CT_PRIOR_LESIONS, seed: 1, seriesNumber: 2 }),
  );

  const current: StudyDescription = {
    ...prior,
    name: 'sample CT thorax',
    date,
    time: '103045',
    accessionNumber: 'SAMPLE-A2',
  };
  yield sample('CT thorax', 'CT', current, scaled(120), () =>
    ctSeries(scaled(120), { ...matrix, study: current, lesions: CT_LESIONS, seed: 1, seriesNumber: 2 }),
  );

  const head: StudyDescription = {
    name: 'sample MR head',
    patientName: 'SAMPLE^Tarou=山田^太郎=やまだ^たろう',
    patientID: 'SAMPLE-002',
    birthDate: '19710825',
    sex: 'M',
    charset: '\\ISO 2022 IR 87',
    date,
    time: '081530',
    accessionNumber: 'SAMPLE-B1',
    description: 'MR Head',
  };
  yield sample('MR head', 'MR', head, scaled(96), function* () {
    for (let i = 0; i < scaled(96); i++)
      yield mrSlice(i, scaled(96), { rows: scaled(256), columns: scaled(256), study: head });
  });

  const chest: StudyDescription = {
    name: 'sample CR chest',
    patientName: 'SAMPLE Иванов^Пётр',
    patientID: 'SAMPLE-003',
    birthDate: '19490507',
    sex: 'M',
    charset: 'ISO_IR 144',
    date,
    time: '112210',
    accessionNumber: 'SAMPLE-C1',
    description: 'Chest PA',
  };
  yield sample('CR chest', 'CR', chest, 1, () => [
    crImage({ rows: scaled(2048), columns: scaled(1760), study: chest }),
  ]);

  const heart: StudyDescription = {
    name: 'sample US heart',
    patientName: 'SAMPLE Wang^XiaoDong=王^小東',
    patientID: 'SAMPLE-004',
    birthDate: '19850130',
    sex: 'M',
    charset: 'GB18030',
    date: daysBefore(date, 1),
    time: '154000',
    accessionNumber: 'SAMPLE-D1',
    description: 'Echocardiography',
  };
  yield sample('US heart', 'US', heart, 1, () => [
    usCine({ rows: scaled(384), columns: scaled(512), frames: 64, study: heart }),
  ]);
}
