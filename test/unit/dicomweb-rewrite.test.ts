import { readFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeImage } from '../../router/dicomweb/image-description.ts';
import { isUncompressed, TransferSyntax as T } from '../../router/dicomweb/media-types.ts';
import { codecsReady, decodeFrame } from '../../router/dicomweb/render/decode.ts';
import { rewriteFile } from '../../router/dicomweb/rewrite.ts';
import { canDecode, TARGET_SYNTAXES } from '../../router/dicomweb/transcode.ts';
import { describeObjectSync, inMemory } from '../../storage/format/describe.ts';
import { extractFrame, frameCount, frameRange } from '../../storage/format/frames.ts';
import { parseFileHeader } from '../../storage/format/part10.ts';
import { realFiles } from '../support/files.ts';

function read(file: Uint8Array) {
  const { dataSetOffset, transferSyntaxUID } = parseFileHeader(file, true)!;
  const known = { size: file.length, dataSetOffset, transferSyntaxUID };
  const { metadata, pixelData } = describeObjectSync(inMemory(file), known, (deflated) => inflateRawSync(deflated));
  return { metadata, pixelData, transferSyntaxUID };
}

/** Decoded pixels of the last frame. */
function pixels(file: Uint8Array): Buffer {
  const { metadata, pixelData, transferSyntaxUID } = read(file);
  const last = frameCount(pixelData!) - 1;
  const range = frameRange(pixelData!, last)!;
  const frame = extractFrame(pixelData!, last, file.subarray(range.start, range.end));
  const image = describeImage(metadata, transferSyntaxUID);
  const { bytes } = decodeFrame(frame, image);
  const length = (image.rows * image.columns * image.samplesPerPixel * image.bitsAllocated) / 8;
  return Buffer.from(bytes.subarray(0, length));
}

const compressed = realFiles().filter((file) =>
  /JPEG-LL|JPGLosslessP14SV1|JLSL_|MR_small_RLE|MR_small_jp2k|HTJ2KLossless_08/i.test(file.name),
);
const plain = realFiles().filter((file) => /(CT_small|MR_small)(_bigendian|_implicit)?\.dcm$/i.test(file.name));

describe.skipIf(compressed.length + plain.length === 0)('an object in another transfer syntax', () => {
  beforeAll(() => codecsReady());

  it.each(compressed.slice(0, 12).map((file) => [file.name, file.path]))(
    '%s: decoded to explicit little endian',
    async (_, path) => {
      const file = await readFile(path);
      const source = read(file);
      if (!source.pixelData || !canDecode(source.transferSyntaxUID) || isUncompressed(source.transferSyntaxUID)) return;
      const rewritten = rewriteFile(file, T.ExplicitVRLittleEndian);
      const result = read(rewritten);
      expect(result.transferSyntaxUID).toBe(T.ExplicitVRLittleEndian);
      expect(pixels(rewritten).equals(pixels(file))).toBe(true);
      for (const tag of ['00080018', '0020000D', '00100010', '00100020']) {
        expect(result.metadata[tag]).toEqual(source.metadata[tag]);
      }
      // Nothing is lost but what told of the compressed pixels.
      const kept = Object.keys(source.metadata).filter((tag) => tag !== '7FE00001' && tag !== '7FE00002');
      expect(Object.keys(result.metadata)).toEqual(expect.arrayContaining(kept));
    },
  );

  it.each(plain.map((file) => [file.name, file.path]))('%s: into every lossless syntax and back', async (_, path) => {
    const file = await readFile(path);
    const little = rewriteFile(file, T.ExplicitVRLittleEndian);
    expect(pixels(little).equals(pixels(file))).toBe(true);
    for (const target of TARGET_SYNTAXES) {
      const there = rewriteFile(file, target);
      expect(read(there).transferSyntaxUID).toBe(target);
      expect(pixels(there).equals(pixels(file)), target).toBe(true);
    }
  });
});
