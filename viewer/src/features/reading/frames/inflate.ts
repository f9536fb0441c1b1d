import { FetchError } from './range-fetch.ts';

const maximumBytes = 2 ** 31;

/** Raw DEFLATE (RFC 1951) of a deflated data set, refused beyond 2 GiB. */
export async function inflate(deflated: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([deflated as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > maximumBytes) throw new FetchError(0, 'the deflated object is too large to open here');
    pieces.push(piece);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Pixel data of an inflated Explicit VR Little Endian data set. */
export async function pixelDataOf(dataSet: Uint8Array): Promise<Uint8Array> {
  const { default: parser } = await import('dicom-parser');
  const parsed = new parser.DataSet(
    new parser.ByteStream(parser.littleEndianByteArrayParser, dataSet).byteArrayParser,
    dataSet,
    {},
  );
  parser.parseDicomDataSetExplicit(parsed, new parser.ByteStream(parser.littleEndianByteArrayParser, dataSet));
  const element = parsed.elements['x7fe00010'];
  if (!element) throw new FetchError(0, 'the object has no pixel data');
  return dataSet.subarray(element.dataOffset, element.dataOffset + element.length);
}
