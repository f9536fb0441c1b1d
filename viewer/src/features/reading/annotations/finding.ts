import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import type { StudyModel } from '../study/study-model.ts';
import { codes, contentItem, observer } from './content-item.ts';
import { type Author, headOf } from './data-set.ts';
import { documentGeneral } from './measurement-report.ts';

export const BASIC_TEXT_SR = '1.2.840.10008.5.1.4.1.1.88.11';
/** Series Description of provisional findings: what they are listed by. */
export const FINDING_SERIES = 'Provisional finding';

/**
 * A finding typed while the reporting system is away, as a Basic Text SR: preliminary, not complete, not verified
 * (PS3.3 C.17.2: Preliminary Flag).
 */
export function provisionalFinding(model: StudyModel, text: string, author: Author): DicomJson {
  return {
    ...headOf(
      model,
      { sopClassUID: BASIC_TEXT_SR, modality: 'SR', description: FINDING_SERIES, seriesNumber: 9800 },
      author,
    ),
    ...documentGeneral(author, 'PARTIAL'),
    ...contentItem.container('', codes.imagingReport, [
      contentItem.code('HAS CONCEPT MOD', codes.language, codes.english),
      ...observer(author),
      contentItem.container('CONTAINS', codes.findings, [contentItem.text('CONTAINS', codes.finding, text)]),
    ]),
  };
}
