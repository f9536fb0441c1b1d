import { describe, expect, it } from 'vitest';
import { applyChanges } from '../../router/forward/apply-changes.ts';
import { toImplicitVR } from '../../router/forward/implicit-vr.ts';
import { parseRoutes } from '../../router/forward/routes.ts';
import { isWithin, routesOf } from '../../router/forward/rules.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { builder, ctDataSet } from '../support/build-data-set.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const DESTINATIONS = `
destinations:
  - {name: research, dimse: "RESEARCH@10.0.0.2:104"}
  - {name: cloud, stow: "https://cloud.example/dicom-web", tokenFile: token}
`;
const parse = (text: string) => parseRoutes(text, '/etc/lifeboat', ['PACS@10.0.0.1:104']);

function entry(attributes: DicomJson = {}, callingAE = 'CT1', receivedAt = '2026-11-25T10:00:00.000Z'): InstanceEntry {
  return {
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    receivedAt,
    source: { via: 'c-store', callingAE },
    attributes: { '00080060': { vr: 'CS', Value: ['CT'] }, ...attributes },
  } as unknown as InstanceEntry;
}

const read = (dataSet: Buffer, transferSyntaxUID = EXPLICIT) =>
  describeObjectSync(inMemory(dataSet), { transferSyntaxUID, dataSetOffset: 0 });
const nobody = async () => {
  throw new Error('nothing more than the manifest entry was to be read');
};
const to = async (text: string, one: InstanceEntry, all: (e: InstanceEntry) => Promise<DicomJson> = nobody) =>
  (await routesOf(one, parse(text), ['PACS@10.0.0.1:104'], all)).map(({ destination }) => destination);

describe('rules of forwarding', () => {
  it('without any, everything goes everywhere', async () => {
    expect(await to(DESTINATIONS, entry())).toEqual(['PACS@10.0.0.1:104', 'research', 'cloud']);
  });

  it.each([
    ['a calling AE', '{callingAE: [MR1, CT1]}', '{callingAE: MR1}'],
    ['a modality', '{modality: CT}', '{modality: [MR, US]}'],
    ['a SOP class', '{sopClass: 1.2.840.10008.5.1.4.1.1.2}', '{sopClass: 1.2.3}'],
    [
      'a value',
      '{attributes: [{tag: StudyDescription, equals: Trauma}]}',
      '{attributes: [{tag: StudyDescription, equals: Traum}]}',
    ],
    [
      'a pattern',
      '{attributes: [{tag: "(0008,1030)", matches: "^Tr.*a$"}]}',
      '{attributes: [{tag: "00081030", matches: "^x"}]}',
    ],
    [
      'a presence',
      '{attributes: [{tag: StudyDescription, exists: true}]}',
      '{attributes: [{tag: StudyDescription, exists: false}]}',
    ],
    [
      'a value in a sequence',
      '{attributes: [{tag: RequestAttributesSequence.ScheduledProcedureStepID, equals: S1}]}',
      '{attributes: [{tag: "00400275.00400009", equals: S2}]}',
    ],
  ])('%s decides', async (_, fits, not) => {
    const one = entry({
      '00081030': { vr: 'LO', Value: ['Trauma'] },
      '00400275': { vr: 'SQ', Value: [{ '00400009': { vr: 'SH', Value: ['S1'] } }] },
    });
    const rule = (when: string) => `${DESTINATIONS}rules:\n  - {when: ${when}, to: research}\n`;
    expect(await to(rule(fits), one)).toEqual(['PACS@10.0.0.1:104', 'research']);
    expect(await to(rule(not), one)).toEqual(['PACS@10.0.0.1:104']);
  });

  it('what the manifest does not have is read from the image', async () => {
    const text = `${DESTINATIONS}rules:\n  - {when: {attributes: [{tag: "00091001", matches: private}]}, to: cloud}\n`;
    const all = async () => ({ '00091001': { vr: 'LO', Value: ['private value'] } });
    expect(await to(text, entry(), all)).toContain('cloud');
  });

  it('several rules to one destination add their changes up, and the most urgent priority counts', async () => {
    const text = `${DESTINATIONS}
rules:
  - {name: a, to: research, priority: low, change: [{tag: PatientID, prefix: X-}]}
  - {name: b, to: [research, cloud], priority: stat, change: [{tag: PatientName, remove: true}]}
  - {name: c, when: {modality: MR}, to: research, change: [{tag: PatientSex, set: O}]}`;
    const routes = await routesOf(entry(), parse(text), [], nobody);
    expect(routes).toEqual([
      {
        destination: 'research',
        priority: 'stat',
        rules: ['a', 'b'],
        changes: [
          { tag: '00100020', prefix: 'X-' },
          { tag: '00100010', remove: true },
        ],
      },
      { destination: 'cloud', priority: 'stat', rules: ['b'], changes: [{ tag: '00100010', remove: true }] },
    ]);
  });

  it('a time over midnight is one span', () => {
    const night = { from: 22 * 60, to: 6 * 60 };
    const at = (hours: number, minutes = 0) => new Date(2026, 10, 25, hours, minutes);
    expect([at(22), at(3), at(5, 59)].every((time) => isWithin(time, night))).toBe(true);
    expect([at(6), at(12), at(21, 59)].some((time) => isWithin(time, night))).toBe(false);
  });

  it.each([
    ['destinations: [{name: a, dimse: "A@h"}]', /destinations\.0\.dimse.*AETITLE@host:port/],
    ['destinations: [{name: a, dimse: "A@h:1"}, {name: a, dimse: "B@h:1"}]', /destination a twice/],
    ['rules: [{to: nowhere}]', /to nowhere, which is no destination/],
    ['rules: [{to: PACS@10.0.0.1:104, when: {modalty: CT}}]', /rules\.0\.when.*modalty/],
    ['rules: [{to: PACS@10.0.0.1:104, change: [{tag: SOPInstanceUID, set: "1.2"}]}]', /rules\.0\.change\.0.*changed/],
    ['rules: [{to: PACS@10.0.0.1:104, change: [{tag: Rows, set: "1"}]}]', /rules\.0\.change\.0.*changed/],
    ['rules: [{to: PACS@10.0.0.1:104, change: [{tag: StudyInstanceUID, set: "1.2"}]}]', /all images would become one/],
    ['rules: [{to: PACS@10.0.0.1:104, when: {attributes: [{tag: NoSuchThing, exists: true}]}}]', /NoSuchThing/],
    ['rules: [{to: PACS@10.0.0.1:104, when: {attributes: [{tag: PatientID, matches: "("}]}}]', /regular expression/],
    ['rules: [', /not valid YAML/],
  ])('%s is refused with where and what', (text, sentence) => {
    expect(() => parse(text)).toThrow(sentence);
  });
});

describe('changes on the way out', () => {
  const set = ctDataSet({ extra: builder().element(0x00281055, 'LO', 'WINDOW') });

  it('set, remove, prefix and map change their attributes and nothing else', () => {
    const changed = applyChanges(set, true, [
      { tag: '00100010', set: 'Doe^Jane' },
      { tag: '00100020', prefix: 'HOSP-' },
      { tag: '00080050', set: 'A77' },
      { tag: '00080060', map: { CT: 'XX' } },
      { tag: '00104000', set: 'new, was not there' },
    ]);
    const [before, after] = [read(set).metadata, read(changed).metadata];
    const id = String(before['00100020']?.Value?.[0] ?? '');
    expect(after['00100010']?.Value).toEqual([{ Alphabetic: 'Doe^Jane' }]);
    expect(after['00080050']?.Value).toEqual(['A77']);
    expect(after['00104000']?.Value).toEqual(['new, was not there']);
    expect(after['00100020']?.Value?.[0] ?? '').toBe(id ? `HOSP-${id}` : '');
    const rest = (json: DicomJson) =>
      Object.entries(json).filter(
        ([tag]) => !['00100010', '00100020', '00080050', '00080060', '00104000', '7FE00010'].includes(tag),
      );
    expect(rest(after)).toEqual(rest(before));
    const pixels = (bytes: Buffer) => bytes.subarray(bytes.lastIndexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])));
    expect(pixels(changed).equals(pixels(set))).toBe(true);
    expect(read(applyChanges(set, true, [{ tag: '00100010', remove: true }])).metadata['00100010']).toBeUndefined();
  });

  it('the same in implicit VR, and a letter beyond the character set is refused instead of garbled', () => {
    const implicit = ctDataSet({ explicitVR: false });
    const changed = applyChanges(implicit, false, [{ tag: '00100010', set: 'Doe^Jane' }]);
    expect(read(changed, IMPLICIT).metadata['00100010']?.Value).toEqual([{ Alphabetic: 'Doe^Jane' }]);
    expect(() => applyChanges(set, true, [{ tag: '00100010', set: '山田' }])).toThrow(/character set/);
  });
});

describe("a patient's right name in an image that declares no character set", () => {
  const { element, marker } = builder();
  const inSequence = (name: string) =>
    Buffer.concat([
      element(0x00081140, 'SQ', Buffer.alloc(0), 0xffffffff),
      marker(0xfffee000, 0xffffffff),
      element(0x00081155, 'UI', '1.2.3'),
      element(0x00100010, 'PN', name),
      marker(0xfffee00d, 0),
      marker(0xfffee0dd, 0),
      element(0x00100010, 'PN', 'Unknown^Emergency'),
      element(0x00100020, 'LO', 'E-1'),
      element(0x00281055, 'LO', 'WINDOW'),
      element(0x7fe00010, 'OW', Buffer.alloc(32, 0xff)),
    ]);
  const correction = [
    { tag: '00100010', set: 'Şahin^Elif=山田^太郎' },
    { tag: '00100020', set: '4711' },
    { tag: '04000561', record: { at: '2026-03-02T20:00:00.000Z', system: 'LIFEBOAT' } },
  ];

  it('is written in UTF-8, which is declared; the rest stays, and what was there is said', () => {
    const plain = inSequence('Doe^Jane');
    const { metadata } = read(applyChanges(plain, true, correction));
    expect(metadata['00080005']?.Value).toEqual(['ISO_IR 192']);
    expect(metadata['00100010']?.Value).toEqual([{ Alphabetic: 'Şahin^Elif', Ideographic: '山田^太郎' }]);
    expect(metadata['00081140']).toEqual(read(plain).metadata['00081140']);
    expect(JSON.stringify(metadata['04000561'])).toContain('Unknown^Emergency');
    const implicit = read(applyChanges(toImplicitVR(plain), false, correction), IMPLICIT).metadata;
    expect(implicit['00100010']).toEqual(metadata['00100010']);
    const ascii = read(applyChanges(plain, true, [{ tag: '00100010', set: 'Roe^Jane' }, correction[2]!])).metadata;
    expect(ascii['00080005']).toBeUndefined();
  });

  it('is refused where text that is there would be garbled by it', () => {
    const latin = element(0x00080005, 'CS', 'ISO_IR 100');
    for (const set of [inSequence('M\xfcller'), Buffer.concat([latin, inSequence('Doe^Jane')])])
      expect(() => applyChanges(set, true, correction)).toThrow(/character set/);
  });
});

describe('explicit to implicit VR', () => {
  it('keeps every value, also in sequences of either length', () => {
    const { element, marker } = builder();
    const inner = element(0x00080100, 'SH', 'CODE');
    const nested = Buffer.concat([
      element(0x00081032, 'SQ', Buffer.concat([marker(0xfffee000, inner.length), inner])),
      element(0x00081140, 'SQ', Buffer.alloc(0), 0xffffffff),
      marker(0xfffee000, 0xffffffff),
      element(0x00081155, 'UI', '1.2.3'),
      marker(0xfffee00d, 0),
      marker(0xfffee0dd, 0),
    ]);
    const dataSet = Buffer.concat([
      element(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7'),
      nested,
      element(0x00100010, 'PN', 'A^B'),
    ]);
    expect(read(toImplicitVR(dataSet), IMPLICIT).metadata).toEqual(read(dataSet).metadata);
    expect(read(dataSet).metadata['00081140']?.Value).toHaveLength(1);
  });
});
