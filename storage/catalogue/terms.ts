import { nameTokens, normalizeForSearch, queryTokens } from '../format/person-name.ts';
import type { StudyTable } from './tables.ts';
import { unlist } from './values.ts';

/** One thing a study is found by. Words match as prefixes, the others exactly. */
export type Term =
  | { kind: 'word'; value: string }
  | { kind: 'modality'; value: string }
  | { kind: 'ae'; value: string }
  | { kind: 'conflict' };

/** Longer words are cut, in catalogue and query alike; in characters. */
export const MAX_WORD = 64;

/** ` token token` of a PN value. */
export function nameWords(name: string): string {
  return joinWords(nameTokens(name));
}

/** ` token token` of identifiers and description: whole identifiers, their parts, their parts without leading zeros. */
export function otherWords(identifiers: string[], description: string): string {
  const words = new Set<string>();
  for (const identifier of identifiers) {
    const normalized = normalizeForSearch(identifier);
    words.add(normalized.replaceAll(' ', ''));
    for (const part of queryTokens(identifier)) {
      words.add(part);
      words.add(part.replace(/^0+(?=.)/, ''));
    }
  }
  for (const word of queryTokens(description)) words.add(word);
  return joinWords(words);
}

function joinWords(words: Iterable<string>): string {
  return [...new Set(words)]
    .filter(Boolean)
    .map((word) => ` ${[...word.toWellFormed().replaceAll('\0', '')].slice(0, MAX_WORD).join('')}`)
    .sort()
    .join('');
}

/** What somebody typed as words, each to be found as a prefix. Identifiers with punctuation stay whole. */
export function searchWords(search: string): string[] {
  const words = new Set<string>();
  for (const piece of normalizeForSearch(search.toWellFormed().replaceAll('\0', '').slice(0, 512)).split(
    /[\s^=,*?]+/,
  )) {
    if (!piece) continue;
    if (/\d/.test(piece)) words.add(piece);
    else for (const token of queryTokens(piece)) words.add(token);
  }
  return [...words].slice(0, 12).map((word) => [...word].slice(0, MAX_WORD).join(''));
}

/** All terms of a study, encoded, for its posting lists. */
export function studyTerms(
  study: Pick<StudyTable, 'name_words' | 'other_words' | 'modalities' | 'calling_aes' | 'conflicts'>,
): string[] {
  const words = `${study.name_words}${study.other_words}`.split(' ').filter(Boolean);
  const terms = new Set(words.map((value) => encodeTerm({ kind: 'word', value })));
  for (const value of unlist(study.modalities)) terms.add(encodeTerm({ kind: 'modality', value }));
  for (const value of unlist(study.calling_aes)) terms.add(encodeTerm({ kind: 'ae', value }));
  if (study.conflicts > 0) terms.add(encodeTerm({ kind: 'conflict' }));
  return [...terms].sort();
}

/**
 * A term as one token of letters: a letter for its kind, then the value in which every ASCII character but a-z and 0-9
 * is moved to the private use area, so that no tokenizer and no query language sees a special character.
 */
export function encodeTerm(term: Term): string {
  if (term.kind === 'conflict') return 'c';
  const prefix = { word: 'w', modality: 'm', ae: 'a' }[term.kind];
  const value = term.value
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are encoded like all other ASCII
    .replace(/[\x00-\x2f\x3a-\x60\x7b-\x7f]/g, (c) => String.fromCharCode(0xe000 + c.charCodeAt(0)));
  return prefix + value;
}
