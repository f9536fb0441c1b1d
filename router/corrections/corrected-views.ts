import type { WorklistAnswer } from '../../contract/api.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type { WorklistQuery, WorklistRow } from '../../storage/catalogue/catalogue-types.ts';
import type { DicomJson, StudyManifest } from '../../storage/format/manifest.ts';
import { nameTokens, parsePersonName, personNameGroups, queryTokens } from '../../storage/format/person-name.ts';
import type { RouterContext } from '../context.ts';
import { correctedIdentity } from './corrected-attributes.ts';
import type { Corrections } from './corrections.ts';

type Correction = NonNullable<ReturnType<Corrections['of']>>;

/** Manifests in which the patient is the corrected one; who it was when the images came is said beside it. */
export function correctedManifests(archive: Archive, corrections: Corrections): Pick<Archive, 'manifest' | 'reading'> {
  return {
    get reading() {
      return archive.reading;
    },
    manifest: async (study) => {
      const manifest = await archive.manifest(study);
      const correction = corrections.of(study);
      return manifest && correction ? overlaid(manifest, correction) : manifest;
    },
  };
}

function overlaid(manifest: StudyManifest, correction: Correction): StudyManifest {
  const { original, by, at } = correction;
  const identity = correctedIdentity(correction);
  // An instance that says something else of the patient must not win over the correction.
  const without = (attributes: DicomJson): DicomJson =>
    Object.fromEntries(Object.entries(attributes).filter(([tag]) => !(tag in identity)));
  return {
    ...manifest,
    attributes: { ...manifest.attributes, ...identity },
    corrected: { patientName: original.patientName, patientID: original.patientID, by, at },
    series: manifest.series.map((series) => ({
      ...series,
      attributes: without(series.attributes),
      instances: series.instances.map((instance) => ({ ...instance, attributes: without(instance.attributes) })),
    })),
  };
}

/** The worklist with corrected patients, found by their corrected name or ID too. */
export async function correctedWorklist(
  { archive, corrections }: Pick<RouterContext, 'archive' | 'corrections'>,
  query: WorklistQuery,
): Promise<WorklistAnswer> {
  const answer = await archive.catalogue.worklist(query);
  if (!corrections || corrections.all().length === 0) return answer;
  const rows = [...answer.rows];
  if (query.search && query.offset === 0) {
    const listed = new Set(rows.map(({ studyInstanceUID }) => studyInstanceUID));
    for (const correction of corrections.all()) {
      if (listed.has(correction.studyInstanceUID) || !matches(correction, query.search)) continue;
      const found = await archive.catalogue.worklist({ ...query, search: correction.original.patientID, limit: 500 });
      const row = found.rows.find(({ studyInstanceUID }) => studyInstanceUID === correction.studyInstanceUID);
      if (row) rows.unshift(row);
    }
  }
  const added = rows.length - answer.rows.length;
  return { ...answer, count: answer.count + added, rows: rows.map((row) => correctedRow(row, corrections)) };
}

function matches({ patientName, patientID, accessionNumber }: Correction, search: string): boolean {
  const tokens = [...nameTokens(patientName), ...queryTokens(patientID), ...queryTokens(accessionNumber ?? '')];
  return queryTokens(search).every((word) => tokens.some((token) => token.startsWith(word)));
}

function correctedRow(row: WorklistRow, corrections: Corrections): WorklistRow {
  const correction = corrections.of(row.studyInstanceUID);
  if (!correction) return row;
  const { patientName, patientID, accessionNumber, original } = correction;
  return {
    ...row,
    patientName,
    patientNameGroups: personNameGroups(parsePersonName(patientName)),
    patientID,
    ...(accessionNumber !== null && { accessionNumber }),
    corrected: { patientName: original.patientName, patientID: original.patientID },
  };
}
