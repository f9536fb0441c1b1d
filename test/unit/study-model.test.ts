import { expect, it } from 'vitest';
import type { StudyManifest } from '../../storage/format/manifest.ts';
import { studyModelOf } from '../../viewer/src/features/reading/study/study-model.ts';

/** A study of one picture; series and SOP Instance UID are the same whichever study it is. */
function study(studyInstanceUID: string): StudyManifest {
  const instance = {
    sopInstanceUID: '1.2.3.4',
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    key: `objects/aa/${studyInstanceUID}/1.2.3/1.2.3.4.dcm`,
    size: 1000,
    sha256: '',
    dataSetOffset: 300,
    dataSetSha256: '',
    receivedAt: '2026-01-01T00:00:00.000Z',
    source: { via: 'import' as const },
    pixelData: { kind: 'native' as const, tag: '7FE00010' as const, offset: 400, length: 8, frameBits: 64, frames: 1 },
    attributes: { '00280010': { vr: 'US', Value: [2] }, '00280011': { vr: 'US', Value: [2] } },
  };
  return {
    formatVersion: 1,
    studyInstanceUID,
    attributes: {},
    series: [{ seriesInstanceUID: '1.2.3', attributes: {}, instances: [instance] }],
  };
}

it('two patients whose images share their UIDs never share a picture or a stack', () => {
  const [a, b] = [studyModelOf(study('1.1')), studyModelOf(study('1.2'))];
  expect(a.stacks[0]!.pictures).toHaveLength(1);
  expect(a.stacks[0]!.pictures[0]!.id).not.toBe(b.stacks[0]!.pictures[0]!.id);
  expect(a.stacks[0]!.id).not.toBe(b.stacks[0]!.id);
});
