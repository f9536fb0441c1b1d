import type { DicomJson, PixelDataLayout } from '../../../../../storage/format/manifest.ts';
import { numberOf, textOf } from '../study/dicom-json.ts';
import type { PixelFormat } from './decode-types.ts';
import { embeddedBitsOf } from './overlay-plane.ts';

/** Image Pixel Module of an instance (PS3.3 C.7.6.3), palette excluded. */
export function pixelFormatOf(
  attributes: DicomJson,
  transferSyntaxUID: string,
  layout: PixelDataLayout | undefined,
): PixelFormat {
  const tag = layout && 'tag' in layout ? layout.tag : '7FE00010';
  const sampleKind = tag === '7FE00008' ? 'float' : tag === '7FE00009' ? 'double' : 'integer';
  const bitsAllocated = numberOf(attributes, '00280100') ?? 8;
  const bitsStored = numberOf(attributes, '00280101') ?? bitsAllocated;
  return {
    transferSyntaxUID,
    rows: numberOf(attributes, '00280010') ?? 0,
    columns: numberOf(attributes, '00280011') ?? 0,
    samplesPerPixel: numberOf(attributes, '00280002') ?? 1,
    photometricInterpretation: textOf(attributes, '00280004').toUpperCase() || 'MONOCHROME2',
    planarConfiguration: numberOf(attributes, '00280006') ?? 0,
    bitsAllocated,
    bitsStored,
    highBit: numberOf(attributes, '00280102') ?? bitsStored - 1,
    pixelRepresentation: numberOf(attributes, '00280103') ?? 0,
    sampleKind,
    ...(sampleKind === 'integer' && { embeddedBits: embeddedBitsOf(attributes) }),
  };
}
