import type { IntegrityAnswer } from '../../contract/integrity.ts';
import type { ScrubState } from '../../storage/scrub-state.ts';

/** The state of the archive as CSV (RFC 4180), for an auditor: a summary, every open finding by patient, every repair. */
export function integrityReport(answer: IntegrityAnswer, state: ScrubState, store: string): string {
  const { totals, lastPass, lastCleanPass, findings, seal, scrub } = answer;
  const rows: (string | number)[][] = [
    ['Lifeboat integrity report', new Date().toISOString()],
    ['Store', store],
    ['Studies', totals.studies],
    ['Instances', totals.instances],
    ['Bytes', totals.bytes],
    ['Last full pass ended', lastPass?.endedAt ?? 'none yet'],
    ['  objects sound', lastPass?.sound ?? ''],
    ['  bytes read', lastPass?.bytes ?? ''],
    ['  errors', lastPass?.errors ?? ''],
    ['  not checked', lastPass?.notChecked ?? ''],
    ['Last clean pass ended', lastCleanPass?.endedAt ?? 'none yet'],
    ['Scrub', scrub.state],
    ['Errors open', findings.open],
    ['Not checked', findings.notChecked],
    ['Notes', findings.notes],
    ['Errors repaired', findings.repaired],
    ['Seal key', seal.keyId],
    ['Newest seal', seal.newest?.createdAt ?? 'none yet'],
    ['  instances sealed', seal.newest?.treeSize ?? ''],
    ['  to be kept elsewhere (verify --known)', seal.newest ? `${seal.newest.sequence}:${seal.newest.sha256}` : ''],
    ...replicaRows(answer),
    [],
    [
      'Patient ID',
      'Patient name',
      'Study date',
      'Description',
      'Kind',
      'Severity',
      'State',
      'Study',
      'Image',
      'Key',
      'What',
      'Found',
      'Last seen',
    ],
  ];
  const open = state.findings('open', 100_000);
  open.sort((a, b) => (a.patientID < b.patientID ? -1 : a.patientID > b.patientID ? 1 : a.id - b.id));
  for (const row of open)
    rows.push([
      ...[row.patientID, row.patientName, row.studyDate, row.studyDescription, row.kind, row.severity, row.state],
      ...[row.studyInstanceUID, row.sopInstanceUID, row.key, row.text, row.foundAt, row.seenAt],
    ]);
  rows.push([], ['Repaired at', 'By', 'Outcome', 'Kind', 'From', 'Study', 'Image', 'Key', 'Detail']);
  for (const row of state.repairs(100_000))
    rows.push([
      ...[row.at, row.by, row.outcome, row.kind, row.source],
      ...[row.studyInstanceUID, row.sopInstanceUID, row.key, row.detail],
    ]);
  return `${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** Spreadsheets run what begins like a formula: such text gets an apostrophe in front. */
function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function replicaRows({ replica }: IntegrityAnswer): (string | number)[][] {
  if (!replica) return [['Replica', 'none']];
  const { description, state, lag, problems, compared } = replica;
  return [
    ['Replica', description],
    ['  state', state],
    ['  instances it lacks', lag.instances],
    ['  bytes it lacks', lag.bytes],
    ['  oldest it lacks', lag.oldest ?? ''],
    ['  could not be copied', problems.count],
    ['  compared', compared?.at ?? 'not yet'],
  ];
}
