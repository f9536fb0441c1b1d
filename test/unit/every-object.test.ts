import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import type { InstanceManifest } from '../../storage/format/manifest.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { studyModelOf } from '../../viewer/src/features/reading/study/study-model.ts';
import { countOf } from '../../viewer/src/features/reading/study/unshown.ts';
import { allFiles } from '../support/files.ts';

/** What the viewer makes of one object: 'picture', the view it opens in, or why there is none. */
function shownAs(path: string): string | null {
  const bytes = new Uint8Array(readFileSync(path));
  const header = parseFileHeader(bytes, true);
  // Deflated ones are inflated first; that is a matter of the test on pixels.
  if (!header || header.transferSyntaxUID === '1.2.840.10008.1.2.1.99') return null;
  const { transferSyntaxUID, dataSetOffset } = header;
  const described = describeObjectSync(inMemory(bytes), { transferSyntaxUID, dataSetOffset });
  const instance: InstanceManifest = {
    sopInstanceUID: '1.1',
    sopClassUID: described.sopClassUID ?? '',
    transferSyntaxUID,
    key: 'a',
    size: bytes.length,
    sha256: '',
    dataSetOffset,
    dataSetSha256: '',
    receivedAt: '2026-01-01T00:00:00.000Z',
    source: { via: 'import' },
    attributes: described.attributes,
    ...(described.pixelData && { pixelData: described.pixelData }),
  };
  const model = studyModelOf({
    formatVersion: 1,
    studyInstanceUID: '1',
    attributes: {},
    series: [{ seriesInstanceUID: '1.0', attributes: {}, instances: [instance] }],
  });
  const count = countOf(model, () => undefined);
  expect(count.shown + count.unshown.length).toBe(1);
  if (model.stacks.length > 0) return 'picture';
  return model.documents[0]?.opens ?? count.unshown[0]?.description ?? 'overlay';
}

const files = allFiles();

describe.runIf(files.length > 0)('every object is a picture, opens, lies over pictures, or says why not', () => {
  it('whatever it is, broken or not', () => {
    const seen = new Map<string, number>();
    for (const { path } of files) {
      let as: string | null;
      try {
        as = shownAs(path);
      } catch {
        // No DICOM file at all: refused when it is received.
        continue;
      }
      if (as !== null) seen.set(as, (seen.get(as) ?? 0) + 1);
      expect(as, path).not.toBe('');
    }
    expect(seen.get('picture')).toBeGreaterThan(80);
    for (const kind of ['report', 'waveform']) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0);
  });
});
