/**
 * Text of DICOM data sets to Unicode: Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1), single-byte sets, ISO/IEC 2022
 * code extensions, UTF-8, GB18030 and GBK, and what is seen instead of these. Runs in the browser too.
 */
import {
  ASCII,
  type CodedSet,
  decodeLatin1,
  ESCAPES,
  G1_BY_REGISTRATION,
  JIS_KATAKANA,
  JIS_ROMAJI,
  LATIN_SETS,
  standAloneDecoder,
} from './charset-tables.ts';

/** How a value is divided: into values at `\`; person names also reset code extensions at `^` and `=`. */
export type TextKind = 'values' | 'names' | 'text';

/** Decoder for one Specific Character Set. Never throws; bytes without a meaning become U+FFFD. */
export interface CharacterSet {
  /** Values of an element, `\` divides them except in `text` (ST, LT, UT). Padding is not removed. */
  decode(bytes: Uint8Array, kind: TextKind): string[];
  /** What a reader should know: unknown term, text that was not what was declared. */
  readonly notes: ReadonlySet<string>;
}

const ESC = 0x1b;
const BACKSLASH = 0x5c;

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80 || byte === ESC) return false;
  }
  return true;
}

function divide(text: string, kind: TextKind): string[] {
  return kind === 'text' || !text.includes('\\') ? [text] : text.split('\\');
}

/** What one value of Specific Character Set means. */
type Term = { registration: string } | { label: string } | { unknown: true };

const LABELS: Record<string, string> = {
  UTF8: 'utf-8',
  '10646': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gb18030',
  GB2312: 'gb18030',
  CP936: 'gb18030',
  SHIFTJIS: 'shift_jis',
  SJIS: 'shift_jis',
  WINDOWS31J: 'shift_jis',
  CP932: 'shift_jis',
  EUCJP: 'euc-jp',
  EUCKR: 'euc-kr',
  BIG5: 'big5',
};
const ISO_8859 = ['', '100', '101', '109', '110', '144', '127', '126', '138', '148', '', '166', '', '', '', '203'];

function readTerm(term: string): Term {
  const bare = term.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const iso = /^(?:ISO)?(?:2022)?(?:ISO)?(?:IR)?(\d{1,3})$/.exec(bare)?.[1];
  if (iso === '192') return { label: 'utf-8' };
  if (bare === '' || iso === '6') return { registration: '6' };
  if (iso && (G1_BY_REGISTRATION[iso] || iso === '87' || iso === '159' || iso === '14')) return { registration: iso };
  const part = /^(?:ISO)?(?:IR)?8859(\d{1,2})$/.exec(bare)?.[1];
  if (part && ISO_8859[Number(part)]) return { registration: ISO_8859[Number(part)]! };
  if (/^LATIN1$|^(WINDOWS|CP)1252$/.test(bare)) return { registration: '100' };
  if (/^(US)?ASCII$|^ISO646/.test(bare)) return { registration: '6' };
  const label = LABELS[bare.replace(/^ISO(?:2022)?(?:IR)?/, '')] ?? LABELS[bare];
  if (label) return { label };
  const windows = /^(?:WINDOWS|CP)(125\d)$/.exec(bare)?.[1];
  return windows ? { label: `windows-${windows}` } : { unknown: true };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const gb18030 = new TextDecoder('gb18030', { fatal: true });

function attempt(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // a fatal decoder throws for bytes that are not its encoding: the answer asked for
  }
}

/** GB-encoded Han that was declared Latin: high bytes in pairs that stand alone, never beside Latin letters. */
function readsAsHan(bytes: Uint8Array): string | undefined {
  const raw = decodeLatin1(bytes);
  const runs = raw.match(/[A-Za-z]*[\x80-\xff]+[A-Za-z]*/g) ?? [];
  const pairs = runs.every((run) => /^(?:[\xb0-\xf7][\xa1-\xfe])+$/.test(run));
  if (!pairs || runs.join('').length < 4) return undefined;
  const text = attempt(gb18030, bytes);
  return text && /\p{Script=Han}/u.test(text) ? text : undefined;
}

class StandAlone implements CharacterSet {
  readonly notes: ReadonlySet<string> = new Set();
  private readonly whole: (bytes: Uint8Array) => string;
  constructor(label: string) {
    const decode = standAloneDecoder(label);
    // Latin-1 text in a data set declared UTF-8: better readable than a row of U+FFFD.
    this.whole =
      label === 'utf-8' ? (bytes) => attempt(utf8, bytes) ?? readsAsHan(bytes) ?? decodeMixed(decode, bytes) : decode;
  }
  decode(bytes: Uint8Array, kind: TextKind): string[] {
    // Decoded first, divided then: 0x5C may be the second byte of a GBK or Shift-JIS character.
    return divide(isAscii(bytes) ? decodeLatin1(bytes) : this.whole(bytes), kind);
  }
}

function decodeMixed(decode: (bytes: Uint8Array) => string, bytes: Uint8Array): string {
  const text = decode(bytes);
  if (!text.includes('\ufffd')) return text;
  const lettersBeyondLatin1 = [...text].some((char) => char > '\u00ff' && char !== '\ufffd');
  return lettersBeyondLatin1 ? text : decodeLatin1(bytes);
}

/** Single-byte sets and ISO/IEC 2022 code extensions. */
class CodeExtensions implements CharacterSet {
  readonly notes = new Set<string>();
  private readonly g0: CodedSet;
  private readonly g1: CodedSet | undefined;
  /** Nothing but Latin letters was declared, so bytes that are valid UTF-8 were never meant otherwise. */
  private readonly mayBeUtf8: boolean;

  constructor(registrations: string[], declared: string) {
    const first = registrations[0] ?? '6';
    this.g0 = first === '13' || first === '14' ? JIS_ROMAJI : ASCII;
    this.g1 =
      G1_BY_REGISTRATION[first] ??
      // The first value is plain ASCII; some senders leave the designation of the only other set out.
      registrations
        .slice(1)
        .map((r) => G1_BY_REGISTRATION[r])
        .find((set) => set !== undefined);
    if (first === '87' || first === '159') this.g1 = JIS_KATAKANA;
    this.mayBeUtf8 = this.g1 === undefined || LATIN_SETS.has(this.g1);
    this.declared = declared;
  }
  private readonly declared: string;

  decode(bytes: Uint8Array, kind: TextKind): string[] {
    if (isAscii(bytes)) {
      const text = decodeLatin1(bytes);
      return divide(this.g0 === JIS_ROMAJI && kind === 'text' ? JIS_ROMAJI.decode(bytes) : text, kind);
    }
    if (!bytes.includes(ESC) && this.mayBeUtf8) {
      const guess = attempt(utf8, bytes);
      if (guess !== undefined) return this.guessed(guess, 'UTF-8', kind);
      const han = readsAsHan(bytes);
      if (han !== undefined) return this.guessed(han, 'GBK', kind);
    }
    return this.walk(bytes, kind);
  }

  private guessed(text: string, encoding: string, kind: TextKind): string[] {
    this.notes.add(`text declared as ${this.declared || 'the default character repertoire'} reads as ${encoding}`);
    return divide(text, kind);
  }

  private walk(bytes: Uint8Array, kind: TextKind): string[] {
    const values: string[] = [];
    let text = '';
    let g0 = this.g0;
    let g1 = this.g1;
    let i = 0;
    while (i < bytes.length) {
      const byte = bytes[i]!;
      if (byte === ESC) {
        const [designation, length] = readEscape(bytes, i + 1);
        if (designation?.half === 'G0') g0 = designation.set;
        if (designation?.half === 'G1') g1 = designation.set;
        i += 1 + length;
        continue;
      }
      const resets =
        byte < 0x20 ||
        (g0.unit === 1 && byte === BACKSLASH && kind !== 'text') ||
        (g0.unit === 1 && kind === 'names' && (byte === 0x5e || byte === 0x3d));
      if (resets) {
        g0 = this.g0;
        // Where no set was declared for the upper half, the one in use is a better reading than none.
        if (this.g1 !== undefined) g1 = this.g1;
        if (byte === BACKSLASH) {
          values.push(text);
          text = '';
        } else text += String.fromCharCode(byte);
        i++;
        continue;
      }
      const high = byte >= 0x80;
      const set = high ? g1 : g0;
      if (!high && byte === 0x20) {
        text += ' ';
        i++;
        continue;
      }
      let end = i + 1;
      while (end < bytes.length && sameRun(bytes[end]!, high, set, kind, end - i)) end++;
      const run = bytes.subarray(i, end);
      text += set ? set.decode(run) : decodeLatin1(run);
      i = end;
    }
    values.push(text);
    return values;
  }
}

/** Whether a byte goes on with the run of one coded set that began `distance` bytes earlier. */
function sameRun(byte: number, high: boolean, set: CodedSet | undefined, kind: TextKind, distance: number): boolean {
  if (high) return byte >= 0x80;
  if (byte >= 0x80 || byte < 0x20 || byte === ESC) return false;
  if (set?.unit === 2 && distance % 2 === 1) return true;
  if (byte === 0x20) return false;
  if (set?.unit === 2) return true;
  if (byte === BACKSLASH) return kind === 'text';
  return kind !== 'names' || (byte !== 0x5e && byte !== 0x3d);
}

function readEscape(bytes: Uint8Array, at: number): [{ half: 'G0' | 'G1'; set: CodedSet } | undefined, number] {
  for (const length of [3, 2]) {
    const known = ESCAPES[String.fromCharCode(...bytes.subarray(at, at + length))];
    if (known) return [known, length];
  }
  // Unknown: intermediates 0x20-0x2F and one final byte (ISO/IEC 2022 13.2).
  let length = 0;
  while (at + length < bytes.length && bytes[at + length]! >= 0x20 && bytes[at + length]! <= 0x2f) length++;
  return [undefined, Math.min(length + 1, bytes.length - at)];
}

const known = new Map<string, CharacterSet>();

/**
 * Decoder for the values of Specific Character Set (0008,0005); none or empty: the default repertoire. Misspelt terms
 * are understood, unknown ones read as the default repertoire (UTF-8 and GBK recognised) with a note.
 */
export function characterSet(terms: readonly string[]): CharacterSet {
  const key = terms.map((term) => term.trim()).join('\\');
  const cached = known.get(key);
  if (cached && cached.notes.size === 0) return cached;
  const read = key.split('\\').map(readTerm);
  const label = read.find((term) => 'label' in term);
  const set: CharacterSet =
    label &&
    (read.length === 1 ||
      read[0] === label ||
      !read.some((term) => 'registration' in term && term.registration !== '6'))
      ? new StandAlone(label.label)
      : new CodeExtensions(
          read.map((term) => ('registration' in term ? term.registration : '6')),
          key,
        );
  const unknown = key.split('\\').filter((_, i) => 'unknown' in read[i]!);
  if (unknown.length > 0 && set instanceof CodeExtensions) {
    set.notes.add(`unknown Specific Character Set ${unknown.join(', ').slice(0, 40)}`);
  }
  if (known.size < 200) known.set(key, set);
  return set;
}
