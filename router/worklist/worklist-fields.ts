import type { ScheduleFields } from '../../contract/ris.ts';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';

/** Scheduled Procedure Step Sequence: one item in each worklist item (PS3.4 K.6.1.2). */
export const STEPS = '00400100';

/** Where each field stands, with its VR: in the item, or in its scheduled procedure step. */
const PLACES: Record<keyof ScheduleFields, readonly [tag: string, vr: string, inStep?: true]> = {
  patientName: ['00100010', 'PN'],
  patientID: ['00100020', 'LO'],
  issuerOfPatientID: ['00100021', 'LO'],
  patientBirthDate: ['00100030', 'DA'],
  patientSex: ['00100040', 'CS'],
  accessionNumber: ['00080050', 'SH'],
  studyInstanceUID: ['0020000D', 'UI'],
  requestedProcedureID: ['00401001', 'SH'],
  requestedProcedure: ['00321060', 'LO'],
  modality: ['00080060', 'CS', true],
  stationAETitle: ['00400001', 'AE', true],
  startDate: ['00400002', 'DA', true],
  startTime: ['00400003', 'TM', true],
  description: ['00400007', 'LO', true],
  stepID: ['00400009', 'SH', true],
};
export const FIELD_NAMES = Object.keys(PLACES) as (keyof ScheduleFields)[];

/** The first value of an element as text; a name in its groups. */
export function firstText(element: DicomJsonElement | undefined): string {
  const value = element?.Value?.[0];
  if (value === null || value === undefined) return '';
  return element?.vr === 'PN' && typeof value === 'object' ? joinPersonName(value as PersonName) : String(value);
}

/** The step of a worklist item. */
export function stepOf(item: DicomJson): DicomJson {
  return (item[STEPS]?.Value?.[0] ?? {}) as DicomJson;
}

export function fieldsOf(item: DicomJson): ScheduleFields {
  const step = stepOf(item);
  const fields = {} as ScheduleFields;
  for (const name of FIELD_NAMES) {
    const [tag, , inStep] = PLACES[name];
    const element = (inStep ? step : item)[tag];
    fields[name] =
      name === 'stationAETitle' ? (element?.Value ?? []).map(String).join('\\') : firstText(element).trim();
  }
  return fields;
}

function elementOf(vr: string, text: string): DicomJsonElement {
  if (text === '') return { vr };
  if (vr !== 'PN') return { vr, Value: vr === 'AE' ? text.split('\\') : [text] };
  const [Alphabetic = '', Ideographic = '', Phonetic = ''] = text.split('=');
  return { vr, Value: [{ Alphabetic, ...(Ideographic && { Ideographic }), ...(Phonetic && { Phonetic }) }] };
}

/** The item with these fields in it; everything else stays as it is. */
export function withFields(item: DicomJson, fields: Partial<ScheduleFields>): DicomJson {
  const changed: DicomJson = { ...item };
  const step: DicomJson = { ...stepOf(item) };
  for (const name of FIELD_NAMES) {
    const text = fields[name];
    if (text === undefined) continue;
    const [tag, vr, inStep] = PLACES[name];
    (inStep ? step : changed)[tag] = elementOf(vr, text);
  }
  changed[STEPS] = { vr: 'SQ', Value: [step] };
  return changed;
}

/** Begin of the step as `YYYYMMDDHHMM`; '' where the RIS gives no date. */
export function startsOf({ startDate, startTime }: ScheduleFields): string {
  const time = startTime.replaceAll(':', '').slice(0, 4);
  return startDate === '' ? '' : `${startDate.replaceAll('.', '')}${time.padEnd(4, '0')}`;
}
