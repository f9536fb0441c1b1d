import type { FindingRow, IntegrityAnswer, RepairRow } from '../../contract/integrity.ts';
import { formatPersonName, parsePersonName } from '../../storage/format/person-name.ts';
import type { ScrubState } from '../../storage/scrub-state.ts';
import type { Report, ReportBlock } from '../reports/report-types.ts';

/** Rows of a printed table; a longer list is in the CSV, and the page says so. */
const MOST_PRINTED = 2000;
const UNKNOWN = '(not known)';

const time = (iso: string | null | undefined) => (iso ? `${iso.slice(0, 19).replace('T', ' ')} UTC` : 'none yet');
const day = (date: string) =>
  /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
const count = (n: number) => n.toLocaleString('en-US');
const bytes = (n: number) => `${count(n)} bytes`;
const nameOf = (name: string) => formatPersonName(parsePersonName(name)) || UNKNOWN;

/** One sentence that somebody who reads no further takes with them. */
function verdict({ findings, lastPass, lastCleanPass }: IntegrityAnswer): string {
  if (!lastPass) return 'The archive has not been read through yet: nothing can be said about it.';
  const { open, notChecked } = findings;
  if (open === 0 && notChecked === 0 && lastCleanPass?.endedAt === lastPass.endedAt)
    return `Every object was read and is as it was received (${time(lastPass.endedAt)}).`;
  const parts = [
    open > 0 && `${count(open)} errors are open`,
    notChecked > 0 && `${count(notChecked)} things could not be checked`,
    open === 0 && notChecked === 0 && 'what was found was put right; the next pass will show whether all is well',
  ].filter(Boolean);
  return `The archive is not proven to be whole: ${parts.join('; ')}.`;
}

/**
 * The state of the archive on paper, for an auditor: what was read and when, seals, the second store, open errors by patient, what was
 * tried and could not be repaired, what was repaired and from where.
 */
export function integrityPdf(answer: IntegrityAnswer, state: ScrubState, store: string, madeAt = new Date()): Report {
  const open = state.findings('open', 100_000).filter(({ severity }) => severity !== 'note');
  open.sort((a, b) => compare(a.patientID, b.patientID) || compare(a.studyDate, b.studyDate) || a.id - b.id);
  const repairs = state.repairs(100_000);
  const failed = lastTries(repairs);
  return {
    title: 'Integrity of the image archive',
    subtitle: `${store}, as of ${time(madeAt.toISOString())}`,
    footer: `Lifeboat, integrity report of ${time(madeAt.toISOString())}`,
    landscape: true,
    blocks: [
      { kind: 'text', text: verdict(answer) },
      ...summary(answer),
      ...openByPatient(open, failed),
      ...repaired(repairs.filter(({ outcome }) => outcome === 'repaired')),
      { kind: 'signatures', lines: ['Checked by', 'Date', 'Signature'] },
    ],
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** What the newest attempt to repair a key came to, where it failed. */
function lastTries(repairs: RepairRow[]): Map<string, string> {
  const newest = new Map<string, RepairRow>();
  for (const row of repairs) if ((newest.get(row.key)?.at ?? '') <= row.at) newest.set(row.key, row);
  return new Map([...newest].filter(([, row]) => row.outcome === 'failed').map(([key, row]) => [key, row.detail]));
}

function summary({ totals, lastPass, lastCleanPass, findings, seal, replica, space }: IntegrityAnswer): ReportBlock[] {
  const { newest } = seal;
  return [
    { kind: 'heading', text: 'At a glance' },
    {
      kind: 'facts',
      rows: [
        ['Studies, images', `${count(totals.studies)}, ${count(totals.instances)} (${bytes(totals.bytes)})`],
        ['UIDs with several contents', `${count(totals.conflicts)}; every content is kept`],
        ['Last pass over everything', time(lastPass?.endedAt)],
        [
          '  what it found',
          lastPass
            ? `${count(lastPass.sound)} objects sound, ${bytes(lastPass.bytes)} read, ${count(lastPass.errors)} errors, ${count(lastPass.notChecked)} not checked`
            : '',
        ],
        ['Last clean pass', time(lastCleanPass?.endedAt)],
        ['Open now', `${count(findings.open)} errors, ${count(findings.notChecked)} not checked`],
        ['Repaired so far', count(findings.repaired)],
        ['Key of the seals', seal.keyId],
        ['Newest seal', newest ? `${time(newest.createdAt)}, ${count(newest.treeSize)} images sealed` : 'none yet'],
        ['  to be written down (verify --known)', newest ? `${newest.sequence}:${newest.sha256}` : ''],
        ['Second store', replica ? `${replica.description}: ${replica.state}` : 'none'],
        [
          '  what it lacks',
          replica
            ? `${count(replica.lag.instances)} images, ${bytes(replica.lag.bytes)}`
            : 'everything: there is no copy',
        ],
        [
          'Space',
          space
            ? `${bytes(space.freeBytes)} free${space.daysUntilFull === null ? '' : `, full in about ${count(space.daysUntilFull)} days`}`
            : 'the store does not tell',
        ],
      ],
    },
  ];
}

function openByPatient(open: FindingRow[], failed: Map<string, string>): ReportBlock[] {
  const heading: ReportBlock = { kind: 'heading', text: 'Open errors, by patient' };
  if (open.length === 0) return [heading, { kind: 'text', text: 'None.' }];
  return [
    heading,
    {
      kind: 'table',
      columns: [
        { head: 'Patient ID', share: 1.2 },
        { head: 'Name', share: 2 },
        { head: 'Study date', share: 1.4 },
        { head: 'Found', share: 1.2 },
        { head: 'What', share: 3 },
        { head: 'Why it could not be repaired', share: 3 },
        { head: 'Study, image', share: 3.4 },
      ],
      rows: open
        .slice(0, MOST_PRINTED)
        .map((row) => [
          row.patientID || UNKNOWN,
          nameOf(row.patientName),
          day(row.studyDate) || UNKNOWN,
          `${row.kind}${row.severity === 'not-checked' ? ' (not checked)' : ''}`,
          row.text,
          failed.get(row.key) ?? 'not tried yet',
          `${row.studyInstanceUID}\n${row.sopInstanceUID}`,
        ]),
    },
    ...rest(open.length),
  ];
}

function repaired(rows: RepairRow[]): ReportBlock[] {
  const heading: ReportBlock = { kind: 'heading', text: 'Repaired' };
  if (rows.length === 0) return [heading, { kind: 'text', text: 'Nothing had to be repaired.' }];
  return [
    heading,
    {
      kind: 'table',
      columns: [
        { head: 'When', share: 1.4 },
        { head: 'By' },
        { head: 'Found' },
        { head: 'From', share: 2.4 },
        { head: 'What was done', share: 3 },
        { head: 'Study, image', share: 3.4 },
      ],
      rows: rows
        .slice(0, MOST_PRINTED)
        .map((row) => [
          time(row.at),
          row.by,
          row.kind,
          row.source,
          row.detail,
          `${row.studyInstanceUID}\n${row.sopInstanceUID}`,
        ]),
    },
    ...rest(rows.length),
  ];
}

const rest = (length: number): ReportBlock[] =>
  length > MOST_PRINTED
    ? [{ kind: 'text', text: `${count(length - MOST_PRINTED)} more rows are in the CSV of this report.` }]
    : [];
