/**
 * The character repertoires of PS3.3 C.12.1.1.2 and their code elements for ISO/IEC 2022 (PS3.5 6.1.2.5, 6.3).
 * Runs in the browser too.
 */

/** One coded character set; `unit` bytes make one character. */
export interface CodedSet {
  name: string;
  unit: 1 | 2;
  decode(bytes: Uint8Array): string;
}

type Decoder = InstanceType<typeof TextDecoder>;

const decoders = new Map<string, Decoder>();
function textDecoder(label: string): Decoder {
  let decoder = decoders.get(label);
  if (!decoder) {
    decoder = new TextDecoder(label, { ignoreBOM: true });
    decoders.set(label, decoder);
  }
  return decoder;
}

/** Byte n is code point n. (The label `latin1` of TextDecoder means windows-1252.) */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = '';
  if (bytes.length <= 40) {
    // Most values are short, and for these a loop is three times as fast as a call with many arguments.
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

const byLabel = (name: string, label: string): CodedSet => ({
  name,
  unit: 1,
  decode: (bytes) => textDecoder(label).decode(bytes),
});

function withHighBit(bytes: Uint8Array, prefix?: number): Uint8Array {
  if (prefix === undefined) return bytes.map((byte) => byte | 0x80);
  const out = new Uint8Array((bytes.length >> 1) * 3);
  for (let i = 0, o = 0; i + 1 < bytes.length; i += 2) {
    out[o++] = prefix;
    out[o++] = bytes[i]! | 0x80;
    out[o++] = bytes[i + 1]! | 0x80;
  }
  return out;
}

const doubleByte = (name: string, label: string, prefix?: number): CodedSet => ({
  name,
  unit: 2,
  decode: (bytes) => textDecoder(label).decode(withHighBit(bytes, prefix)),
});

export const ASCII: CodedSet = { name: 'ISO-IR 6', unit: 1, decode: decodeLatin1 };
export const LATIN1: CodedSet = { name: 'ISO-IR 100', unit: 1, decode: decodeLatin1 };
/** JIS X 0201 romaji: ISO 646 but for yen sign and overline. */
export const JIS_ROMAJI: CodedSet = {
  name: 'ISO-IR 14',
  unit: 1,
  decode: (bytes) => decodeLatin1(bytes).replace(/[\\~]/g, (char) => (char === '\\' ? '\u00a5' : '\u203e')),
};
/** JIS X 0201 half-width katakana, 0xA1 to 0xDF. */
export const JIS_KATAKANA: CodedSet = {
  name: 'ISO-IR 13',
  unit: 1,
  decode: (bytes) =>
    Array.from(bytes, (byte) =>
      byte >= 0xa1 && byte <= 0xdf ? String.fromCharCode(0xff61 + byte - 0xa1) : '\ufffd',
    ).join(''),
};
const LATIN2 = byLabel('ISO-IR 101', 'iso-8859-2');
const LATIN3 = byLabel('ISO-IR 109', 'iso-8859-3');
const LATIN4 = byLabel('ISO-IR 110', 'iso-8859-4');
const CYRILLIC = byLabel('ISO-IR 144', 'iso-8859-5');
const ARABIC = byLabel('ISO-IR 127', 'iso-8859-6');
const GREEK = byLabel('ISO-IR 126', 'iso-8859-7');
const HEBREW = byLabel('ISO-IR 138', 'iso-8859-8');
const LATIN5 = byLabel('ISO-IR 148', 'windows-1254');
const LATIN9 = byLabel('ISO-IR 203', 'iso-8859-15');
const THAI = byLabel('ISO-IR 166', 'windows-874');
const JIS_X_0208 = doubleByte('ISO-IR 87', 'euc-jp');
const JIS_X_0212 = doubleByte('ISO-IR 159', 'euc-jp', 0x8f);
const KS_X_1001 = doubleByte('ISO-IR 149', 'euc-kr');
const GB_2312 = doubleByte('ISO-IR 58', 'gb18030');

/** Upper half (G1) of a data set whose first or only Specific Character Set is ISO_IR or ISO 2022 IR of this number. */
export const G1_BY_REGISTRATION: Record<string, CodedSet> = {
  '100': LATIN1,
  '101': LATIN2,
  '109': LATIN3,
  '110': LATIN4,
  '144': CYRILLIC,
  '127': ARABIC,
  '126': GREEK,
  '138': HEBREW,
  '148': LATIN5,
  '203': LATIN9,
  '13': JIS_KATAKANA,
  '166': THAI,
  '149': KS_X_1001,
  '58': GB_2312,
};

/** Sets whose text is Latin letters: here bytes that form valid UTF-8 are UTF-8 with near certainty. */
export const LATIN_SETS = new Set<CodedSet>([LATIN1, LATIN2, LATIN3, LATIN4, LATIN5, LATIN9]);

/** Escape sequences (after ESC, as text) and what they designate (PS3.3 tables C.12-3 and C.12-4, and older forms seen). */
export const ESCAPES: Record<string, { half: 'G0' | 'G1'; set: CodedSet }> = {
  '(B': { half: 'G0', set: ASCII },
  '(J': { half: 'G0', set: JIS_ROMAJI },
  ')I': { half: 'G1', set: JIS_KATAKANA },
  '-A': { half: 'G1', set: LATIN1 },
  '-B': { half: 'G1', set: LATIN2 },
  '-C': { half: 'G1', set: LATIN3 },
  '-D': { half: 'G1', set: LATIN4 },
  '-L': { half: 'G1', set: CYRILLIC },
  '-G': { half: 'G1', set: ARABIC },
  '-F': { half: 'G1', set: GREEK },
  '-H': { half: 'G1', set: HEBREW },
  '-M': { half: 'G1', set: LATIN5 },
  '-T': { half: 'G1', set: THAI },
  '-b': { half: 'G1', set: LATIN9 },
  $B: { half: 'G0', set: JIS_X_0208 },
  '$@': { half: 'G0', set: JIS_X_0208 },
  '$(D': { half: 'G0', set: JIS_X_0212 },
  '$)C': { half: 'G1', set: KS_X_1001 },
  '$(C': { half: 'G0', set: KS_X_1001 },
  '$)A': { half: 'G1', set: GB_2312 },
  $A: { half: 'G0', set: GB_2312 },
};

/** Encodings that stand alone, without code extensions, by their label for TextDecoder. */
export function standAloneDecoder(label: string): (bytes: Uint8Array) => string {
  return (bytes) => textDecoder(label).decode(bytes);
}
