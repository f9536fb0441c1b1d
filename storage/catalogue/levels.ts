import type { DicomJson } from '../format/manifest.ts';

const STUDY_TAGS = new Set([
  '00080020',
  '00080030',
  '00080050',
  '00080051',
  '00080080',
  '00080081',
  '00080090',
  '00080096',
  '0008009C',
  '00080201',
  '00081030',
  '00081032',
  '00081040',
  '00081048',
  '00081060',
  '00081080',
  '00081084',
  '00081110',
  '0020000D',
  '00200010',
  '00321032',
  '00321033',
  '00321060',
  '00321064',
  '00380010',
]);

const SERIES_TAGS = new Set([
  '00080021',
  '00080031',
  '00080060',
  '00080064',
  '00080068',
  '00080070',
  '0008103E',
  '0008103F',
  '00081010',
  '00081050',
  '00081070',
  '00081090',
  '00081111',
  '00180015',
  '00181000',
  '00181020',
  '00181030',
  '00185100',
  '0020000E',
  '00200011',
  '00200052',
  '00200060',
  '00201040',
  '00400244',
  '00400245',
  '00400250',
  '00400251',
  '00400253',
  '00400254',
  '00400275',
]);

export type Level = 'study' | 'series' | 'instance';

/** The information entity an attribute belongs to (PS3.3 A.1.2): patient and study together, series, instance. */
export function levelOf(tag: string): Level {
  if (tag.startsWith('0010') || STUDY_TAGS.has(tag)) return 'study';
  return SERIES_TAGS.has(tag) ? 'series' : 'instance';
}

/** Attributes parted by level. */
export function splitByLevel(attributes: DicomJson): Record<Level, DicomJson> {
  const parts: Record<Level, DicomJson> = { study: {}, series: {}, instance: {} };
  for (const [tag, element] of Object.entries(attributes)) parts[levelOf(tag)][tag] = element;
  return parts;
}
