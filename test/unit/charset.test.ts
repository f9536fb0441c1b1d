import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { characterSet, type TextKind } from '../../storage/format/charset.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { realFiles } from '../support/files.ts';

/** `\x1b$B` and the like as written in the standard's annexes. */
const bytes = (latin1: string) => Uint8Array.from(latin1, (char) => char.charCodeAt(0));
const read = (charset: string, text: string | Uint8Array, kind: TextKind = 'names') =>
  characterSet(charset === '' ? [] : charset.split('\\')).decode(typeof text === 'string' ? bytes(text) : text, kind);

describe("the standard's examples", () => {
  it.each([
    [
      'PS3.5 H.3.1',
      '\\ISO 2022 IR 87',
      'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      'PS3.5 H.3.2',
      'ISO 2022 IR 13\\ISO 2022 IR 87',
      '\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J',
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    ],
    [
      'PS3.5 I.2',
      '\\ISO 2022 IR 149',
      'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    ['PS3.5 J.1', 'ISO_IR 192', 'Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=', 'Wang^XiaoDong=王^小東='],
    ['PS3.5 J.3', 'GB18030', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=', 'Wang^XiaoDong=王^小东='],
    [
      'PS3.5 K.2',
      '\\ISO 2022 IR 58',
      'Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=',
      'Zhang^XiaoDong=张^小东=',
    ],
  ])('%s', (_, charset, encoded, expected) => {
    expect(read(charset, encoded)).toEqual([expected]);
  });

  it('PS3.5 I.3: Korean text over lines needs its escape on each', () => {
    const text =
      '\x1b$)CThe first line includes \xb1\xe6\xb5\xbf.\r\n\x1b$)CThe second line includes \xb1\xe6\xb5\xbf, too.\r\n';
    expect(read('\\ISO 2022 IR 149', text, 'text')).toEqual([
      'The first line includes 길동.\r\nThe second line includes 길동, too.\r\n',
    ]);
  });
});

describe('single-byte repertoires', () => {
  it.each([
    ['ISO_IR 100', 'J\xf8rgensen^\xc6gir', 'Jørgensen^Ægir'],
    ['ISO_IR 101', 'Dvo\xf8\xe1k', 'Dvořák'],
    ['ISO_IR 109', '\xa1a\xbd', 'Ħa½'],
    ['ISO_IR 110', '\xb9\xb6', 'šļ'],
    ['ISO_IR 144', '\xb8\xd2\xd0\xdd\xde\xd2', 'Иванов'],
    ['ISO_IR 127', '\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1', 'قباني^لنزار'],
    ['ISO_IR 126', '\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2', 'Διονυσιος'],
    ['ISO_IR 138', '\xf9\xf8\xe5\xef', 'שרון'],
    ['ISO_IR 148', '\xddstanbul \xfeafak', 'İstanbul şafak'],
    ['ISO_IR 203', '\xa4 \xbd', '€ œ'],
    ['ISO_IR 166', '\xca\xc1\xaa\xd2\xc2', 'สมชาย'],
    ['ISO_IR 13', '\xd4\xcf\xc0\xde^\xc0\xdb\xb3', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
  ])('%s', (charset, encoded, expected) => {
    expect(read(charset, encoded)).toEqual([expected]);
    expect(characterSet([charset]).notes.size).toBe(0);
  });
});

describe('code extensions', () => {
  it('fall back to the first set at every delimiter, whichever was used before', () => {
    const cyrillicThenLatin = 'A\x1b-L\xb8\xd2^\xe9\\\xe9';
    expect(read('ISO 2022 IR 100\\ISO 2022 IR 144', cyrillicThenLatin)).toEqual(['AИв^é', 'é']);
    expect(read('ISO 2022 IR 100\\ISO 2022 IR 144', 'A\x1b-L\xb8^\xd2', 'values')).toEqual(['AИ^в']);
    expect(read('ISO 2022 IR 100\\ISO 2022 IR 144', '\x1b-L\xb8\n\xe9', 'text')).toEqual(['И\né']);
  });
  it('keep all sets of several apart', () => {
    expect(
      read(
        'ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126',
        '\x1b-A\xe9\\\x1b-L\xb8\\\x1b-F\xc4',
        'values',
      ),
    ).toEqual(['é', 'И', 'Δ']);
  });
  it('read JIS X 0212 and JIS X 0208 in one value', () => {
    expect(read('\\ISO 2022 IR 87\\ISO 2022 IR 159', '\x1b$B;3\x1b$(D0!\x1b(B')).toEqual(['山丂']);
  });
  it('do not divide inside a two-byte character', () => {
    // 0x5C and 0x5E are bytes of the two characters.
    const [kanji, last] = read('\\ISO 2022 IR 87', '\x1b$B<\\;^\x1b(B\\B', 'values');
    expect(kanji).toMatch(/^\p{Script=Han}{2}$/u);
    expect(last).toBe('B');
  });
  it('survive escapes that are cut or unknown', () => {
    for (const text of ['\x1b', 'A\x1b$', '\x1b$)', '\x1b%G\xc3\xa9', '\x1b(', '\x1b$B;']) {
      expect(() => read('\\ISO 2022 IR 87', text)).not.toThrow();
    }
  });
});

describe('multi-byte sets with 0x5C inside characters', () => {
  it.each([
    ['GBK', [0xd5, 0x5c, 0x5c, 0x41], '誠'],
    ['GB18030', [0x81, 0x5c, 0x5c, 0x41], '乗'],
    ['SHIFT_JIS', [0x83, 0x5c, 0x5c, 0x41], 'ソ'],
  ])('%s values are divided only at the real backslash', (charset, encoded, first) => {
    expect(characterSet([charset]).decode(new Uint8Array(encoded), 'values')).toEqual([first, 'A']);
  });
});

describe('what is declared wrongly', () => {
  it.each(['ISO-IR 100', 'ISO_IR100', 'iso ir 100', 'ISO 8859-1', 'ISO8859-1', 'latin1'])('%s is Latin-1', (term) => {
    expect(read(term, 'J\xf8rgensen')).toEqual(['Jørgensen']);
    expect(characterSet([term]).notes.size).toBe(0);
  });
  it.each(['UTF-8', 'UTF8', 'ISO IR 192', 'ISO-IR-192', 'ISO 10646'])('%s is UTF-8', (term) => {
    expect(read(term, new TextEncoder().encode('山田^太郎'))).toEqual(['山田^太郎']);
  });
  it('reads UTF-8 declared as Latin-1 or not declared, and says so', () => {
    for (const charset of ['ISO_IR 100', '']) {
      const set = characterSet(charset ? [charset] : []);
      expect(set.decode(new TextEncoder().encode('Jørgensen^Åse'), 'names')).toEqual(['Jørgensen^Åse']);
      expect([...set.notes].join()).toContain('UTF-8');
    }
  });
  it('reads GBK declared as Latin-1, and leaves real Latin-1 alone', () => {
    expect(read('ISO_IR 100', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab')).toEqual(['Wang^XiaoDong=王^小东']);
    for (const name of ['J\xf8rgensen^\xc5se', 'M\xfcller^J\xf6rg', '\xc5\xf8^\xc9lo\xefse', '\xd6\xdf']) {
      expect(read('ISO_IR 100', name)).toEqual([name]);
    }
  });
  it('keeps an unknown set readable and says so', () => {
    const set = characterSet(['KLINGON']);
    expect(set.decode(bytes('Smith'), 'names')).toEqual(['Smith']);
    expect([...set.notes].join()).toContain('KLINGON');
  });
  it('reads Latin-1 declared as UTF-8', () => {
    expect(read('ISO_IR 192', 'J\xf8rgensen')).toEqual(['Jørgensen']);
  });
});

/** Names in the files, as their makers publish them. */
const expected: Record<string, string> = {
  'chrArab.dcm': 'قباني^لنزار',
  'chrFren.dcm': 'Buc^Jérôme',
  'chrFrenMulti.dcm': 'Buc^Jérôme',
  'chrGerm.dcm': 'Äneas^Rüdiger',
  'chrGreek.dcm': 'Διονυσιος',
  'chrH31.dcm': 'Yamada^Tarou=山田^太郎=やまだ^たろう',
  'chrH32.dcm': 'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
  'chrHbrw.dcm': 'שרון^דבורה',
  'chrI2.dcm': 'Hong^Gildong=洪^吉洞=홍^길동',
  'chrJapMulti.dcm': 'やまだ^たろう',
  'chrJapMultiExplicitIR6.dcm': 'やまだ^たろう',
  'chrKoreanMulti.dcm': '김희중',
  'chrRuss.dcm': 'Люкceмбypг',
  'chrX1.dcm': 'Wang^XiaoDong=王^小東',
  'chrX2.dcm': 'Wang^XiaoDong=王^小东',
};

describe('real files', () => {
  const files = realFiles().filter((file) => basename(file.name) in expected && /charset/.test(file.name));
  it.skipIf(files.length === 0)('name their patients right', () => {
    for (const file of files) {
      const content = new Uint8Array(readFileSync(file.path));
      const { attributes, metadata } = describeObjectSync(inMemory(content), readFileMeta(content)!);
      const name = attributes['00100010']!.Value![0] as Record<string, string>;
      expect(Object.values(name).join('='), file.name).toBe(expected[basename(file.name)]);
      if (file.name.includes('Multi')) {
        expect(metadata['00101001']!.Value, file.name).toEqual([name, name]);
      }
    }
  });
  const sequence = realFiles().find((file) => basename(file.name) === 'chrSQEncoding.dcm');
  it.skipIf(!sequence)("decodes a sequence item with the item's own character set", () => {
    const content = new Uint8Array(readFileSync(sequence!.path));
    const { metadata } = describeObjectSync(inMemory(content), readFileMeta(content)!);
    const [item] = metadata['00321064']!.Value as DicomJson[];
    expect(item!['00100010']!.Value).toEqual([
      { Alphabetic: 'ﾔﾏﾀﾞ^ﾀﾛｳ', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
    ]);
  });
});
