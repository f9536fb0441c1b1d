import dcmjsCodecs from 'dcmjs-codecs';
import { LifeboatError } from '../../../contract/errors.ts';
import type { ImageDescription } from '../image-description.ts';
import { isUncompressed, TransferSyntax } from '../media-types.ts';

const { Context, NativeCodecs } = dcmjsCodecs;
const T = TransferSyntax;

let ready: Promise<void> | undefined;

/** Loads the codecs once. */
export function codecsReady(): Promise<void> {
  ready ??= NativeCodecs.initializeAsync();
  return ready;
}

/** Pixels without compression, little endian, and how they are described now. */
export interface Decoded {
  bytes: Uint8Array;
  image: ImageDescription;
}

type Codec = (context: InstanceType<typeof Context>, image?: ImageDescription) => InstanceType<typeof Context>;

/** A stream said to be RGB holds RGB, whatever a JPEG reader would guess (PS3.5 8.2.1). */
const jpeg: Codec = (context, image) =>
  NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: image?.photometricInterpretation !== 'RGB' });
const decoders: Record<string, Codec> = {
  [T.RLELossless]: (context) => NativeCodecs.decodeRle(context),
  [T.JPEGBaseline]: jpeg,
  [T.JPEGExtended]: jpeg,
  [T.JPEGLossless]: jpeg,
  [T.JPEGLosslessSV1]: jpeg,
  [T.JPEGLSLossless]: (context) => NativeCodecs.decodeJpegLs(context),
  [T.JPEGLSNearLossless]: (context) => NativeCodecs.decodeJpegLs(context),
  [T.JPEG2000Lossless]: (context) => NativeCodecs.decodeJpeg2000(context),
  [T.JPEG2000]: (context) => NativeCodecs.decodeJpeg2000(context),
  [T.JPEGXLLossless]: (context) => NativeCodecs.decodeJpegXl(context),
  [T.JPEGXL]: (context) => NativeCodecs.decodeJpegXl(context),
  [T.HTJ2KLossless]: (context) => NativeCodecs.decodeHtJpeg2000(context),
  [T.HTJ2KLosslessRPCL]: (context) => NativeCodecs.decodeHtJpeg2000(context),
  [T.HTJ2K]: (context) => NativeCodecs.decodeHtJpeg2000(context),
};

/** Whether `decodeFrame` knows a transfer syntax. */
export const canDecode = (transferSyntaxUID: string): boolean =>
  isUncompressed(transferSyntaxUID) || transferSyntaxUID in decoders;

function contextOf(image: ImageDescription, buffers: { encodedBuffer?: Uint8Array; decodedBuffer?: Uint8Array }) {
  return new Context({
    width: image.columns,
    height: image.rows,
    bitsAllocated: image.bitsAllocated,
    bitsStored: image.bitsStored,
    samplesPerPixel: image.samplesPerPixel,
    pixelRepresentation: image.pixelRepresentation,
    planarConfiguration: image.planarConfiguration,
    photometricInterpretation: image.photometricInterpretation,
    ...buffers,
  });
}

/** Bytes of one uncompressed frame. */
export function frameBytes(image: ImageDescription): number {
  const pixels = image.rows * image.columns;
  if (image.bitsAllocated === 1) return Math.ceil((pixels * image.samplesPerPixel) / 8);
  const subsampled = /_422$/.test(image.photometricInterpretation) && isUncompressed(image.transferSyntaxUID);
  return (pixels * (subsampled ? 2 : image.samplesPerPixel) * image.bitsAllocated) / 8;
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const copy = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % size)));
  if (size === 2) return copy.swap16();
  if (size === 4) return copy.swap32();
  return size === 8 ? copy.swap64() : copy;
}

/** One frame to uncompressed little endian pixels. CANNOT_RENDER when the bytes do not make the picture described. */
export function decodeFrame(frame: Uint8Array, image: ImageDescription): Decoded {
  if (isUncompressed(image.transferSyntaxUID)) {
    const big = image.transferSyntaxUID === T.ExplicitVRBigEndian;
    const bytes = big ? swapped(frame, image.bitsAllocated / 8) : frame;
    if (bytes.length < frameBytes(image)) throw new LifeboatError('CANNOT_RENDER', 'The pixel data is too short.');
    return { bytes, image: { ...image, transferSyntaxUID: T.ExplicitVRLittleEndian } };
  }
  const decoder = decoders[image.transferSyntaxUID];
  if (!decoder) {
    throw new LifeboatError('CANNOT_RENDER', `Transfer syntax ${image.transferSyntaxUID} cannot be decoded here.`);
  }
  const context = decoder(contextOf(image, { encodedBuffer: frame }), image);
  let bytes = context.getDecodedBuffer();
  if (bytes && image.samplesPerPixel === 3 && isPlanarJpegLs(frame, image)) bytes = interleaved(bytes, image);
  const decoded: ImageDescription = {
    ...image,
    transferSyntaxUID: T.ExplicitVRLittleEndian,
    bitsAllocated: context.getBitsAllocated() ?? image.bitsAllocated,
    planarConfiguration: context.getPlanarConfiguration() ?? 0,
    photometricInterpretation: photometricOf(context.getPhotometricInterpretation(), image),
  };
  if (!bytes || bytes.length < frameBytes(decoded)) {
    throw new LifeboatError(
      'CANNOT_RENDER',
      'The compressed frame does not hold the picture that the header describes.',
    );
  }
  return { bytes, image: decoded };
}

/** JPEG-LS with interleave mode none (ISO 14495-1 C.2.3): one scan a component, which the codec leaves plane by plane. */
function isPlanarJpegLs(frame: Uint8Array, { transferSyntaxUID }: ImageDescription): boolean {
  if (transferSyntaxUID !== T.JPEGLSLossless && transferSyntaxUID !== T.JPEGLSNearLossless) return false;
  const scan = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).indexOf(Buffer.from([0xff, 0xda]));
  return scan >= 0 && frame[scan + 4] === 1;
}

function interleaved(planes: Uint8Array, image: ImageDescription): Uint8Array {
  const size = image.bitsAllocated / 8;
  const pixels = image.rows * image.columns;
  const { samplesPerPixel } = image;
  const out = new Uint8Array(pixels * samplesPerPixel * size);
  for (let s = 0; s < samplesPerPixel; s++) {
    for (let i = 0; i < pixels; i++) {
      for (let b = 0; b < size; b++) out[(i * samplesPerPixel + s) * size + b] = planes[(s * pixels + i) * size + b]!;
    }
  }
  return out;
}

/** Colour decoders of JPEG 2000 and HTJ2K undo the transform that YBR_RCT and YBR_ICT name. */
function photometricOf(reported: string | undefined, image: ImageDescription): string {
  const name = reported ?? image.photometricInterpretation;
  return /^YBR_(RCT|ICT)$/.test(name) ? 'RGB' : name;
}

const encoders: Record<string, Codec> = {
  [T.RLELossless]: (context) => NativeCodecs.encodeRle(context),
  [T.JPEGLosslessSV1]: (context) => NativeCodecs.encodeJpeg(context, { lossy: false, predictor: 1 }),
  [T.JPEGLSLossless]: (context) => NativeCodecs.encodeJpegLs(context, { lossy: false }),
  [T.JPEG2000Lossless]: (context) => NativeCodecs.encodeJpeg2000(context, { lossy: false }),
  [T.HTJ2KLossless]: (context) => NativeCodecs.encodeHtJpeg2000(context, { lossy: false }),
  [T.HTJ2KLosslessRPCL]: (context) => NativeCodecs.encodeHtJpeg2000(context, { lossy: false, progressionOrder: 2 }),
};

/** Uncompressed pixels into a lossless compressed frame. NOT_ACCEPTABLE when the codec does not take such pixels. */
export function encodeFrame(decoded: Decoded, target: string): Decoded {
  const encoder = encoders[target];
  const { image } = decoded;
  if (
    !encoder ||
    image.bitsAllocated === 1 ||
    image.bitsAllocated > 16 ||
    /_42[02]$/.test(image.photometricInterpretation)
  ) {
    throw new LifeboatError('NOT_ACCEPTABLE', `This object cannot be transcoded to ${target}.`);
  }
  const context = encoder(contextOf(image, { decodedBuffer: decoded.bytes }));
  const bytes = context.getEncodedBuffer();
  if (!bytes || bytes.length === 0)
    throw new LifeboatError('NOT_ACCEPTABLE', `This object cannot be transcoded to ${target}.`);
  return {
    bytes,
    image: {
      ...image,
      transferSyntaxUID: target,
      planarConfiguration: context.getPlanarConfiguration() ?? image.planarConfiguration,
      photometricInterpretation: context.getPhotometricInterpretation() ?? image.photometricInterpretation,
    },
  };
}

/** 8-bit grey or RGB to baseline JPEG. */
export function encodeJpeg(
  pixels: Uint8Array,
  width: number,
  height: number,
  samples: 1 | 3,
  quality: number,
): Uint8Array {
  const context = NativeCodecs.encodeJpeg(
    contextOf(
      {
        transferSyntaxUID: T.ExplicitVRLittleEndian,
        rows: height,
        columns: width,
        samplesPerPixel: samples,
        photometricInterpretation: samples === 1 ? 'MONOCHROME2' : 'RGB',
        bitsAllocated: 8,
        bitsStored: 8,
        highBit: 7,
        pixelRepresentation: 0,
        planarConfiguration: 0,
      },
      { decodedBuffer: pixels },
    ),
    { lossy: true, quality },
  );
  const bytes = context.getEncodedBuffer();
  if (!bytes) throw new LifeboatError('CANNOT_RENDER', 'The picture could not be written as JPEG.');
  return bytes;
}
