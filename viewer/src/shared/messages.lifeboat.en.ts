import { formatAgo, formatCount, formatInstant } from './format.ts';

/** Every sentence of lifeboat mode, in which there is no router. Plain words; what to do next. */
export const lifeboatMessages = {
  mode: 'Lifeboat mode',
  banner: 'Images are read straight from the store, without PACS and without Lifeboat’s router.',
  age: (iso: string, now: number) =>
    `The list of studies is of ${formatInstant(iso)} (${formatAgo(iso, now)}); what arrived later may be missing from it.`,
  ageUnknown: 'How old the list of studies is will be known after the first search.',
  limits: 'What does not work',
  limitsTitle: 'What does not work in lifeboat mode',
  works: 'Searching, reading, measuring and saving original files work as always.',
  limitsList: [
    'New images do not appear by themselves. Search again, or open the study again.',
    'Uploading, and receiving from scanners, need a router.',
    'The pages Arrivals, Integrity and IT need a router, and so do accounts: your own password does not work here.',
    'Studies that arrived after the newest list of studies was written are not found by searching.',
    'The search knows patient ID, accession number, family name, study date and modality; nothing else.',
  ],
  trace: {
    events:
      'Recorded: your name, your reason, what you search for and which studies you open are kept in the store. They appear on the audit page when a router is back.',
    'store-log':
      'This access key may not write, so your name, your reason and what you open are recorded only in the store’s own access log, which IT reviews. They do not appear on Lifeboat’s audit page.',
    'web-log':
      'This is a plain copy of the archive: your name, your reason and what you open are recorded only if its web server keeps an access log. They do not appear on Lifeboat’s audit page.',
  },
  forged:
    'The signed description of this archive was changed or is damaged. Somebody may have tampered with this store: tell IT before you rely on what you see.',
  traceTitle: 'What is recorded',
  lostEvents: (n: number) =>
    `${formatCount(n)} ${n === 1 ? 'record' : 'records'} of what you did could not be written to the store; its own access log has them.`,
  search: 'Search',
  signOut: 'Sign out',
  noStudy: 'This study is not in the store.',
  signIn: {
    title: 'Lifeboat mode',
    lead: 'For when the PACS and Lifeboat’s routers are down: images straight from the store. Whatever you do here is recorded.',
    looking: 'Asking the store',
    person: 'Your name',
    reason: 'Why do you need the images?',
    reasonHint: 'For example: PACS down, emergency department. No patient names.',
    how: 'How do you get in?',
    byPassword: 'Break-glass password',
    byKey: 'Access key of the store',
    envelope: 'Name on the envelope',
    password: 'Break-glass password',
    accessKey: 'Access key',
    secretKey: 'Secret key',
    submit: 'Open the archive',
    working: 'Opening',
    open: 'This copy of the archive asks for no password.',
    where: 'IT keeps the break-glass password, usually in a sealed envelope.',
    noEnvelope: (name: string) =>
      `There is no break-glass envelope named “${name}” in this store. Check the name, or use the access key.`,
    failed: (reason: string) => `The archive could not be opened: ${reason}`,
    notThere: (reason: string) => `${reason} The page keeps trying.`,
    insecure:
      'This page was not opened over HTTPS, and a browser signs requests on HTTPS pages only. Open it by its https:// address, or tell IT.',
    framed: 'This page is shown inside another one. Open it by its own address.',
    disclaimer: 'Not calibrated for primary diagnosis unless your site has said so.',
    idle: 'You were signed out because nothing was done for a while.',
    over: 'You were signed out: a visit ends after some hours.',
  },
  find: {
    title: 'Find a patient',
    patientID: 'Patient ID',
    patientIDHint: 'whole',
    accessionNumber: 'Accession number',
    accessionHint: 'whole',
    familyName: 'Family name',
    familyHint: 'or its beginning',
    dates: 'Study date',
    from: 'from',
    to: 'to',
    modality: 'Modality',
    any: 'any',
    today: 'Today',
    days: (n: number) => `${n} days`,
    submit: 'Search',
    clear: 'Clear',
    hint: 'Fill in at least one field. More fields narrow the search.',
    needOne: 'Fill in at least one field: patient ID, accession number, family name or study date.',
    modalityAlone: 'A modality alone is too much to search for: add a study date, a name or an ID.',
    searching: (seconds: number) => `Searching the store${seconds > 0 ? `: ${seconds} s so far` : ''}`,
    failed: (reason: string) => `The search failed: ${reason}`,
    again: 'Search again',
    none: 'No study matches.',
    noneHint:
      'IDs must be whole and exact. Try the beginning of the family name, or the date. A study that arrived after the list was written is not found here.',
    found: (n: number, more: boolean) =>
      more ? `The first ${formatCount(n)} studies` : `${formatCount(n)} ${n === 1 ? 'study' : 'studies'}`,
    more: 'Show more',
    incomplete: 'This search is not complete: part of the list of studies could not be read. Others may match too.',
    received: 'Arrived',
    unread: (uid: string) => `Study ${uid}`,
  },
} as const;
