import type { BackfillPlan, BackfillStatus, Readiness } from '../../../contract/backfill.ts';
import { formatCount, formatDate, formatInstant } from './format.ts';

const count = (n: number, one: string, many: string) => `${formatCount(n)} ${n === 1 ? one : many}`;

/** Every sentence of the backfill and of the readiness page. */
export const historyMessages = {
  backfill: {
    tab: 'Backfill',
    lead: 'Fetches the history from the main PACS, so that it is here when the PACS is not. It stands back while the PACS is slow or down, and goes on after a restart where it was.',
    states: { none: 'no plan', running: 'running', paused: 'paused', done: 'done' } satisfies Record<
      BackfillStatus['state'],
      string
    >,
    vias: {
      dimse: 'DICOM (C-FIND, C-MOVE)',
      get: 'DICOM (C-FIND, C-GET)',
      web: 'DICOMweb (QIDO-RS, WADO-RS)',
      folder: 'folder',
    } satisfies Record<BackfillPlan['via'], string>,
    orders: {
      newest: 'newest first',
      oldest: 'oldest first',
      modality: 'one modality after the other',
    } satisfies Record<BackfillPlan['order'], string>,
    noSource: 'No PACS is set. Set LIFEBOAT_PACS or LIFEBOAT_PACS_DICOMWEB and start Lifeboat again.',
    waitsFor: (what: string) => `Stands still and waits for ${what}.`,
    plan: (plan: BackfillPlan) =>
      plan.via === 'folder'
        ? `Folder ${plan.folder}`
        : `${formatDate(plan.from)} to ${formatDate(plan.to)}, ${plan.modalities.join(', ') || 'all modalities'}`,
    limits: ({ window, rate, parallel }: BackfillPlan) =>
      [
        window ? `only ${window}` : 'at any hour',
        rate > 0 ? `at most ${formatCount(rate)} images a second` : 'no limit of speed',
        `${count(parallel, 'study', 'studies')} at once`,
      ].join(', '),
    images: (done: number, all: number) => `${formatCount(done)} of ${formatCount(all)} images known of so far`,
    studies: (done: number, all: number) => `${formatCount(done)} of ${count(all, 'study', 'studies')}`,
    asked: (done: number, all: number, at: string | null) =>
      `${formatCount(done)} of ${count(all, 'query', 'queries')} asked${at ? `, last ${formatDate(at)}` : ''}`,
    rate: (perSecond: number) => `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)} images a second`,
    finished: (at: string) => `finished about ${formatInstant(at)}`,
    noRate: 'too early to tell when it will be finished',
    ended: (at: string) => `finished ${formatInstant(at)}`,
    priors: (done: number, all: number) =>
      `Priors of patients on the worklist: ${formatCount(done)} of ${count(all, 'study', 'studies')} here.`,
    pause: 'Pause',
    resume: 'Go on',
    retry: 'Try again what failed',
    cards: { progress: 'Progress', plan: 'Plan', time: 'Time' },
    newPlan: 'New plan',
    replaces: 'A new plan takes the place of this one. What was fetched stays.',
    from: 'From (study date)',
    to: 'To',
    modalities: 'Modalities (CT, MR; empty: all)',
    order: 'Order',
    window: 'Hours (22:00-06:00; empty: any)',
    rateLimit: 'Images a second (0: no limit)',
    via: 'Way',
    start: 'Start',
    startQuestion: 'Replace the present plan?',
    problems: 'Not complete',
    problemHeads: ['Patient', 'Study date', 'Images', 'Tries', 'Why'],
    noProblems: 'Nothing has failed.',
  },
  readiness: {
    link: 'Readiness',
    title: 'Readiness',
    lead: 'How much of what the main PACS has is also here, by number of images. What is complete can be read when the PACS is down.',
    impossible: 'No PACS is set, so nothing can be compared. IT sets LIFEBOAT_PACS.',
    trouble: (reason: string) => `The PACS cannot be asked now (${reason}). Numbers are as old as they say.`,
    failed: (reason: string) => `Readiness cannot be shown: ${reason}`,
    states: {
      complete: 'complete',
      partial: 'partly here',
      missing: 'not here',
      unknown: 'not known',
    } satisfies Record<Readiness, string>,
    days: (n: number) => `last ${n} days`,
    period: 'Past days',
    print: 'Print',
    today: 'Today',
    tomorrow: 'Tomorrow',
    patientsReady: (done: number, all: number) => `${formatCount(done)} of ${count(all, 'patient', 'patients')} ready`,
    studiesReady: (done: number, all: number) => `${formatCount(done)} of ${count(all, 'study', 'studies')} complete`,
    pastReady: (done: number, all: number) => `${formatCount(done)} of ${count(all, 'study', 'studies')} complete`,
    imagesReady: (done: number, all: number) => `${formatCount(done)} of ${count(all, 'image', 'images')}`,
    nobody: 'Nobody is on the list.',
    listTitle: (day: string, when: string) => `${when}, ${formatDate(day)}`,
    columns: ['Time', 'Patient', 'Examination', 'State', 'Earlier studies', 'What is missing and why'],
    noTime: 'no time',
    study: (date: string, modalities: string, description: string) =>
      [formatDate(date) || 'no date', modalities, description].filter(Boolean).join(' · '),
    images: (here: number, expected: number | null) =>
      expected === null ? `${formatCount(here)} of ?` : `${formatCount(here)} of ${formatCount(expected)}`,
    more: (n: number) => `and ${count(n, 'more study', 'more studies')}`,
    daysTitle: (n: number) => `The last ${n} days`,
    dayColumns: ['Day', 'Studies', 'Complete', 'Images here', 'Asked', 'Not complete'],
    dayChart: (day: string, complete: number, all: number) =>
      `${formatDate(day)}: ${complete} of ${all} studies complete`,
    notAsked: 'not asked yet',
    openStudies: (n: number) => `${count(n, 'study is', 'studies are')} not complete`,
    legend: { complete: 'complete', open: 'not complete' },
    printed: (at: string) => `As of ${formatInstant(at)}. Lifeboat compares numbers of images with the main PACS.`,
  },
};
