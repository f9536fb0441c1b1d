import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMIT, MAX_LIMIT, parseQuery } from '../../router/dicomweb/query-parameters.ts';

const parse = (query: string, level: 'study' | 'series' | 'instance' = 'study', fixed = {}) =>
  parseQuery(level, new URLSearchParams(query), fixed);

describe('query parameters of a search', () => {
  it('takes keys as keyword or tag, decoded', () => {
    const { query } = parse('PatientName=M%C3%BCller*&00100020=ID%201&StudyDate=20200101-20201231');
    expect(query.keys).toEqual([
      { tag: '00100010', value: 'Müller*' },
      { tag: '00100020', value: 'ID 1' },
      { tag: '00080020', value: '20200101-20201231' },
    ]);
    expect(query).toMatchObject({ limit: DEFAULT_LIMIT, offset: 0, fuzzy: false });
  });

  it('takes includefield repeated, in a list, and all', () => {
    const { include } = parse('includefield=00081030,PatientBirthDate&includefield=0020000D');
    expect([...(include as Set<string>)].sort()).toEqual(['00081030', '00100030', '0020000D']);
    expect(parse('includefield=all').include).toBe('all');
  });

  it('adds the UIDs of the address, and refuses keys that contradict them', () => {
    expect(parse('Modality=CT', 'series', { study: '1.2' }).query.keys).toContainEqual({
      tag: '0020000D',
      value: '1.2',
    });
    expect(() => parse('StudyInstanceUID=1.3', 'series', { study: '1.2' })).toThrow(/contradicts/);
  });

  it('returns keys without a value, and does not match by them', () => {
    const { query, include } = parse('StudyDescription=&AccessionNumber=*');
    expect(query.keys).toEqual([]);
    expect(include).toContain('00081030');
  });

  it('takes lists of UIDs in both notations', () => {
    expect(parse('StudyInstanceUID=1.2,1.3').query.keys[0]!.value).toBe('1.2,1.3');
    expect(parse('StudyInstanceUID=1.2&StudyInstanceUID=1.3').query.keys[0]!.value).toBe('1.2\\1.3');
  });

  it('warns of what it does not know and caps the limit', () => {
    expect(parse('Nonsense=1&includefield=AlsoNonsense').warnings).toHaveLength(2);
    expect(parse('limit=999999').query.limit).toBe(MAX_LIMIT);
  });

  it.each([
    'limit=1.5',
    'limit=1&limit=2',
    'offset=-3',
    'StudyDate=2020-01-01x',
    'StudyTime=noon',
    'StudyInstanceUID=1.2%27',
    'SeriesNumber=two',
    'fuzzymatching=yes',
  ])('refuses %s', (query) => {
    expect(() => parse(query, 'series')).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });
});
