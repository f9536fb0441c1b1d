import type { DicomJson } from '../../storage/format/manifest.ts';
import { writeShortDataSet } from '../dimse/data-set-json.ts';

const CHARACTER_SET = '00080005';
const UTF_8 = 'ISO_IR 192';

/** What is asked for of a worklist item, in sequences too; unknown attributes come empty (PS3.4 K.4.1.1.3.2). */
export function answerOf(identifier: DicomJson, item: DicomJson): DicomJson {
  const answer: DicomJson = {};
  for (const [tag, key] of Object.entries(identifier)) {
    if (tag === CHARACTER_SET) continue;
    const known = item[tag];
    if (key.vr !== 'SQ') answer[tag] = known && known.BulkDataURI === undefined ? known : { vr: key.vr };
    else {
      const wanted = (key.Value?.[0] ?? {}) as DicomJson;
      const all = Object.keys(wanted).length === 0;
      const items = ((known?.Value ?? []) as DicomJson[]).map((each) => (all ? each : answerOf(wanted, each ?? {})));
      answer[tag] = { vr: 'SQ', ...(items.length > 0 && { Value: items }) };
    }
  }
  return answer;
}

/**
 * Writes what a scanner or RIS is to read, in the character set that it named, `declared`. Many know no UTF-8 and would show a
 * wrong name: where it named none, what fits into ASCII goes without a character set and what fits into Latin-1 as ISO_IR 100.
 * @throws DATASET_UNREADABLE when a value does not fit its VR
 */
export function writeAnswer(answer: DicomJson, transferSyntaxUID: string, declared: string): Buffer {
  return writeShortDataSet(answer, transferSyntaxUID, declared || fitting(JSON.stringify(answer)));
}

function fitting(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of Latin-1, without its control characters
  return /^[\x00-\x7f\xa0-\xff]*$/.test(text) ? 'ISO_IR 100' : UTF_8;
}
