import type { FindingRow, IntegrityAnswer, PassRow, ReplicaStatus, ScrubState } from '../../../contract/integrity.ts';
import type { DrillReport, LifeboatStatus } from '../../../contract/lifeboat.ts';
import { formatAgo, formatBytes, formatCount, formatInstant } from './format.ts';

const images = (n: number) => `${formatCount(n)} ${n === 1 ? 'image' : 'images'}`;

/** Every sentence of the integrity page. Plain words; what to do next. */
export const integrityMessages = {
  title: 'Integrity',
  loading: 'Asking the router',
  failed: (reason: string) => `This could not be done: ${reason}`,
  verdict: {
    whole: 'The archive is whole',
    wrong: (n: number) => `${formatCount(n)} ${n === 1 ? 'thing is' : 'things are'} wrong`,
    notChecked: (n: number) => `${formatCount(n)} could not be checked`,
    never: 'Not read through yet',
    wholeSince: (pass: PassRow) =>
      `Every image, manifest and index entry was read and compared, last on ${formatInstant(pass.endedAt)}.`,
    repairedSince: 'What the last pass found was repaired since; the next pass reads everything again.',
    cameSince: (n: number) => `${images(n)} came after that; the next pass reads them.`,
    wrongHint: 'See below whose images are concerned and what can be done.',
    notCheckedHint:
      'The store did not answer for these, also after tries. They are neither right nor wrong; the next pass asks again.',
    neverHint: 'The first pass over the whole archive is at work or still to come.',
  },
  archive: 'On board',
  totals: ({ studies, instances }: IntegrityAnswer['totals']) =>
    `${formatCount(studies)} ${studies === 1 ? 'study' : 'studies'}, ${images(instances)}`,
  lastPass: 'Last full pass',
  passNone: 'none yet',
  passWhat: (pass: PassRow) => `${images(pass.sound)} right, ${formatBytes(pass.bytes)} read`,
  passFound: (pass: PassRow) =>
    pass.errors + pass.notChecked === 0
      ? 'nothing wrong'
      : `${formatCount(pass.errors)} wrong, ${formatCount(pass.notChecked)} not checked`,
  passBy: { scrub: 'by the router itself', verify: 'by lifeboat verify' } satisfies Record<PassRow['by'], string>,
  scrub: 'Reading through',
  scrubStates: {
    off: 'switched off (LIFEBOAT_SCRUB_MB_PER_S)',
    waiting: 'at rest',
    running: 'at work',
    held: 'stands back',
  } satisfies Record<ScrubState['state'], string>,
  scrubRate: (scrub: ScrubState) =>
    `at most ${formatBytes(scrub.bytesPerSecond)} a second, every ${scrub.everyDays === 1 ? 'day' : `${formatCount(scrub.everyDays)} days`}`,
  scrubNext: (iso: string) => `next on ${formatInstant(iso)}`,
  scrubProgress: (sound: number) => `${images(sound)} right so far`,
  findings: 'Findings',
  open: (n: number) => `${formatCount(n)} open`,
  repaired: (n: number) => `${formatCount(n)} repaired so far`,
  notes: (n: number) => `${formatCount(n)} ${n === 1 ? 'note' : 'notes'} (right, and worth knowing)`,
  seal: 'Seal',
  sealNone: 'none yet',
  sealOver: (n: number) => `over ${images(n)}`,
  sealFailing: (reason: string) => `The last attempt failed: ${reason}`,
  sealKeep: 'Write down outside of this machine:',
  sealKey: (id: string) => `Key ${id}`,
  replica: 'Second copy',
  replicaNone: 'none (LIFEBOAT_REPLICA)',
  replicaStates: {
    starting: 'starting',
    copying: 'being copied',
    level: 'has everything',
    held: 'waits',
  } satisfies Record<ReplicaStatus['state'], string>,
  replicaLag: ({ instances, bytes, oldest }: ReplicaStatus['lag']) =>
    `${images(instances)} to go, ${formatBytes(bytes)}${oldest ? `, the oldest from ${formatInstant(oldest)}` : ''}`,
  replicaProblems: (n: number, reason: string) => `${formatCount(n)} could not be copied: ${reason}`,
  replicaCompared: ({ at, objects, lostAtSource }: NonNullable<ReplicaStatus['compared']>) =>
    `compared ${formatAgo(at)}, ${formatCount(objects)} objects${lostAtSource > 0 ? `, ${formatCount(lostAtSource)} only there` : ''}`,
  lifeboat: 'Lifeboat mode',
  lifeboatViewer: {
    published: 'viewer in the store',
    publishing: 'viewer being published',
    failed: 'viewer not in the store',
    newer: 'viewer of a newer version in the store',
    'no-build': 'no viewer: none was built',
  } satisfies Record<LifeboatStatus['viewer']['state'], string>,
  lifeboatFolder: (folder: string) => `any web server may serve ${folder}: open viewer/index.html in it`,
  lifeboatEnvelopes: (names: string[]) =>
    names.length > 0 ? `Envelopes: ${names.join(', ')}` : 'No break-glass envelope yet: lifeboat break-glass create',
  drillNone: 'Never tried. Run: lifeboat drill',
  drill: {
    passed: (at: string) => `Last drill passed, ${at}`,
    failed: (at: string) => `Last drill failed, ${at}`,
    'not-checked': (at: string) => `Last drill could not check everything, ${at}`,
  } satisfies Record<DrillReport['outcome'], (at: string) => string>,
  drillPassed: (at: string) => `One passed on ${at}`,
  lifeboatTry: 'To test: lifeboat drill; and once a quarter stop the router and open this address.',
  space: 'Space',
  spaceUnknown: 'the store does not say',
  free: (free: number, total: number) => `${formatBytes(free)} of ${formatBytes(total)} free`,
  full: (days: number | null) =>
    days === null
      ? 'no growth yet to judge by'
      : days > 3650
        ? 'enough for over ten years'
        : `full in ${formatCount(days)} ${days === 1 ? 'day' : 'days'} at the present growth`,
  growth: 'Growth',
  growthHint: 'Bytes kept, day by day',
  growthPoint: (day: string, bytes: number, instances: number) => `${day}: ${formatBytes(bytes)}, ${images(instances)}`,
  growthNone: 'Not enough days yet for a chart.',
  passNow: 'Read through now',
  sealNow: 'Seal now',
  reportPdf: 'Report for an auditor (PDF)',
  report: 'Report for an auditor (CSV)',
  print: 'Print or save as PDF',
  passStarted: 'A pass over the whole archive begins within a minute.',
  sealed: 'Sealed.',
  wrongTitle: 'What is wrong, by patient',
  nothingWrong: 'Nothing is wrong.',
  unknownPatient: '(patient not known)',
  unknownStudy: '(no study)',
  columns: {
    patient: 'Patient',
    study: 'Study',
    what: 'What',
    where: 'Where',
    found: 'Found',
    actions: 'Actions',
  },
  severity: { error: 'wrong', 'not-checked': 'not checked', note: 'note' } satisfies Record<
    FindingRow['severity'],
    string
  >,
  hashes: 'Every hash',
  repair: 'Repair',
  repairedNow: (source: string) => `Repaired from ${source}.`,
  notRepaired: (reason: string) => `Not repaired: ${reason}`,
  repairsTitle: 'Repairs',
  repairsNone: 'Nothing had to be repaired yet.',
  repairColumns: { when: 'When', what: 'What', from: 'From', outcome: 'Outcome', by: 'By', detail: 'Detail' },
  outcome: { repaired: 'repaired', failed: 'failed' },
  showNotes: (n: number) => `Show ${formatCount(n)} ${n === 1 ? 'note' : 'notes'} too`,
  openStudy: 'Every hash of a study',
  studyUID: 'Study Instance UID',
  show: 'Show',
  back: 'Back to the whole archive',
  studyTitle: 'Every hash of one study',
  notKnown: 'The archive does not know this study.',
  readNow: 'Read every image of it now',
  reading: 'Reading',
  readAt: (iso: string, right: number, all: number) =>
    `Read ${formatAgo(iso)}: ${formatCount(right)} of ${images(all)} right.`,
  notRead: 'Shown as the manifests tell it; not read for this page.',
  hashColumns: {
    image: 'Image',
    size: 'Bytes',
    sha256: 'SHA-256 of the file, of the data set below it',
    received: 'Received',
    state: 'State',
  },
  checks: { sound: 'right', missing: 'missing', wrong: 'wrong', 'not-checked': 'not checked' },
  superseded: 'older version',
  view: 'Open the images',
};
