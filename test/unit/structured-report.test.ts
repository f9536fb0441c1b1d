import { describe, expect, it } from 'vitest';
import type { DicomJson } from '../../storage/format/manifest.ts';
import {
  type ReportItem,
  referencesIn,
  reportOf,
} from '../../viewer/src/features/reading/documents/structured-report.ts';

const code = (meaning: string, value = '1'): DicomJson[string] => ({
  vr: 'SQ',
  Value: [{ '00080100': { vr: 'SH', Value: [value] }, '00080104': { vr: 'LO', Value: [meaning] } }],
});

function item(type: string, name: string, more: DicomJson = {}, children: DicomJson[] = []): DicomJson {
  return {
    '0040A040': { vr: 'CS', Value: [type] },
    '0040A010': { vr: 'CS', Value: ['CONTAINS'] },
    ...(name && { '0040A043': code(name) }),
    ...(children.length > 0 && { '0040A730': { vr: 'SQ', Value: children } }),
    ...more,
  };
}

const image = (uid: string, frame?: number): DicomJson =>
  item('IMAGE', '', {
    '00081199': {
      vr: 'SQ',
      Value: [
        {
          '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
          '00081155': { vr: 'UI', Value: [uid] },
          ...(frame !== undefined && { '00081160': { vr: 'IS', Value: [frame] } }),
        },
      ],
    },
  });

const measured = (value: number, unit: string, meaning: string): DicomJson =>
  item('NUM', 'Length', {
    '0040A300': {
      vr: 'SQ',
      Value: [{ '0040A30A': { vr: 'DS', Value: [value] }, '004008EA': code(meaning, unit) }],
    },
  });

const report: DicomJson = {
  '0040A043': code('Chest CT Report'),
  '0040A493': { vr: 'CS', Value: ['UNVERIFIED'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
  '00080023': { vr: 'DA', Value: ['20261124'] },
  '00080033': { vr: 'TM', Value: ['221500'] },
  '0040A730': {
    vr: 'SQ',
    Value: [
      item('CONTAINER', 'Findings', {}, [
        item('TEXT', 'Finding', { '0040A160': { vr: 'UT', Value: ['A nodule in the left lung.'] } }, [
          measured(12.5, 'mm', 'millimeter'),
          measured(2, '1', 'no units'),
          image('1.2.3', 4),
        ]),
        item('CODE', 'Side', { '0040A168': code('Left') }),
        item('PNAME', 'Observer', { '0040A123': { vr: 'PN', Value: [{ Alphabetic: 'Roe^Richard' }] } }),
        item('DATETIME', 'Seen', { '0040A120': { vr: 'DT', Value: ['20261124221000'] } }),
        item('SCOORD', 'Outline', {
          '00700023': { vr: 'CS', Value: ['POLYLINE'] },
          '00700022': { vr: 'FL', Value: [1, 2, 3, 4] },
        }),
      ]),
      image('1.2.3', 4),
      image('1.2.9'),
    ],
  },
};

describe('a structured report as a document', () => {
  const made = reportOf(report);
  const findings = made.items[0]!;
  const said = (one: ReportItem) => `${one.name}: ${one.value}`;

  it('has a title, a head, and says that nobody has signed it', () => {
    expect(made.title).toBe('Chest CT Report');
    expect(made.warnings).toEqual(['unverified']);
    expect(made.head).toContainEqual(['Patient', 'Doe, Jane']);
    expect(made.head).toContainEqual(['Written', '2026-11-24 22:15']);
  });

  it('says every kind of value in words', () => {
    expect(findings.children.map(said)).toEqual([
      'Finding: A nodule in the left lung.',
      'Side: Left',
      'Observer: Roe, Richard',
      'Seen: 2026-11-24 22:10',
      'Outline: polyline, 2 points',
    ]);
    expect(findings.children[0]!.children.map(said).slice(0, 2)).toEqual(['Length: 12.5 mm', 'Length: 2']);
  });

  it('knows the objects it points at, each once', () => {
    expect(referencesIn(made.items).map(({ sopInstanceUID, frames }) => [sopInstanceUID, frames])).toEqual([
      ['1.2.3', [4]],
      ['1.2.9', []],
    ]);
  });

  it('is bounded where it is nested without end', () => {
    let deep: DicomJson = item('TEXT', 'last');
    for (let i = 0; i < 5000; i += 1) deep = item('CONTAINER', `level ${i}`, {}, [deep]);
    expect(() => reportOf({ ...report, '0040A730': { vr: 'SQ', Value: [deep] } })).not.toThrow();
  });
});
