import { formatCount } from './format.ts';

/** Every sentence about corrected patients. */
export const correctionMessages = {
  lead: 'An emergency patient who has a name now, or two records of one person. Images go out once more with the correction and say what it changed; the study is found by the right and by the old number; the archive keeps what it received.',
  none: 'Nobody was corrected so far.',
  heads: ['Patient', 'Came as', 'Why', 'Has the PACS taken it?', ''],
  title: 'Correct a patient',
  which: 'What to correct',
  study: 'one study (Study Instance UID)',
  merge: 'all studies of a patient ID',
  uid: 'Study Instance UID',
  from: 'Patient ID that is wrong',
  name: 'Right name (Family^Given)',
  id: 'Right patient ID',
  accession: 'Accession number (optional)',
  why: 'Why',
  save: 'Correct and send again',
  by: (name: string, when: string) => `${name}, ${when}`,
  open: 'Open the study',
  sent: (n: number, all: number, name: string) => `${formatCount(n)} of ${formatCount(all)} images sent to ${name}`,
  confirmed: (when: string) => `the PACS has this patient since ${when}`,
  waits: 'waits for the PACS to say so',
  says: (who: string) => `the PACS still says ${who}: ask its administrator to merge`,
  nobody: 'Passed on to nobody.',
  back: 'Take back',
  backQuestion: 'Take this correction back? What was sent stays as it was sent.',
  /** In the list of patients and above images. */
  cameAs: (name: string, id: string) => `came as ${name}${id ? ` (${id})` : ''}`,
  notice: (name: string, id: string, by: string, when: string) =>
    `The patient was corrected by ${by}, ${when}: the images came as ${name}${id ? ` (${id})` : ''}, which still stands in their pixels and headers.`,
};
