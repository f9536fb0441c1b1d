import { describe, expect, it } from 'vitest';
import {
  formatPersonName,
  joinPersonName,
  nameTokens,
  normalizeForSearch,
  parsePersonName,
  queryTokens,
} from '../../storage/format/person-name.ts';

const finds = (typed: string, name: string) =>
  queryTokens(typed).every((word) => nameTokens(name).some((token) => token.startsWith(word)));

describe('parsePersonName', () => {
  it('names the three groups and leaves empty ones out', () => {
    expect(parsePersonName('Yamada^Tarou=山田^太郎=やまだ^たろう')).toEqual({
      Alphabetic: 'Yamada^Tarou',
      Ideographic: '山田^太郎',
      Phonetic: 'やまだ^たろう',
    });
    expect(parsePersonName('=山田^太郎')).toEqual({ Ideographic: '山田^太郎' });
    expect(parsePersonName('Smith^John ')).toEqual({ Alphabetic: 'Smith^John' });
    expect(parsePersonName('')).toEqual({});
  });
  it('joins back', () => {
    for (const text of ['A^B', '=山田^太郎', 'A==c', 'A=b=c', ''])
      expect(joinPersonName(parsePersonName(text))).toBe(text);
  });
  it('reads well', () => {
    expect(formatPersonName(parsePersonName('Jørgensen^Ada^Marie^Dr.^PhD'))).toBe('Jørgensen, Dr. Ada Marie, PhD');
    expect(formatPersonName(parsePersonName('Yamada^Tarou=山田^太郎'))).toBe('Yamada, Tarou (山田, 太郎)');
    expect(formatPersonName(parsePersonName('SAMPLE'))).toBe('SAMPLE');
    expect(formatPersonName({})).toBe('');
  });
});

describe('normalizeForSearch', () => {
  it.each([
    ['JØRGENSEN', 'jorgensen'],
    ['Müller', 'muller'],
    ['Groß', 'gross'],
    ['Łódź', 'lodz'],
    ['ΠΑΠΑΔΌΠΟΥΛΟΣ', 'παπαδοπουλοσ'],
    ['Παπαδόπουλος', 'παπαδοπουλοσ'],
    ['ИВАНО́В', 'иванов'],
    ['İstanbul', 'istanbul'],
    ['قَبَّانِي', 'قباني'],
    ['أحمد', 'احمد'],
    ['שָׁרוֹן', 'שרונ'],
    ['ﾔﾏﾀﾞ', 'やまだ'],
    ['ヤマダ', 'やまだ'],
    ['Ａｄａ', 'ada'],
    ['김희중', '김희중'],
    ['王^小東', '王^小東'],
    ['  a \t b ', 'a b'],
  ])('%s is searched as %s', (text, expected) => {
    expect(normalizeForSearch(text)).toBe(expected);
    expect(normalizeForSearch(expected)).toBe(expected);
  });
  it('keeps different names different', () => {
    expect(normalizeForSearch('がく')).not.toBe(normalizeForSearch('かく'));
    expect(normalizeForSearch('कि')).not.toBe(normalizeForSearch('का'));
  });
});

describe('finding a name', () => {
  it.each([
    ['ada jorg', 'Jørgensen^Ada'],
    ["o'brien", 'O’Brien^Pat'],
    ['obrien', "O'Brien^Pat"],
    ['brien', "O'Brien^Pat"],
    ['smith-jones', 'Smith-Jones^Jo'],
    ['jones smith', 'Smith-Jones^Jo'],
    ['smithjones', 'Smith-Jones^Jo'],
    ['山田太郎', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    ['太郎', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    ['ヤマダ', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    ['小東', 'Wang^XiaoDong=王小東'],
    ['희중', 'Hong^Gildong=김희중'],
    ['иван', 'Иванов^Пётр'],
    ['петр', 'Иванов^Пётр'],
    ['قباني', 'قباني^لنزار'],
  ])('%s finds %s', (typed, name) => {
    expect(finds(typed, name)).toBe(true);
  });
  it.each([
    ['山本', '山田^太郎'],
    ['иван', 'Петров^Пётр'],
    ['mith', 'Smith^Jo'],
  ])('%s does not find %s', (typed, name) => {
    expect(finds(typed, name)).toBe(false);
  });
});
