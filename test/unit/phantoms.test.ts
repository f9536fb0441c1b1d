import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CT_LESIONS, ctSeries, ctSlice } from '../../phantoms/ct.ts';
import { sampleStudies } from '../../phantoms/sample-studies.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { readFileMeta } from '../../storage/format/file-meta.ts';
import { extractFrame, frameRange } from '../../storage/format/frames.ts';

const installed = (tool: string) => spawnSync(tool, ['--version']).error === undefined;
const describeFile = (file: Uint8Array) => describeObjectSync(inMemory(file), readFileMeta(file)!);
const small = () => [...sampleStudies({ scale: 0.125 })].map((sample) => ({ sample, files: [...sample.instances()] }));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('sample studies', () => {
  it('are the same on every run, each marked SAMPLE, names in their scripts', () => {
    const [once, again] = [small(), small()];
    const names: string[] = [];
    for (const [i, { sample, files }] of once.entries()) {
      expect(files).toHaveLength(sample.instanceCount);
      expect(files.map(sha256)).toEqual(again[i]!.files.map(sha256));
      for (const file of files) {
        const described = describeFile(file);
        expect(described.notes).toEqual([]);
        expect(described.studyInstanceUID).toBe(sample.study.studyInstanceUID);
        expect(described.studyInstanceUID).toMatch(/^2\.25\.\d+$/);
        const name = described.attributes['00100010']!.Value![0] as Record<string, string>;
        const text = Object.values(name).join('=');
        expect(text).toBe(sample.study.patientName);
        expect(text).toContain('SAMPLE');
        names.push(text);
      }
    }
    for (const script of [/ø/, /山田/, /Иванов/, /小東/]) expect(names.some((name) => script.test(name))).toBe(true);
  });

  it('have one prior of the same patient, earlier, with a smaller lesion', () => {
    const [prior, current] = [...sampleStudies()].filter((sample) => sample.modality === 'CT');
    expect(prior!.study.patientID).toBe(current!.study.patientID);
    expect(prior!.study.date < current!.study.date).toBe(true);
    expect(prior!.study.studyInstanceUID).not.toBe(current!.study.studyInstanceUID);
  });

  it('have distinct instances', () => {
    const uids = small().flatMap(({ files }) => files.map((file) => describeFile(file).sopInstanceUID));
    expect(new Set(uids).size).toBe(uids.length);
  });
});

describe('the CT phantom', () => {
  it('has the densities and the sizes it promises', () => {
    const [lesion] = CT_LESIONS;
    const files = [...ctSeries(120, { rows: 256, columns: 256 })];
    let volume = 0;
    let sum = 0;
    let voxels = 0;
    for (const file of files) {
      const { attributes, pixelData } = describeFile(file);
      const [x0, y0, z] = attributes['00200032']!.Value as number[];
      const [rowSpacing, columnSpacing] = attributes['00280030']!.Value as number[];
      const { start, end } = frameRange(pixelData!, 0)!;
      const bytes = extractFrame(pixelData!, 0, file.slice(start, end));
      const stored = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
      const reach = lesion!.diameter / 2 + 2;
      if (Math.abs(z! - lesion!.z) > reach) continue;
      for (let row = 0; row < 256; row++) {
        for (let column = 0; column < 256; column++) {
          const distance = Math.hypot(
            x0! + column * columnSpacing! - lesion!.x,
            y0! + row * rowSpacing! - lesion!.y,
            z! - lesion!.z,
          );
          const hu = stored[row * 256 + column]! - 1024;
          if (distance < lesion!.diameter / 2 - 4) {
            sum += hu;
            voxels++;
          }
          if (distance < lesion!.diameter / 2 + 0.5 && hu > -400) volume += rowSpacing! * columnSpacing! * 2;
        }
      }
    }
    expect(sum / voxels).toBeCloseTo(lesion!.hu, -1);
    const expected = (Math.PI / 6) * lesion!.diameter ** 3;
    expect(Math.abs(volume / expected - 1)).toBeLessThan(0.12);
  });
});

describe.skipIf(!installed('dciodvfy') || !installed('dcmdump'))('checked by other implementations', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifeboat-phantoms-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has no errors', () => {
    const files = small().map(({ files }) => files[0]!);
    files.push(ctSlice({ rows: 64, columns: 64, transferSyntaxUID: '1.2.840.10008.1.2' }));
    for (const [i, bytes] of files.entries()) {
      const path = join(folder, `${i}.dcm`);
      writeFileSync(path, bytes);
      const verified = spawnSync('dciodvfy', [path], { encoding: 'utf8' });
      expect(`${verified.stdout}${verified.stderr}`.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
      execFileSync('dcmdump', ['-q', path], { maxBuffer: 1 << 28 });
    }
  });
});
