/** SOP classes of the Query/Retrieve service (PS3.4 C.6). */
export const QueryClass = {
  PatientRootFind: '1.2.840.10008.5.1.4.1.2.1.1',
  PatientRootMove: '1.2.840.10008.5.1.4.1.2.1.2',
  PatientRootGet: '1.2.840.10008.5.1.4.1.2.1.3',
  StudyRootFind: '1.2.840.10008.5.1.4.1.2.2.1',
  StudyRootMove: '1.2.840.10008.5.1.4.1.2.2.2',
  StudyRootGet: '1.2.840.10008.5.1.4.1.2.2.3',
} as const;

/** Query/Retrieve Level (0008,0052). */
export const QUERY_LEVELS = ['PATIENT', 'STUDY', 'SERIES', 'IMAGE'] as const;
export type QueryRetrieveLevel = (typeof QUERY_LEVELS)[number];

export function isQueryRetrieveLevel(text: string): text is QueryRetrieveLevel {
  return (QUERY_LEVELS as readonly string[]).includes(text);
}
