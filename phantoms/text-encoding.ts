/**
 * Unicode to the encodings of PS3.5 6.1.2, so that phantoms carry names as real senders encode them. The tables come from
 * the decoders of the platform, turned round.
 */

const tables = new Map<string, Map<string, number[]>>();

function reversed(label: string, codes: Iterable<number[]>): Map<string, number[]> {
  let table = tables.get(label);
  if (!table) {
    const decoder = new TextDecoder(label);
    table = new Map();
    for (const code of codes) {
      const char = decoder.decode(new Uint8Array(code));
      if (!char.includes('\ufffd') && !table.has(char)) table.set(char, code);
    }
    tables.set(label, table);
  }
  return table;
}

function* highBytes(): Iterable<number[]> {
  for (let byte = 0xa0; byte <= 0xff; byte++) yield [byte];
}
function* bytePairs(firstFrom: number, secondFrom: number): Iterable<number[]> {
  for (let first = firstFrom; first <= 0xfe; first++) {
    for (let second = secondFrom; second <= 0xfe; second++) if (second !== 0x7f) yield [first, second];
  }
}

function fromTable(table: Map<string, number[]>, text: string): number[] {
  return [...text].flatMap((char) => {
    const code = char < '\u0080' ? [char.charCodeAt(0)] : table.get(char);
    if (!code) throw new RangeError(`no code for ${char} in this character set`);
    return code;
  });
}

/** ISO 2022 with JIS X 0208 (IR 87): escape in front of each run, back to ASCII before delimiters and at the end. */
function iso2022Jp(text: string): number[] {
  const table = reversed('euc-jp', bytePairs(0xa1, 0xa1));
  const out: number[] = [];
  let kanji = false;
  const designate = (wanted: boolean) => {
    if (wanted !== kanji) out.push(0x1b, wanted ? 0x24 : 0x28, 0x42);
    kanji = wanted;
  };
  for (const char of text) {
    designate(char >= '\u0080');
    out.push(...(kanji ? fromTable(table, char).map((byte) => byte & 0x7f) : [char.charCodeAt(0)]));
  }
  designate(false);
  return out;
}

/** ISO 2022 with KS X 1001 (IR 149): designated to the upper half again after each delimiter of a name. */
function iso2022Kr(text: string): number[] {
  const table = reversed('euc-kr', bytePairs(0xa1, 0xa1));
  return text.split(/(?<=[\^=\\])/).flatMap((part) => {
    const codes = fromTable(table, part);
    return codes.some((code) => code >= 0x80) ? [0x1b, 0x24, 0x29, 0x43, ...codes] : codes;
  });
}

const singleByte: Record<string, string> = {
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
};

/**
 * Bytes of `text` in a Specific Character Set.
 * @throws RangeError when the set has no code for a character
 */
export function encodeText(text: string, specificCharacterSet: string): Uint8Array {
  if (/^[\x20-\x7e\r\n\t\f]*$/.test(text)) return Uint8Array.from(text, (char) => char.charCodeAt(0));
  switch (specificCharacterSet) {
    case 'ISO_IR 192':
      return new TextEncoder().encode(text);
    case 'GB18030':
    case 'GBK':
      return new Uint8Array(fromTable(reversed('gb18030', bytePairs(0x81, 0x40)), text));
    case '\\ISO 2022 IR 87':
      return new Uint8Array(iso2022Jp(text));
    case '\\ISO 2022 IR 149':
      return new Uint8Array(iso2022Kr(text));
    case 'ISO_IR 100':
      return Uint8Array.from(text, (char) => {
        if (char > '\u00ff') throw new RangeError(`no code for ${char} in ISO_IR 100`);
        return char.charCodeAt(0);
      });
  }
  const label = singleByte[specificCharacterSet];
  if (!label) throw new RangeError(`no encoder for ${specificCharacterSet}`);
  return new Uint8Array(fromTable(reversed(label, highBytes()), text));
}
