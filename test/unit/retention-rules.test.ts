import { expect, test } from 'vitest';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { IN_SO_MANY_WORDS, judgeStudy, parseRules } from '../../storage/policy/rules.ts';

const NOW = Date.UTC(2026, 0, 1);
const entry = (n: number, modality = 'CT', receivedAt = '2010-01-01T00:00:00.000Z', studyDate = '20091231') =>
  ({
    sopInstanceUID: `1.2.${n}`,
    dataSetSha256: 'a'.repeat(64),
    receivedAt,
    attributes: { '00080060': { vr: 'CS', Value: [modality] }, '00080020': { vr: 'DA', Value: [studyDate] } },
  }) as unknown as InstanceEntry;
const proven = (...entries: InstanceEntry[]) => new Set(entries.map((e) => `${e.sopInstanceUID} ${e.dataSetSha256}`));
const rule = { name: 'old CT', olderThanDays: 3650, modalities: ['CT'] };

test('nothing goes that the PACS has not confirmed, image by image', () => {
  const [one, two] = [entry(1), entry(2)];
  expect(judgeStudy([rule], [one, two], proven(one, two), NOW)).toMatchObject({ goes: true });
  expect(judgeStudy([rule], [one, two], proven(one), NOW)).toMatchObject({
    goes: false,
    because: 'the PACS has not confirmed 1 of 2 images',
  });
  expect(judgeStudy([rule], [one, two], new Set(), NOW)).toMatchObject({ goes: false });
  // another content under the same UID is another image
  const other = { ...two, dataSetSha256: 'b'.repeat(64) };
  expect(judgeStudy([rule], [one, two, other], proven(one, two), NOW)).toMatchObject({ goes: false });
});

test('unless the rule says so in as many words', () => {
  const careless = { ...rule, removeWithoutProof: IN_SO_MANY_WORDS } as const;
  expect(judgeStudy([careless], [entry(1)], new Set(), NOW)).toMatchObject({
    goes: true,
    because: 'the rule removes also what the PACS has not confirmed (1 of 1 images)',
  });
  const yaml = (words: string) => `rules:\n  - name: all\n    olderThanDays: 1\n    removeWithoutProof: ${words}\n`;
  expect(parseRules(yaml(IN_SO_MANY_WORDS), 'r.yaml')).toHaveLength(1);
  for (const words of ['true', 'yes', '"Yes, even if this is the only copy in the world"'])
    expect(() => parseRules(yaml(words), 'r.yaml')).toThrow(
      /must say "yes, even if this is the only copy in the world"/,
    );
});

test.each([
  ['another modality in one series', [entry(1), entry(2, 'SR')]],
  ['an image that came lately', [entry(1), entry(2, 'CT', '2025-06-01T00:00:00.000Z')]],
  ['a study that was made lately', [entry(1, 'CT', '2010-01-01T00:00:00.000Z', '20250101')]],
  ['a study of nothing', []],
] as const)('a rule is not about %s', (_, entries) => {
  expect(judgeStudy([rule], entries, proven(...entries), NOW)).toEqual({ goes: false });
});

test.each([
  ['rules:\n  - name: x\n', 'olderThanDays'],
  ['rules:\n  - name: x\n    olderThanDays: 0\n', 'olderThanDays'],
  ['rules:\n  - name: x\n    olderThanDays: 5\n    modality: CT\n', 'modality'],
  ['rule: []\n', 'r.yaml'],
  ['rules: [', 'not valid YAML'],
])('rules that cannot be meant stop everything: %j', (text, words) => {
  expect(() => parseRules(text, 'r.yaml')).toThrow(words);
});
