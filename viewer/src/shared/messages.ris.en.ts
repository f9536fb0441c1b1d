import type { ScheduleFields, ScheduleRow } from '../../../contract/ris.ts';
import { formatCount } from './format.ts';

/** Every sentence of the scanner worklist and of what scanners report. */
export const risMessages = {
  link: 'Scanner worklist',
  title: 'Scanner worklist',
  lead: 'What scanners get when they ask Lifeboat for their worklist. Change an entry here when the RIS cannot.',
  answers: (ago: string) => `The RIS answered ${ago}. Scanners get this list.`,
  away: (when: string, ago: string) =>
    `The RIS does not answer. Scanners get its list of ${when} (${ago}), with the changes made here. Go on as usual; enter who is missing by hand.`,
  awayNever:
    'The RIS does not answer, and never has since Lifeboat was set up. Scanners get only what is entered here.',
  notYet: 'The RIS is being asked for the first time.',
  none: 'No RIS is set (LIFEBOAT_RIS). Scanners get only what is entered here.',
  trouble: (reason: string) => `Reason: ${reason}`,
  failed: (reason: string) => `The list cannot be shown: ${reason}`,
  today: 'Today',
  tomorrow: 'Tomorrow',
  day: 'Day',
  filter: 'Find a name, ID or scanner',
  count: (shown: number, all: number) =>
    shown === all
      ? `${formatCount(all)} ${all === 1 ? 'entry' : 'entries'}`
      : `${formatCount(shown)} of ${formatCount(all)} entries`,
  empty: 'Nothing is planned for this day.',
  columns: ['Time', 'Patient', 'Born', 'Accession number', 'Examination', 'Scanner', 'From', 'Actions'],
  noTime: 'no time',
  origins: { ris: 'RIS', hand: 'entered by hand', unscheduled: 'unscheduled' } satisfies Record<
    ScheduleRow['origin'],
    string
  >,
  performedStates: {
    'IN PROGRESS': 'scanner at work',
    COMPLETED: 'done',
    DISCONTINUED: 'broken off',
  } as Record<string, string>,
  edited: (fields: string, by: string, when: string) => `changed here: ${fields} (${by}, ${when})`,
  change: 'Change',
  undo: 'Take back',
  undoQuestion: 'Tell scanners again what the RIS says?',
  remove: 'Remove',
  removeQuestion: 'Remove this entry from the list of scanners?',
  newUnscheduled: 'Unscheduled patient',
  newEntry: 'New entry',
  save: 'Save',
  cancel: 'Cancel',
  formUnscheduled:
    'For somebody without an order. Lifeboat gives a temporary ID and accession number; the study is put into the list below, to be matched to its patient later. Leave the name empty when it is not known.',
  formEntry: 'For an order that the RIS has not told. Use the ID and accession number of the order.',
  formChange: 'Scanners get this from the next time they ask. The RIS is not told.',
  note: 'Note (what will help to find out who this is)',
  fields: {
    patientName: 'Name (Family^Given)',
    patientID: 'Patient ID',
    issuerOfPatientID: 'Issuer of the ID',
    patientBirthDate: 'Born (YYYYMMDD)',
    patientSex: 'Sex',
    accessionNumber: 'Accession number',
    studyInstanceUID: 'Study',
    requestedProcedureID: 'Procedure ID',
    requestedProcedure: 'Procedure',
    modality: 'Modality',
    stationAETitle: 'Scanner (AE title)',
    startDate: 'Date (YYYYMMDD)',
    startTime: 'Time (HHMM)',
    description: 'Examination',
    stepID: 'Step',
  } satisfies Record<keyof ScheduleFields, string>,
  sexes: { '': 'not known', M: 'male', F: 'female', O: 'other' },
  unscheduledTitle: 'Unscheduled patients',
  unscheduledLead:
    'Studies made under a temporary ID. Say to whom each belongs when it is known; the images keep what they were sent with.',
  unscheduledNone: 'None.',
  unscheduledColumns: [
    'When',
    'Name used',
    'Temporary ID',
    'Temporary accession number',
    'Images here',
    'Note',
    'Belongs to',
  ],
  belongsTo: 'Patient ID or order',
  match: 'Matched',
  matched: (to: string, by: string, when: string) => `${to} (${by}, ${when})`,
  stepsTitle: 'Reports of scanners (MPPS) to be passed on',
  stepsLine: (destination: string, waiting: number, sent: number) =>
    waiting === 0
      ? `${destination}: all ${formatCount(sent)} passed on.`
      : `${destination}: ${formatCount(waiting)} waiting, ${formatCount(sent)} passed on.`,
  stepsPerson: (n: number) => `${formatCount(n)} refused by it: a person has to look.`,
  retry: 'Try again now',
  skip: 'Give the refused ones up',
  skipQuestion: 'They will never be passed on. Give them up?',
  performed: {
    says: (status: string, images: number) => {
      if (status === 'COMPLETED')
        return `Scanner says complete: ${formatCount(images)} ${images === 1 ? 'image' : 'images'}.`;
      if (status === 'DISCONTINUED')
        return `Scanner says broken off, ${formatCount(images)} ${images === 1 ? 'image' : 'images'} made.`;
      return 'Scanner says: still working.';
    },
    missing: (n: number) => `${formatCount(n)} of these ${n === 1 ? 'is' : 'are'} not here. Send the study again.`,
    all: 'All of these are here.',
  },
};
