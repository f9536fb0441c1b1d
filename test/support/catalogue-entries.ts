import { createHash } from 'node:crypto';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

export interface EntryWishes {
  study?: string;
  series?: string;
  sop?: string;
  /** Different contents get different hashes. */
  content?: string;
  receivedAt?: string;
  callingAE?: string;
  size?: number;
  /** PN with groups divided by '='. */
  name?: string;
  /** Over or beside the usual attributes: tag to values, VR guessed from what is there or LO. */
  attributes?: DicomJson;
}

export const text = (vr: string, ...Value: unknown[]) => ({ vr, Value });

export function personName(value: string) {
  const [Alphabetic, Ideographic, Phonetic] = value.split('=');
  return text('PN', {
    ...(Alphabetic ? { Alphabetic } : {}),
    ...(Ideographic ? { Ideographic } : {}),
    ...(Phonetic ? { Phonetic } : {}),
  });
}

/** An entry as a commit would write it, made up; everything not wished for is fixed. */
export function entryOf(wishes: EntryWishes = {}): InstanceEntry {
  const study = wishes.study ?? '1.2.3';
  const series = wishes.series ?? `${study}.1`;
  const sop = wishes.sop ?? `${series}.1`;
  const content = hash(`${sop} ${wishes.content ?? ''}`);
  return {
    studyInstanceUID: study,
    seriesInstanceUID: series,
    sopInstanceUID: sop,
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    key: `objects/00/${study}/${series}/${sop}.${content.slice(0, 16)}.dcm`,
    size: wishes.size ?? 1000,
    sha256: hash(`file ${content}`),
    dataSetOffset: 400,
    dataSetSha256: content,
    receivedAt: wishes.receivedAt ?? '2026-03-01T10:00:00.000Z',
    source: { via: 'c-store', callingAE: wishes.callingAE ?? 'CT1', address: '10.0.0.1' },
    attributes: {
      '00080020': text('DA', '20260301'),
      '00080030': text('TM', '101500'),
      '00080050': text('SH', 'A-1001'),
      '00080060': text('CS', 'CT'),
      '00080090': personName('House^Gregory'),
      '00081030': text('LO', 'CT Thorax'),
      '0008103E': text('LO', 'axial'),
      '00100010': personName(wishes.name ?? 'Smith^John'),
      '00100020': text('LO', 'P0001'),
      '00100030': text('DA', '19700101'),
      '00100040': text('CS', 'M'),
      '00180015': text('CS', 'CHEST'),
      '0020000D': text('UI', study),
      '0020000E': text('UI', series),
      '00080018': text('UI', sop),
      '00200010': text('SH', 'S1'),
      '00200011': text('IS', 1),
      '00200013': text('IS', 1),
      '00280010': text('US', 512),
      ...wishes.attributes,
    },
  };
}
