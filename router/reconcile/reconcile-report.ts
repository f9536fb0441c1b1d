import type { FindingKind, ReconcileFinding, ReconcileRun } from '../../contract/reconcile.ts';
import { formatPersonName, parsePersonName } from '../../storage/format/person-name.ts';
import { writeCsv } from '../reports/csv.ts';
import type { Report } from '../reports/report-types.ts';
import type { ReconcileState } from './reconcile-state.ts';

/** Kinds of findings as people say them. */
export const KIND_WORDS: Record<FindingKind, string> = {
  'only-here': 'only in Lifeboat',
  'only-there': 'only in the PACS',
  count: 'different counts',
  identity: 'different identity',
  twice: 'twice in the PACS',
  contents: 'several contents under one UID',
  'no-order': 'no order',
  unlisted: 'not listed to the end',
};

const MOST_FINDINGS = 100_000;
const MOST_PATIENTS_PRINTED = 5_000;

const local = (utc: string): string => {
  const at = new Date(utc);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};
const nameShown = (name: string): string => formatPersonName(parsePersonName(name));
const images = (n: number): string => (n === 1 ? '1 image' : `${n} images`);

/** `received 12, delivered 12, committed 12, open 0` */
export function sumsOf({ received, meant, delivered, committed, open }: ReconcileRun): string {
  const other = meant === received ? '' : ` (${meant} of them meant for it)`;
  return `received ${received}${other}, delivered ${delivered}, committed ${committed ?? 'not asked for'}, open ${open}`;
}

function decisionOf({ state, decision, by, at, why }: ReconcileFinding): string {
  if (state === 'mended') return `put right${at ? ` ${local(at)}` : ''}`;
  if (state === 'mending') return 'being put right';
  if (state === 'open') return 'OPEN';
  const done = { resend: 'sent again', fetch: 'fetched again', accept: 'left as it is' }[decision ?? 'accept'];
  return `${done} by ${by}, ${at ? local(at) : ''}: ${why}`;
}

/** The report of a run as it stands now; signed off or not, it says so. */
export function reconcileReport(state: ReconcileState, run: ReconcileRun, madeAt = new Date()): Report {
  const findings = state.findings(run.id, MOST_FINDINGS);
  const studies = [...state.studies(run.id)];
  const printed = studies.slice(0, MOST_PATIENTS_PRINTED);
  return {
    title: `Reconciliation with ${run.peer}`,
    subtitle: `${local(run.from)} to ${local(run.to)} (times of this machine's clock)`,
    footer: `Lifeboat, reconciliation ${run.id}, made ${local(madeAt.toISOString())}`,
    landscape: true,
    blocks: [
      {
        kind: 'facts',
        rows: [
          ['Result', sumsOf(run)],
          ['Begun because', run.reason],
          ['Begun', local(run.begunAt)],
          [
            'Ended',
            run.endedAt ? local(run.endedAt) : `not yet (${run.state}${run.message ? `: ${run.message}` : ''})`,
          ],
          ['Studies compared', `${run.compared} of ${run.studies}`],
          ['Put right', String(run.mended)],
          ['Decided by a person', String(run.decided)],
          [
            'Signed off',
            run.signedBy && run.signedAt
              ? `by ${run.signedBy}, ${local(run.signedAt)}${run.signedNote ? `: ${run.signedNote}` : ''}`
              : 'no',
          ],
        ],
      },
      {
        kind: 'text',
        text:
          'Received: images that Lifeboat acknowledged in this time. Delivered: of these, images that the PACS lists when it is asked image by image. ' +
          'Committed: of these, images for whose safekeeping the PACS has taken responsibility (storage commitment). Open: findings on which a person has yet to decide.',
      },
      { kind: 'heading', text: findings.length === 0 ? 'Nothing was found' : 'What was found' },
      ...(findings.length === 0
        ? []
        : [
            {
              kind: 'table' as const,
              columns: [
                { head: 'Patient', share: 2 },
                { head: 'Study', share: 2.4 },
                { head: 'What', share: 1.3 },
                { head: 'In words', share: 3.6 },
                { head: 'What became of it', share: 2.4 },
              ],
              rows: findings.map((finding) => [
                `${nameShown(finding.patientName)}\n${finding.patientID}`,
                `${finding.studyDate} ${finding.studyInstanceUID}`,
                KIND_WORDS[finding.kind],
                finding.words,
                decisionOf(finding),
              ]),
            },
          ]),
      { kind: 'heading', text: `Studies (${studies.length})` },
      ...(printed.length < studies.length
        ? [{ kind: 'text' as const, text: `The first ${printed.length} by name; the CSV file has all.` }]
        : []),
      {
        kind: 'table',
        columns: [
          { head: 'Patient', share: 2.4 },
          { head: 'Patient ID', share: 1.4 },
          { head: 'Date', share: 0.9 },
          { head: 'Study Instance UID', share: 4 },
          { head: 'Received', align: 'right', share: 0.9 },
          { head: 'Delivered', align: 'right', share: 0.9 },
          { head: 'Committed', align: 'right', share: 1 },
        ],
        rows: printed.map(({ study, patientName, patientID, studyDate, received, delivered, committed }) => [
          nameShown(patientName),
          patientID,
          studyDate,
          study,
          String(received),
          String(delivered),
          committed === null ? '' : String(committed),
        ]),
      },
      { kind: 'signatures', lines: ['Name', 'Date', 'Signature'] },
    ],
  };
}

/** One line for each study and one for each finding. */
export function reconcileCsv(state: ReconcileState, run: ReconcileRun): string {
  const heads = [
    'row',
    'patient name',
    'patient ID',
    'study date',
    'study instance UID',
    'received',
    'meant for the PACS',
    'delivered',
    'committed',
    'finding',
    'images',
    'words',
    'state',
    'decision',
    'by',
    'at',
    'why',
  ];
  const rows: (string | number)[][] = [];
  for (const study of state.studies(run.id))
    rows.push([
      'study',
      study.patientName,
      study.patientID,
      study.studyDate,
      study.study,
      study.received,
      study.meant,
      study.delivered,
      study.committed ?? '',
      '',
      '',
      '',
      study.state,
    ]);
  for (const finding of state.findings(run.id, MOST_FINDINGS))
    rows.push([
      'finding',
      finding.patientName,
      finding.patientID,
      finding.studyDate,
      finding.studyInstanceUID,
      '',
      '',
      '',
      '',
      KIND_WORDS[finding.kind],
      finding.instances,
      finding.words,
      finding.state,
      finding.decision ?? '',
      finding.by ?? '',
      finding.at ?? '',
      finding.why ?? '',
    ]);
  const { received, meant, delivered, committed, open, signedBy, signedAt } = run;
  rows.push([
    'total',
    '',
    '',
    '',
    '',
    received,
    meant,
    delivered,
    committed ?? '',
    `open ${open}`,
    '',
    `${run.peer}, ${run.from} to ${run.to}`,
    run.state,
    signedBy ? 'signed off' : '',
    signedBy ?? '',
    signedAt ?? '',
    run.signedNote ?? '',
  ]);
  return writeCsv(
    heads,
    rows.map((row) => [...row, ...Array<string>(heads.length - row.length).fill('')]),
  );
}

/** Open findings by patient, for the command line. */
export function findingsText(findings: readonly ReconcileFinding[]): string {
  const lines: string[] = [];
  let last = '';
  for (const { patientName, patientID, studyInstanceUID, kind, instances, words, state } of findings) {
    if (state !== 'open' && state !== 'mending') continue;
    const patient = `${nameShown(patientName) || '(no name)'} ${patientID}`;
    if (patient !== last) lines.push(patient);
    last = patient;
    lines.push(`  ${studyInstanceUID}: ${KIND_WORDS[kind]}${instances > 0 ? `, ${images(instances)}` : ''}: ${words}`);
  }
  return lines.join('\n');
}
