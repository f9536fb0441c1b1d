/**
 * Person names (PS3.5 6.2.1): up to three component groups divided by `=` (alphabetic, ideographic, phonetic), each with
 * up to five components divided by `^` (family, given, middle, prefix, suffix). All text here is already Unicode.
 * Runs in the browser too.
 */

/** Value of VR PN in the DICOM JSON Model (PS3.18 F.2.2). Absent groups are left out. */
export interface PersonName {
  Alphabetic?: string;
  Ideographic?: string;
  Phonetic?: string;
}

/** Splits one PN value into its groups; empty groups, trailing empty components and padding are left out. */
export function parsePersonName(text: string): PersonName {
  const [alphabetic, ideographic, phonetic] = text.split('=', 3).map((group) => group.replace(/^[ \0]+|[ \0^]+$/g, ''));
  const name: PersonName = {};
  if (alphabetic) name.Alphabetic = alphabetic;
  if (ideographic) name.Ideographic = ideographic;
  if (phonetic) name.Phonetic = phonetic;
  return name;
}

/** The groups of a name as one PN value, trailing empty groups left out. */
export function joinPersonName(name: PersonName): string {
  return [name.Alphabetic ?? '', name.Ideographic ?? '', name.Phonetic ?? ''].join('=').replace(/=+$/, '');
}

/** Non-empty groups in their order: alphabetic, ideographic, phonetic. */
export function personNameGroups(name: PersonName): string[] {
  return [name.Alphabetic, name.Ideographic, name.Phonetic].filter((group): group is string => Boolean(group));
}

/** One group for people to read: `Family, Given Middle` with prefix in front of the given name and suffix behind. */
export function formatNameGroup(group: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group.split('^').map((part) => part.trim());
  const first = [prefix, given, middle].filter(Boolean).join(' ');
  return [family, first, suffix].filter(Boolean).join(', ');
}

/** A name for people to read: the first non-empty group, the others in brackets. */
export function formatPersonName(name: PersonName): string {
  const [first, ...others] = personNameGroups(name).map(formatNameGroup).filter(Boolean);
  if (first === undefined) return '';
  return others.length > 0 ? `${first} (${others.join(', ')})` : first;
}

/** Letters that Unicode does not decompose, as people without that key on their keyboard type them. */
const FOLDED_LETTERS: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  ŋ: 'n',
  þ: 'th',
  ŧ: 't',
  ς: 'σ',
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
  ة: 'ه',
  ך: 'כ',
  ם: 'מ',
  ן: 'נ',
  ף: 'פ',
  ץ: 'צ',
};
const foldedLetters = new RegExp(`[${Object.keys(FOLDED_LETTERS).join('')}]`, 'g');

/**
 * Marks that may be left out when typing: combining diacritics, Hebrew points, Arabic vowel signs and tatweel. Vowel signs
 * of Indic scripts and the voicing marks of kana are letters in their own right and stay.
 */
const optionalMarkRanges = [
  '\\u0300-\\u036f',
  '\\u0483-\\u0487',
  '\\u0591-\\u05bd',
  '\\u05bf',
  '\\u05c1\\u05c2',
  '\\u05c4\\u05c5',
  '\\u05c7',
  '\\u0610-\\u061a',
  '\\u0640',
  '\\u064b-\\u065f',
  '\\u0670',
  '\\u06d6-\\u06dc',
  '\\u06df-\\u06e4',
  '\\u06e7\\u06e8',
  '\\u06ea-\\u06ed',
  '\\u1ab0-\\u1aff',
  '\\u1dc0-\\u1dff',
  '\\u20d0-\\u20ff',
  '\\ufe20-\\ufe2f',
];
const optionalMarks = new RegExp(`[${optionalMarkRanges.join('')}]`, 'g');

/**
 * The form in which text is compared in searches: compatibility forms unified (half and full width), case folded, diacritics
 * dropped, katakana as hiragana; every script keeps its own letters. White space is unified and trimmed; punctuation
 * stays. Applying it twice changes nothing.
 */
export function normalizeForSearch(text: string): string {
  // ASCII, most of what is searched, needs none of the Unicode work.
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase().replace(/ +/g, ' ').trim();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replace(optionalMarks, '')
    .normalize('NFC')
    .replace(foldedLetters, (letter) => FOLDED_LETTERS[letter] ?? letter)
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60))
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

const apostrophes = /['\u02b9-\u02bf\u2018\u2019\u201b`\u00b4\u05f3]/g;
const notInWords = /[^\p{L}\p{N}\p{M}]+/u;

function words(text: string): string[] {
  return text.split(notInWords).filter(Boolean);
}

/**
 * The words of what somebody typed, normalised: each must be a prefix of some token of `nameTokens`.
 * `O'Brien` is one word, `Smith-Jones` two.
 */
export function queryTokens(text: string): string[] {
  return [...new Set(words(normalizeForSearch(text).replace(apostrophes, '')))];
}

/**
 * Everything under which a name is found, normalised, without duplicates: each word of each component of each group;
 * for hyphens and apostrophes both the parts and the joined form; for scripts written without spaces (Han, kana,
 * Hangul) also family and given name joined, and a name's endings, because `王小東` in one component is looked for
 * as `小東` too.
 * @param personName a PN value with all its groups, Unicode
 */
export function nameTokens(personName: string): string[] {
  const tokens = new Set<string>();
  for (const group of personName.split('=')) {
    const normalized = normalizeForSearch(group);
    for (const word of words(normalized)) tokens.add(word);
    for (const part of normalized.split(/[\s^,]+/)) {
      const joined = words(part).join('');
      if (joined) tokens.add(joined);
      for (const word of words(part.replace(apostrophes, ''))) tokens.add(word);
    }
    const unspaced = normalized.split('^').slice(0, 2).join('').replace(/\s/g, '');
    if (/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}ー々]+$/u.test(unspaced)) {
      const letters = [...unspaced];
      if (letters.length <= 12) for (let i = 0; i < letters.length; i++) tokens.add(letters.slice(i).join(''));
    }
  }
  return [...tokens];
}
