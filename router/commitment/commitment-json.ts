import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { CommitmentRequest } from './commitment-queue.ts';
import { type CommitmentInformation, checkReference, MOST_REFERENCES, type SopReference } from './references.ts';

const TAG = {
  study: '0020000D',
  series: '0020000E',
  sopClass: '00081150',
  sopInstance: '00081155',
  reason: '00081197',
  failed: '00081198',
  references: '00081199',
  studies: '00081110',
  seriesItems: '00081115',
  byClass: '00081112',
  instances: '0008114A',
} as const;

const uid = z.object({ Value: z.tuple([z.string()]) });
const items = <T extends z.ZodType>(item: T) => z.object({ Value: z.array(item).default([]) });
const reference = z.object({ [TAG.sopClass]: uid, [TAG.sopInstance]: uid });
const flat = items(reference);
const refused = items(reference.extend({ [TAG.reason]: z.object({ Value: z.tuple([z.number()]) }) }));
const byClass = items(z.object({ [TAG.sopClass]: uid, [TAG.instances]: items(z.object({ [TAG.sopInstance]: uid })) }));
const bySeries = items(z.object({ [TAG.series]: uid, [TAG.byClass]: byClass }));
const byStudy = items(z.object({ [TAG.study]: uid, [TAG.seriesItems]: bySeries }));
const payload = z.object({ [TAG.references]: flat.optional(), [TAG.studies]: byStudy.optional() });
const response = payload.extend({ [TAG.failed]: refused.optional() });

/**
 * A Storage Commitment Request Module (PS3.18 J.1) as DICOM JSON, one data set, alone or in an array.
 * @throws BAD_REQUEST
 */
export function referencesOfJson(json: unknown): SopReference[] {
  const parsed = payload.safeParse(Array.isArray(json) && json.length === 1 ? json[0] : json);
  if (!parsed.success)
    throw new LifeboatError('BAD_REQUEST', 'The payload is no Storage Commitment Request Module in DICOM JSON.');
  const { [TAG.references]: single, [TAG.studies]: studies } = parsed.data;
  const references: SopReference[] = (single?.Value ?? []).map((item) => ({
    sopClassUID: item[TAG.sopClass].Value[0],
    sopInstanceUID: item[TAG.sopInstance].Value[0],
  }));
  references.push(...byStudies(studies));
  if (references.length === 0) throw new LifeboatError('BAD_REQUEST', 'The payload names no instances.');
  if (references.length > MOST_REFERENCES)
    throw new LifeboatError('PAYLOAD_TOO_LARGE', `More than ${MOST_REFERENCES} instances at once; ask for fewer.`);
  for (const reference of references) checkReference(reference);
  return references;
}

function byStudies(studies: z.infer<typeof byStudy> | undefined): SopReference[] {
  const references: SopReference[] = [];
  for (const study of studies?.Value ?? [])
    for (const series of study[TAG.seriesItems].Value)
      for (const group of series[TAG.byClass].Value)
        for (const instance of group[TAG.instances].Value)
          references.push({
            sopClassUID: group[TAG.sopClass].Value[0],
            sopInstanceUID: instance[TAG.sopInstance].Value[0],
            within: {
              studyInstanceUID: study[TAG.study].Value[0],
              seriesInstanceUID: series[TAG.series].Value[0],
            },
          });
  return references;
}

/** A Storage Commitment Request Module (PS3.18 J.1), as a plain list. */
export function requestModule(references: readonly SopReference[]): DicomJson {
  return { [TAG.references]: sequence(references.map(item)) };
}

/**
 * A Storage Commitment Response Module (PS3.18 J.2), in either form, failures with reasons.
 * @throws BAD_REQUEST when it is none
 */
export function informationOfJson(json: unknown, transactionUID: string): CommitmentInformation {
  const parsed = response.safeParse(Array.isArray(json) && json.length === 1 ? json[0] : json);
  if (!parsed.success)
    throw new LifeboatError('BAD_REQUEST', 'The answer is no Storage Commitment Response Module in DICOM JSON.');
  const { [TAG.references]: single, [TAG.studies]: studies, [TAG.failed]: failed } = parsed.data;
  const plain = (one: z.infer<typeof reference>) => ({
    sopClassUID: one[TAG.sopClass].Value[0],
    sopInstanceUID: one[TAG.sopInstance].Value[0],
  });
  return {
    transactionUID,
    references: [...(single?.Value ?? []).map(plain), ...byStudies(studies)],
    failed: (failed?.Value ?? []).map((one) => ({ ...plain(one), reason: one[TAG.reason].Value[0] })),
  };
}

const ui = (value: string) => ({ vr: 'UI', Value: [value] });
const sequence = (value: DicomJson[]) => ({ vr: 'SQ', Value: value });
const item = ({ sopClassUID, sopInstanceUID }: SopReference): DicomJson => ({
  [TAG.sopClass]: ui(sopClassUID),
  [TAG.sopInstance]: ui(sopInstanceUID),
});

/** A Storage Commitment Response Module (PS3.18 J.2): in the form in which it was asked; failures always as a list. */
export function responseModule({ references, failed }: CommitmentRequest): DicomJson {
  const not = new Set(failed.map(({ sopInstanceUID }) => sopInstanceUID));
  const confirmed = references.filter(({ sopInstanceUID }) => !not.has(sopInstanceUID));
  const single = confirmed.filter(({ within }) => within === undefined);
  const grouped = confirmed.filter(({ within }) => within !== undefined);
  return {
    ...(grouped.length > 0 && { [TAG.studies]: sequence(studyItems(grouped)) }),
    ...(failed.length > 0 && {
      [TAG.failed]: sequence(
        failed.map((each) => ({ ...item(each), [TAG.reason]: { vr: 'US', Value: [each.reason] } })),
      ),
    }),
    ...(single.length > 0 && { [TAG.references]: sequence(single.map(item)) }),
  };
}

function studyItems(references: readonly SopReference[]): DicomJson[] {
  return groups(references, ({ within }) => within!.studyInstanceUID).map(([study, ofStudy]) => ({
    [TAG.study]: ui(study),
    [TAG.seriesItems]: sequence(
      groups(ofStudy, ({ within }) => within!.seriesInstanceUID).map(([series, ofSeries]) => ({
        [TAG.series]: ui(series),
        [TAG.byClass]: sequence(
          groups(ofSeries, ({ sopClassUID }) => sopClassUID).map(([sopClassUID, instances]) => ({
            [TAG.sopClass]: ui(sopClassUID),
            [TAG.instances]: sequence(instances.map((each) => ({ [TAG.sopInstance]: ui(each.sopInstanceUID) }))),
          })),
        ),
      })),
    ),
  }));
}

function groups<T>(list: readonly T[], key: (one: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>();
  for (const one of list) {
    const group = found.get(key(one));
    if (group) group.push(one);
    else found.set(key(one), [one]);
  }
  return [...found];
}
