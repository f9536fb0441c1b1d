import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../contract/errors.ts';
import { describeImage } from '../../router/dicomweb/image-description.ts';
import { codecsReady } from '../../router/dicomweb/render/decode.ts';
import { pictureOf } from '../../router/dicomweb/render/render.ts';
import { renderTables } from '../../router/dicomweb/render/tables.ts';
import { canDecode } from '../../router/dicomweb/transcode.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { extractFrame, frameRange } from '../../storage/format/frames.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { type RealFile, realFiles } from '../support/files.ts';

const run = promisify(execFile);

async function have(program: string): Promise<boolean> {
  return run('which', [program]).then(
    () => true,
    () => false,
  );
}

/** One file of each kind of picture: transfer syntax, photometric interpretation, bits. */
function oneOfEachKind(): RealFile[] {
  const seen = new Set<string>();
  return realFiles().filter((file) => {
    if (file.shape === undefined && file.transferSyntax === undefined) return true;
    const kind = `${file.transferSyntax} ${file.photometric} ${file.bits} ${file.modality}`;
    if (seen.has(kind)) return false;
    seen.add(kind);
    return true;
  });
}

/** PGM or PPM as dcm2pnm writes it. */
function parsePnm(bytes: Buffer): { width: number; height: number; samples: number; pixels: Buffer } {
  const head = /^P([56])\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+(\d+)\s/.exec(bytes.toString('latin1', 0, 200))!;
  return {
    width: Number(head[2]),
    height: Number(head[3]),
    samples: head[1] === '6' ? 3 : 1,
    pixels: bytes.subarray(head[0].length),
  };
}

async function ours(file: Buffer) {
  const header = parseFileHeader(file, true)!;
  const known = {
    size: file.length,
    dataSetOffset: header.dataSetOffset,
    transferSyntaxUID: header.transferSyntaxUID,
  };
  const described = describeObjectSync(inMemory(file), known, (deflated) => inflateRawSync(deflated));
  const layout = described.pixelData;
  if (!layout || layout.kind === 'deflated' || !canDecode(header.transferSyntaxUID)) return null;
  const range = frameRange(layout, 0);
  if (!range) return null;
  const image = describeImage(described.metadata, header.transferSyntaxUID);
  const tables = await renderTables(described.metadata, 1, async (offset, length) =>
    file.subarray(offset, offset + length),
  );
  // DCMTK takes padding for pixels when it looks for the brightest and darkest.
  delete tables.padding;
  const frame = extractFrame(layout, 0, file.subarray(range.start, range.end));
  return { picture: pictureOf(frame, image, tables, undefined), tables, image };
}

const installed = (await have('dcm2pnm')) && (await have('dcmj2pnm')) && realFiles().length > 0;

describe.skipIf(!installed)('rendered pictures against DCMTK', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-render-'));
    await codecsReady();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are the same within one grey level, for one file of each kind', async () => {
    const differences: string[] = [];
    const notCompared: string[] = [];
    let compared = 0;
    for (const [i, file] of oneOfEachKind().entries()) {
      const out = join(folder, `${i}.pnm`);
      let mine: Awaited<ReturnType<typeof ours>>;
      try {
        mine = await ours(await readFile(file.path));
      } catch (error) {
        if (!(error instanceof LifeboatError)) notCompared.push(`${file.name}: ${error}`);
        else notCompared.push(`${file.name}: ${error.code} ${error.message}`);
        continue;
      }
      if (!mine) continue;
      // DCMTK swaps 16-bit halves of 32-bit big endian pixels; pydicom reads them as here.
      if (mine.image.bitsAllocated === 32 && mine.image.transferSyntaxUID === '1.2.840.10008.1.2.2') continue;
      const { tables } = mine;
      const { window, voiLut } = tables;
      const way = window ? ['+Ww', `${window.center}`, `${window.width}`] : voiLut ? ['+Wl', '1'] : ['+Wm'];
      const toPnm = (path: string) =>
        run('dcmj2pnm', ['+F', '1', '--no-overlays', ...(mine?.picture.samples === 1 ? way : []), path, out]);
      try {
        await toPnm(file.path).catch(async () => {
          const raw = join(folder, `${i}.dcm`);
          await run('gdcmconv', ['--raw', file.path, raw]);
          await toPnm(raw);
        });
      } catch {
        notCompared.push(`${file.name}: the peers cannot show it`);
        continue;
      }
      const theirs = parsePnm(await readFile(out));
      const { picture } = mine;
      compared++;
      if (theirs.width !== picture.width || theirs.height !== picture.height || theirs.samples !== picture.samples) {
        differences.push(
          `${file.name}: ${picture.width}x${picture.height}x${picture.samples} against ${theirs.width}x${theirs.height}x${theirs.samples}`,
        );
        continue;
      }
      // DCMTK centres the chroma of uncompressed YBR at 127.5, PS3.3 C.7.6.3.1.2 at 128.
      const tolerance = /^YBR_FULL/.test(mine.image.photometricInterpretation) ? 2 : 1;
      let worst = 0;
      let wrong = 0;
      for (let p = 0; p < picture.pixels.length; p++) {
        const difference = Math.abs(picture.pixels[p]! - theirs.pixels[p]!);
        if (difference > worst) worst = difference;
        if (difference > tolerance) wrong++;
      }
      if (wrong > 0) {
        differences.push(
          `${file.name}: ${wrong} of ${picture.pixels.length} differ, by up to ${worst} (${mine.image.photometricInterpretation} ${mine.image.transferSyntaxUID} ${JSON.stringify({ ...tables, palette: undefined, voiLut: undefined, modalityLut: undefined })})`,
        );
      }
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(20);
  }, 300_000);
});
