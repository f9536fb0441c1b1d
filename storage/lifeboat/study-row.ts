import { date, personName, text, time } from '../catalogue/values.ts';
import type { IndexRow } from '../format/lifeboat-index-row.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { joinPersonName } from '../format/person-name.ts';
import { currentEntries, mergeEntries, newestFirst } from '../merge.ts';

/**
 * What the search index says of a study.
 * @param path `<hh>/<study>`
 * @param entries lines of all its segments
 * @param segments names of the segments, without folder and ending
 * @returns null when there is no line
 */
export function studyRow(path: string, entries: InstanceEntry[], segments: string[]): IndexRow | null {
  const current = currentEntries(mergeEntries([entries])).sort(newestFirst);
  const newest = current[0];
  if (!newest) return null;
  const { attributes } = newest;
  const modalities = new Set(current.map((entry) => text(entry.attributes, '00080060')).filter(Boolean));
  return {
    path,
    studyInstanceUID: newest.studyInstanceUID,
    patientName: joinPersonName(personName(attributes, '00100010')),
    patientID: text(attributes, '00100020'),
    issuerOfPatientID: text(attributes, '00100021'),
    patientBirthDate: date(attributes, '00100030'),
    patientSex: text(attributes, '00100040'),
    accessionNumber: text(attributes, '00080050'),
    studyDate: date(attributes, '00080020'),
    studyTime: time(attributes, '00080030'),
    studyDescription: text(attributes, '00081030'),
    modalities: [...modalities].sort(),
    series: new Set(current.map(({ seriesInstanceUID }) => seriesInstanceUID)).size,
    instances: current.length,
    receivedAt: newest.receivedAt,
    segments: [...segments].sort(),
  };
}
