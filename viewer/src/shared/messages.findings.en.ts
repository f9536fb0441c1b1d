/** Sentences of the list of provisional findings. */
export const findingsMessages = {
  link: 'Findings',
  title: 'Provisional findings',
  intro:
    'Written in the viewer while the reporting system was away. They are kept as DICOM reports and sent to the PACS like images; each still needs its formal report.',
  none: 'No provisional findings are kept.',
  unread: (n: number) => `${n} could not be read; open their studies, or reload the page.`,
  more: 'There are more than 200; the others are found by opening their studies.',
  columns: ['Written', 'By', 'Patient', 'Study', 'Finding', 'Formal report'],
  noneOpen: 'Every provisional finding has its formal report.',
  done: 'Formally reported',
  doneIntro:
    'Ticked by a person who has seen that the formal report is out; the finding itself stays as it was written.',
  tick: 'Tick as reported…',
  sure: 'The formal report is out',
  notYet: 'Not yet',
  tickOf: (patient: string) => `Tick the finding of ${patient} as formally reported`,
  by: (who: string, date: string, time: string) => `${who}, ${date} ${time}`,
  tickText: (who: string, date: string, time: string) =>
    `The formal report has been issued. Provisional finding written by ${who}, ${date} ${time}.`,
} as const;
