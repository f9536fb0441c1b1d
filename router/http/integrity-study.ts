import type { FindingRow, InstanceHashes, StudyHashes } from '../../contract/integrity.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { studyPath } from '../../storage/keys.ts';
import { currentEntries } from '../../storage/merge.ts';
import { CatalogueCheck } from '../../storage/verify-catalogue.ts';
import type { ObjectCheck } from '../../storage/verify-hash.ts';
import { patientOf } from '../../storage/verify-segments.ts';
import { verifyStudy } from '../../storage/verify-study.ts';
import { openReader } from '../../storage/verify-threads.ts';
import type { RouterContext } from '../context.ts';
import type { Integrity } from '../integrity.ts';

const STRAY_AGE_MS = 600_000;

/** Every hash of a study, with what is known to be wrong; null when the archive does not know the study. */
export async function studyHashes(
  { archive }: RouterContext,
  integrity: Integrity,
  studyInstanceUID: string,
  checks?: Map<string, ObjectCheck>,
): Promise<StudyHashes | null> {
  const entries = await archive.entries(studyInstanceUID);
  const findings = integrity.state.findingsOfStudy(studyInstanceUID);
  if (entries.length === 0 && findings.length === 0) return null;
  const current = new Set(currentEntries(entries));
  const ordered = [...entries].sort(
    (a, b) => compare(a.seriesInstanceUID, b.seriesInstanceUID) || numberOf(a) - numberOf(b) || compare(a.key, b.key),
  );
  const keys = new Set(entries.map(({ key }) => key));
  const { patientID, patientName, studyDate, studyDescription } = entries[0]
    ? patientOf(entries[0].attributes)
    : findings[0]!;
  return {
    studyInstanceUID,
    patientID,
    patientName,
    studyDate,
    studyDescription,
    instances: ordered.map((entry) => hashesOf(entry, !current.has(entry), findings, checks)),
    findings: findings.filter(({ key }) => !keys.has(key)),
    ...(checks ? { checkedAt: new Date().toISOString() } : {}),
  };
}

/** As `studyHashes`, with every object of the study read now; what is found is kept with the findings of the scrub. */
export async function verifiedHashes(
  context: RouterContext,
  integrity: Integrity,
  studyInstanceUID: string,
): Promise<StudyHashes | null> {
  const { store, catalogue } = context.archive;
  const reader = openReader(store, { threads: 1, config: context.config.store });
  try {
    const path = `${studyPath(studyInstanceUID)}/`;
    const study = await verifyStudy(
      { store, reader, catalogue: new CatalogueCheck(catalogue, reader, STRAY_AGE_MS), strayAgeMs: STRAY_AGE_MS },
      { path },
    );
    if (study.entries.length > 0 || study.findings.length > 0) integrity.state.record(path, study.findings);
    return await studyHashes(context, integrity, studyInstanceUID, study.checks);
  } finally {
    await reader.close();
  }
}

function hashesOf(
  entry: InstanceEntry,
  superseded: boolean,
  findings: FindingRow[],
  checks: Map<string, ObjectCheck> | undefined,
): InstanceHashes {
  const { seriesInstanceUID, sopInstanceUID, key, size, sha256, dataSetSha256, receivedAt } = entry;
  return {
    seriesInstanceUID,
    sopInstanceUID,
    key,
    size,
    sha256,
    dataSetSha256,
    receivedAt,
    superseded,
    ...(checks ? { check: verdict(entry, checks.get(key)) } : {}),
    findings: findings.filter((finding) => finding.key === key),
  };
}

function verdict(entry: InstanceEntry, check: ObjectCheck | undefined): InstanceHashes['check'] {
  if (!check || check.state === 'not-checked') return 'not-checked';
  if (check.state === 'missing') return 'missing';
  return check.sha256 === entry.sha256 && check.size === entry.size ? 'sound' : 'wrong';
}

function numberOf(entry: InstanceEntry): number {
  const number = Number(entry.attributes['00200013']?.Value?.[0] ?? Number.NaN);
  return Number.isNaN(number) ? Number.MAX_SAFE_INTEGER : number;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
