import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { buildStudyManifest, instanceAttributes } from '../../storage/format/study-manifest.ts';

function entry(over: Partial<InstanceEntry> & { sopInstanceUID: string }): InstanceEntry {
  return {
    studyInstanceUID: '1.2',
    seriesInstanceUID: '1.2.1',
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    key: `objects/${over.sopInstanceUID}-${over.dataSetSha256 ?? 'a'}`,
    size: 1000,
    sha256: 'b',
    dataSetOffset: 300,
    dataSetSha256: 'a',
    receivedAt: '2026-01-01T00:00:00.000Z',
    source: { via: 'c-store', callingAE: 'CT1' },
    attributes: {},
    ...over,
  };
}

const attributes = fc.dictionary(
  fc.constantFrom('00080060', '00100010', '00200013', '00280010', '00081030', '0020000E', '00281050'),
  fc.record({
    vr: fc.constantFrom('CS', 'IS', 'DS'),
    Value: fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 3 }),
  }),
);
const arbitraryEntries = fc.array(
  fc
    .record({
      series: fc.integer({ min: 1, max: 3 }),
      sop: fc.integer({ min: 1, max: 6 }),
      content: fc.constantFrom('a', 'b', 'c'),
      at: fc.integer({ min: 0, max: 5 }),
      attributes,
    })
    .map(({ series, sop, content, at, attributes }) =>
      entry({
        seriesInstanceUID: `1.2.${series}`,
        sopInstanceUID: `1.2.${series}.${sop}`,
        dataSetSha256: content,
        receivedAt: `2026-01-01T00:00:0${at}.000Z`,
        attributes: attributes as DicomJson,
      }),
    ),
  { minLength: 1, maxLength: 20 },
);
/** The same content has the same attributes: what a writer guarantees. */
const consistent = (entries: InstanceEntry[]) => {
  const first = new Map<string, DicomJson>();
  return entries.map((e) => {
    const id = `${e.sopInstanceUID}/${e.dataSetSha256}`;
    if (!first.has(id)) first.set(id, e.attributes);
    return { ...e, attributes: first.get(id)! };
  });
};

describe('merging entries to a study', () => {
  it('gives back the attributes of the newest content of every instance', () => {
    fc.assert(
      fc.property(arbitraryEntries, (raw) => {
        const entries = consistent(raw);
        const manifest = buildStudyManifest(entries)!;
        const shown = manifest.series.flatMap((series) =>
          series.instances.map((instance) => ({ instance, merged: instanceAttributes(series, instance) })),
        );
        expect(new Set(shown.map((s) => s.instance.sopInstanceUID))).toEqual(
          new Set(entries.map((e) => e.sopInstanceUID)),
        );
        for (const { instance, merged } of shown) {
          const original = entries.find(
            (e) => e.sopInstanceUID === instance.sopInstanceUID && e.dataSetSha256 === instance.dataSetSha256,
          )!;
          expect(merged).toEqual(original.attributes);
          const contents = new Set(
            entries.filter((e) => e.sopInstanceUID === instance.sopInstanceUID).map((e) => e.dataSetSha256),
          );
          expect(1 + (instance.superseded?.length ?? 0)).toBe(contents.size);
        }
      }),
    );
  });

  it('does not depend on the order of entries, nor on entries that come twice', () => {
    fc.assert(
      fc.property(
        arbitraryEntries.chain((raw) => {
          const entries = consistent(raw);
          return fc.tuple(
            fc.constant(entries),
            fc.shuffledSubarray([...entries, ...entries], { minLength: entries.length * 2 }),
          );
        }),
        ([entries, shuffled]) => {
          expect(buildStudyManifest(shuffled)).toEqual(buildStudyManifest(entries));
        },
      ),
    );
  });
});

describe('order for display', () => {
  const slice = (sop: number, z: number, number?: number) =>
    entry({
      sopInstanceUID: `1.2.1.${sop}`,
      attributes: {
        '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] },
        '00200032': { vr: 'DS', Value: [-100, -100, z] },
        ...(number === undefined ? {} : { '00200013': { vr: 'IS', Value: [number] } }),
      },
    });
  const order = (entries: InstanceEntry[]) =>
    buildStudyManifest(entries)!.series[0]!.instances.map((i) => Number(i.sopInstanceUID.split('.').pop()));

  it('is the position along the normal, in the direction of the instance numbers', () => {
    expect(order([slice(1, 10, 1), slice(2, 30, 2), slice(3, 20, 3)])).toEqual([1, 3, 2]);
    expect(order([slice(1, 30, 1), slice(2, 10, 3), slice(3, 20, 2)])).toEqual([1, 3, 2]);
  });
  it('is the instance number where planes share a place', () => {
    expect(order([slice(1, 10, 3), slice(2, 10, 1), slice(3, 20, 2)])).toEqual([2, 3, 1]);
  });
  it('is the time of receipt where nothing else is known', () => {
    expect(
      order([
        entry({ sopInstanceUID: '1.2.1.1', receivedAt: '2026-01-01T00:00:02.000Z' }),
        entry({ sopInstanceUID: '1.2.1.2', receivedAt: '2026-01-01T00:00:01.000Z' }),
      ]),
    ).toEqual([2, 1]);
  });
  it('shows the newest of two contents and names the other', () => {
    const manifest = buildStudyManifest([
      entry({ sopInstanceUID: '1.2.1.1', dataSetSha256: 'new', receivedAt: '2026-01-02T00:00:00.000Z' }),
      entry({ sopInstanceUID: '1.2.1.1', dataSetSha256: 'old' }),
    ])!;
    const [instance] = manifest.series[0]!.instances;
    expect(instance!.dataSetSha256).toBe('new');
    expect(instance!.superseded!.map((s) => s.dataSetSha256)).toEqual(['old']);
  });
  it('is nothing for no entries', () => {
    expect(buildStudyManifest([])).toBeNull();
  });
});
