import { LifeboatError } from '../../contract/errors.ts';
import { characterSet } from '../../storage/format/charset.ts';
import { dictionaryVr } from '../../storage/format/dictionary.ts';
import { type ElementSpan, elementHeader, elementsOf } from './data-set-bytes.ts';
import type { TagChange } from './forward-types.ts';
import { originalAttributes } from './original-attributes.ts';
import { isPlainText } from './plain-text.ts';

const SPECIFIC_CHARACTER_SET = 0x00080005;
const UTF_8 = 'ISO_IR 192';
/** VRs whose values are text, and how they are read by Specific Character Set; '' where it does not touch them (PS3.5 6.1.2.3). */
const TEXT_VRS: Record<string, 'names' | 'values' | 'text' | ''> = {
  PN: 'names',
  LO: 'values',
  SH: 'values',
  UC: 'values',
  LT: 'text',
  ST: 'text',
  UT: 'text',
  AE: '',
  AS: '',
  CS: '',
  DA: '',
  DS: '',
  DT: '',
  IS: '',
  TM: '',
  UI: '',
  UR: '',
};

const shown = (tag: number) =>
  `(${(tag >>> 16).toString(16).padStart(4, '0')},${(tag & 0xffff).toString(16).padStart(4, '0')})`.toUpperCase();

/** Whether a rule may change it: text, and nothing that says which object this is or how its pixels are to be read. */
export function isChangeable(tag: string): boolean {
  if (!/^[0-9A-F]{8}$/.test(tag)) return false;
  if (['00080016', '00080018', '00080005'].includes(tag)) return false;
  const group = Number.parseInt(tag.slice(0, 4), 16);
  if (group < 0x0008 || group === 0x0028 || group >= 0x5000) return false;
  const vr = dictionaryVr(Number.parseInt(tag, 16));
  return vr !== undefined && vr in TEXT_VRS;
}

/**
 * The data set with changed attributes, everything else byte for byte. Where the correction of a patient needs more than
 * the default repertoire and nothing else does, UTF-8 is declared.
 * @param dataSet little endian, not deflated
 * @throws NOT_ACCEPTABLE when a new value cannot be written in the data set's character set; DATASET_UNREADABLE
 */
export function applyChanges(dataSet: Buffer, explicit: boolean, changes: readonly TagChange[]): Buffer {
  const wanted = new Map<number, TagChange[]>();
  for (const change of changes) {
    const tag = Number.parseInt(change.tag, 16);
    wanted.set(tag, [...(wanted.get(tag) ?? []), change]);
  }
  // An image that declares no character set, as many do, must yet get its patient's right name.
  const corrects = changes.some((change) => 'record' in change);
  const inUtf8 = corrects && changes.some(needsMoreThanAscii) && isPlainText(dataSet, explicit);
  if (inUtf8) wanted.set(SPECIFIC_CHARACTER_SET, [{ tag: '00080005', set: UTF_8 }]);
  const order = [...wanted.keys()].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  const originals: Buffer[] = [];
  let charsets: string[] = inUtf8 ? [UTF_8] : [];
  let copied = 0;
  let next = 0;
  const put = (tag: number, at: number, element?: ElementSpan) => {
    const before = element && { vr: element.vr, value: dataSet.subarray(element.valueStart, element.end) };
    pieces.push(dataSet.subarray(copied, at));
    const changes = wanted.get(tag)!;
    const record = changes.find((change) => 'record' in change);
    const changed = record
      ? originalAttributes(originals, record.record, explicit, before)
      : changedElement(tag, changes, before, explicit, charsets);
    if (element && !record) originals.push(dataSet.subarray(element.start, element.end));
    if (changed) pieces.push(changed);
    copied = element ? element.end : at;
    next++;
  };
  let end = dataSet.length;
  for (const element of elementsOf(dataSet, explicit)) {
    if (element.tag === SPECIFIC_CHARACTER_SET && !inUtf8)
      charsets = dataSet.toString('latin1', element.valueStart, element.end).split('\\');
    while (next < order.length && order[next]! < element.tag) put(order[next]!, element.start);
    if (next === order.length) {
      end = element.start;
      break;
    }
    if (order[next] === element.tag) put(element.tag, element.start, element);
  }
  while (next < order.length) put(order[next]!, end);
  pieces.push(dataSet.subarray(copied));
  return Buffer.concat(pieces);
}

function needsMoreThanAscii(change: TagChange): boolean {
  const texts =
    'set' in change
      ? [change.set]
      : 'prefix' in change
        ? [change.prefix]
        : 'map' in change
          ? Object.values(change.map)
          : [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the default repertoire is what ASCII has
  return texts.some((text) => !/^[\x00-\x7f]*$/.test(text));
}

function changedElement(
  tag: number,
  changes: readonly TagChange[],
  before: { vr: string; value: Buffer } | undefined,
  explicit: boolean,
  charsets: readonly string[],
): Buffer | undefined {
  const vr = before?.vr || dictionaryVr(tag) || 'LO';
  let value = before?.value;
  for (const change of changes) value = changedValue(tag, vr, change, value, charsets);
  if (value === undefined) return undefined;
  const padded = value.length % 2 ? Buffer.concat([value, Buffer.from([vr === 'UI' ? 0 : 0x20])]) : value;
  return Buffer.concat([elementHeader(tag, explicit ? vr : '', padded.length), padded]);
}

function changedValue(
  tag: number,
  vr: string,
  change: TagChange,
  value: Buffer | undefined,
  charsets: readonly string[],
): Buffer | undefined {
  if ('remove' in change) return undefined;
  if ('record' in change) return value;
  if ('set' in change) return encoded(tag, change.set, charsets);
  if (value === undefined) return undefined;
  if ('prefix' in change) return Buffer.concat([encoded(tag, change.prefix, charsets), value]);
  const kind = TEXT_VRS[vr];
  const text = kind ? characterSet(charsets).decode(value, kind).join('\\') : value.toString('latin1');
  const mapped = change.map[text.replace(/[\0 ]+$/, '')];
  return mapped === undefined ? value : encoded(tag, mapped, charsets);
}

function encoded(tag: number, text: string, charsets: readonly string[]): Buffer {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the default repertoire is what ASCII has
  if (/^[\x00-\x7f]*$/.test(text)) return Buffer.from(text, 'latin1');
  const single = charsets.length === 1 ? charsets[0]!.trim() : '';
  if (single === 'ISO_IR 192') return Buffer.from(text, 'utf8');
  if (single === 'ISO_IR 100' && [...text].every((letter) => letter.codePointAt(0)! <= 0xff))
    return Buffer.from(text, 'latin1');
  throw new LifeboatError(
    'NOT_ACCEPTABLE',
    `The new value of ${shown(tag)} cannot be written in the character set of this image.`,
  );
}
