/** Sentences of the list of provisional findings. */
export const findingsMessages = {
  link: 'Findings',
  title: 'Provisional findings',
  intro:
    'Written in the viewer while the reporting system was away. They are kept as DICOM reports and sent to the PACS like images; each still needs its formal report.',
  none: 'No provisional findings are kept.',
  unread: (n: number) => `${n} could not be read; open their studies, or reload the page.`,
  more: 'There are more than 200; the others are found by opening their studies.',
  columns: ['Written', 'By', 'Patient', 'Study', 'Finding'],
} as const;
