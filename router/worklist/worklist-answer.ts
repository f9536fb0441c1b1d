import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import { writeShortDataSet } from '../dimse/data-set-json.ts';
import { ImplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';

const CHARACTER_SET = '00080005';
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const PLAIN_VRS = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR US UT'.split(' '));
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
 * Writes an answer for a scanner. Many know no UTF-8 and would show a wrong name: unless it says that it does, what fits into
 * ASCII goes without a character set and what fits into Latin-1 as ISO_IR 100.
 * @throws DATASET_UNREADABLE when a value does not fit its VR
 */
export function writeAnswer(answer: DicomJson, transferSyntaxUID: string, knowsUtf8: boolean): Buffer {
  const text = JSON.stringify(answer);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII
  const isAscii = /^[\x00-\x7f]*$/.test(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of Latin-1, without its control characters
  const isLatin1 = /^[\x00-\x7f\xa0-\xff]*$/.test(text);
  if ((knowsUtf8 && !isAscii) || !isLatin1 || !isPlain(answer)) return writeShortDataSet(answer, transferSyntaxUID);
  const set: DicomJson = isAscii ? {} : { [CHARACTER_SET]: { vr: 'CS', Value: ['ISO_IR 100'] } };
  return elements({ ...set, ...answer }, transferSyntaxUID === ImplicitVRLittleEndian);
}

/** Does a request say that it is in UTF-8? Whoever writes it can read it. @param dataSet as it came, little endian */
export function knowsUtf8(dataSet: Buffer, transferSyntaxUID: string): boolean {
  const implicit = transferSyntaxUID === ImplicitVRLittleEndian;
  for (let at = 0; at + 8 <= dataSet.length && dataSet.readUInt16LE(at) <= 0x0008; ) {
    const length = implicit ? dataSet.readUInt32LE(at + 4) : dataSet.readUInt16LE(at + 6);
    const isSet = dataSet.readUInt16LE(at) === 0x0008 && dataSet.readUInt16LE(at + 2) === 0x0005;
    if (isSet) return dataSet.toString('latin1', at + 8, at + 8 + length).includes(UTF_8);
    if (!implicit && LONG_VRS.has(dataSet.toString('latin1', at + 4, at + 6))) return false;
    at += 8 + length;
  }
  return false;
}

/** Only text, short numbers and sequences of such. */
function isPlain(json: DicomJson): boolean {
  return Object.values(json).every(({ vr, Value = [], InlineBinary, BulkDataURI }) => {
    if (InlineBinary !== undefined || BulkDataURI !== undefined) return false;
    if (vr === 'SQ') return Value.every((item) => isPlain((item ?? {}) as DicomJson));
    return PLAIN_VRS.has(vr) && JSON.stringify(Value).length < 0xff00;
  });
}

function elements(json: DicomJson, implicit: boolean): Buffer {
  const parts: Buffer[] = [];
  for (const tag of Object.keys(json).sort()) {
    const element = json[tag]!;
    const value = valueBytes(element, implicit);
    const head = Buffer.alloc(implicit || !LONG_VRS.has(element.vr) ? 8 : 12);
    head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
    head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
    if (!implicit) head.write(element.vr, 4, 'latin1');
    if (implicit) head.writeUInt32LE(value.length, 4);
    else if (head.length === 12) head.writeUInt32LE(value.length, 8);
    else head.writeUInt16LE(value.length, 6);
    parts.push(head, value);
  }
  return Buffer.concat(parts);
}

function valueBytes(element: DicomJsonElement, implicit: boolean): Buffer {
  const { vr, Value = [] } = element;
  if (vr === 'SQ') return Buffer.concat(Value.map((item) => itemOf((item ?? {}) as DicomJson, implicit)));
  if (vr === 'US' || vr === 'SS') {
    const numbers = Buffer.alloc(Value.length * 2);
    for (const [i, value] of Value.entries()) numbers.writeUInt16LE(Number(value) & 0xffff, i * 2);
    return numbers;
  }
  const texts = Value.map((value) => {
    if (value === null || value === undefined) return '';
    return vr === 'PN' && typeof value === 'object' ? joinPersonName(value as PersonName) : String(value);
  });
  const text = texts.join('\\');
  return Buffer.from(text.length % 2 === 0 ? text : text + (vr === 'UI' ? '\0' : ' '), 'latin1');
}

function itemOf(item: DicomJson, implicit: boolean): Buffer {
  const content = elements(item, implicit);
  const head = Buffer.alloc(8);
  head.writeUInt16LE(0xfffe, 0);
  head.writeUInt16LE(0xe000, 2);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}
