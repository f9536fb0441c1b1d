import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { readLifeboatStudy, segmentPrefix } from '../../storage/format/lifeboat-study.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { manifestPrefix } from '../../storage/keys.ts';

const study = '1.2.3';
const entry = (n: number): InstanceEntry => ({
  studyInstanceUID: study,
  seriesInstanceUID: '1.2.3.1',
  sopInstanceUID: `1.2.3.1.${n}`,
  sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
  transferSyntaxUID: '1.2.840.10008.1.2.1',
  key: `objects/aa/${n}.dcm`,
  size: 10,
  sha256: createHash('sha256').update(String(n)).digest('hex'),
  dataSetOffset: 0,
  dataSetSha256: createHash('sha256').update(`d${n}`).digest('hex'),
  receivedAt: '2026-01-02T03:04:05.678Z',
  source: { via: 'c-store' },
  attributes: {},
});

function segment(entries: InstanceEntry[], replaces?: string[]): Buffer {
  const header = {
    lifeboat: 'manifest',
    formatVersion: 1,
    studyInstanceUID: study,
    createdAt: '',
    count: entries.length,
  };
  const lines = [{ ...header, ...(replaces && { replaces }) }, ...entries].map((line) => JSON.stringify(line));
  return gzipSync(`${lines.join('\n')}\n`);
}

/** A store of some segments; a key with an error throws it. */
async function storeOf(files: Record<string, Buffer | LifeboatError>, options: { lists?: boolean } = {}) {
  const prefix = segmentPrefix(study);
  const asked: string[] = [];
  const source = {
    get: async (key: string) => {
      asked.push(key.slice(prefix.length));
      const found = files[key.slice(prefix.length)];
      if (!found) throw new LifeboatError('OBJECT_NOT_FOUND');
      if (found instanceof LifeboatError) throw found;
      return found;
    },
    ...(options.lists !== false && {
      list: async (asked: string) => (asked === prefix ? Object.keys(files).map((name) => prefix + name) : []),
    }),
  };
  return { source, prefix, asked };
}

const numbers = (entries: InstanceEntry[]) =>
  entries.map(({ sopInstanceUID }) => Number(sopInstanceUID.slice(8))).sort();

describe('a study read from the store alone', () => {
  it('looks where the router writes, also for UIDs that are none', async () => {
    for (const uid of [study, 'x', '1..2', '../etc', 'ü'.repeat(40), '1.2.'.repeat(30)])
      expect(segmentPrefix(uid)).toBe(manifestPrefix(uid));
  });

  it('is the union of its segments; those that another one replaces need not be read', async () => {
    const { prefix } = await storeOf({});
    const { source, asked } = await storeOf({
      '01A.ndjson.gz': segment([entry(1)]),
      '01B.ndjson.gz': segment([entry(2), entry(3)]),
      '09C.ndjson.gz': segment([entry(1), entry(4)], [`${prefix}01A.ndjson.gz`]),
    });
    const read = await readLifeboatStudy(source, study);
    expect(read.problems).toEqual([]);
    expect([...new Set(numbers(read.entries))]).toEqual([1, 2, 3, 4]);
    expect(asked[0]).toBe('09C.ndjson.gz');
  });

  it('goes by what the index knows where the store cannot list, and adds what is newer where it can', async () => {
    const files = { '01A.ndjson.gz': segment([entry(1)]), '01B.ndjson.gz': segment([entry(2)]) };
    const folder = await storeOf(files, { lists: false });
    const known = [`${folder.prefix}01A.ndjson.gz`];
    expect(numbers((await readLifeboatStudy(folder.source, study, known)).entries)).toEqual([1]);
    const bucket = await storeOf(files);
    expect(numbers((await readLifeboatStudy(bucket.source, study, known)).entries)).toEqual([1, 2]);
  });

  it('takes a segment that the web server unpacked on the way', async () => {
    const { source } = await storeOf({ '01A.ndjson.gz': gunzipSync(segment([entry(1)])) });
    expect(numbers((await readLifeboatStudy(source, study)).entries)).toEqual([1]);
  });

  it.each([
    ['cut off', segment([entry(2), entry(3)]).subarray(0, 60)],
    [
      'short of lines',
      gzipSync(
        gunzipSync(segment([entry(2), entry(3)]))
          .toString()
          .split('\n')
          .slice(0, 2)
          .join('\n')
          .concat('\n'),
      ),
    ],
    ['not answered for', new LifeboatError('STORE_UNAVAILABLE')],
    ['of a newer version', gzipSync('{"lifeboat":"manifest","formatVersion":2,"count":0}\n')],
  ])('says so when a segment is %s, and shows the rest', async (_, bad) => {
    const { source } = await storeOf({ '01A.ndjson.gz': segment([entry(1)]), '01B.ndjson.gz': bad });
    const read = await readLifeboatStudy(source, study);
    expect(numbers(read.entries)).toEqual([1]);
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toMatch(/images may be missing/);
  });

  it('does not complain of a segment that was compacted while it read', async () => {
    const { prefix } = await storeOf({});
    const { source } = await storeOf({ '09C.ndjson.gz': segment([entry(1)], [`${prefix}01A.ndjson.gz`]) });
    const read = await readLifeboatStudy(source, study, [`${prefix}01A.ndjson.gz`]);
    expect(read).toMatchObject({ problems: [] });
    expect(numbers(read.entries)).toEqual([1]);
  });

  it('says so when a copy lacks a segment that its index names', async () => {
    const { source, prefix } = await storeOf({ '01A.ndjson.gz': segment([entry(1)]) }, { lists: false });
    const read = await readLifeboatStudy(
      source,
      study,
      ['01A', '01B'].map((id) => `${prefix}${id}.ndjson.gz`),
    );
    expect(read.problems).toHaveLength(1);
  });
});
