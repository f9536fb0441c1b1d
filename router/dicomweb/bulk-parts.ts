import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { transferSyntax } from '../../storage/format/transfer-syntaxes.ts';
import { parseMediaType } from './accept.ts';
import { numberAt } from './image-description.ts';
import type { BulkSource, Elsewhere } from './json-data-set.ts';
import { TransferSyntax as T, transferSyntaxesOf } from './media-types.ts';

/** One part of bulk data as it came. */
export interface BulkPart {
  location: string;
  contentType: string;
  bytes: Elsewhere;
  /** Its first bytes, enough to tell one JPEG from the other. */
  head: Uint8Array;
  used: boolean;
}

const OCTETS = 'application/octet-stream';

/** Parts of one request by their Content-Location, in the order they came. */
export class BulkParts {
  readonly #parts = new Map<string, BulkPart[]>();
  readonly #base: string;

  /** @param base address of the request, against which relative locations are resolved */
  constructor(base: string) {
    this.#base = base;
  }

  add(part: BulkPart): void {
    const key = this.#key(part.location);
    this.#parts.set(key, [...(this.#parts.get(key) ?? []), part]);
  }

  get unused(): BulkPart[] {
    return [...this.#parts.values()].flat().filter((part) => !part.used);
  }

  /**
   * Where the bulk data of one instance is found, and the transfer syntax that its pixel data calls for. Addresses are looked up
   * among the parts of the request and never fetched.
   */
  sourceFor(json: DicomJson): { bulk: BulkSource; transferSyntaxUID: string } {
    this.#markUsed(json);
    const uri = json['7FE00010']?.BulkDataURI;
    const pixelParts = uri === undefined ? [] : this.#find(uri, '7FE00010');
    const syntax = pixelParts.length === 0 ? T.ExplicitVRLittleEndian : syntaxOf(pixelParts);
    const compressed = transferSyntax(syntax).encapsulated;
    return {
      transferSyntaxUID: syntax,
      bulk: (address, tag) => {
        const parts = this.#find(address, tag);
        if (tag === '7FE00010' && compressed) return { fragments: frames(parts, json) };
        if (parts.length > 1) throw incomplete(`${parts.length} parts came for the one element at ${shown(address)}`);
        const [{ bytes }] = parts as [BulkPart];
        if (tag === '7FE00010') checkLength(bytes.length, json);
        return bytes;
      },
    };
  }

  /** What any element of the instance refers to, however it is formed, belongs to somebody. */
  #markUsed(json: unknown): void {
    if (typeof json !== 'object' || json === null) return;
    for (const [name, value] of Object.entries(json)) {
      if (name !== 'BulkDataURI') this.#markUsed(value);
      else for (const part of this.#parts.get(this.#key(String(value))) ?? []) part.used = true;
    }
  }

  #find(uri: string, tag: string): BulkPart[] {
    const found = this.#parts.get(this.#key(uri));
    if (!found) {
      throw incomplete(`element (${tag.slice(0, 4)},${tag.slice(4)}) refers to ${shown(uri)}, of which no part came`);
    }
    return found;
  }

  #key(uri: string): string {
    try {
      return new URL(uri, this.#base).href;
    } catch {
      return uri;
    }
  }
}

const shown = (uri: string) => uri.replace(/[^\x21-\x7e]/g, '?').slice(0, 200);

function incomplete(what: string): LifeboatError {
  return new LifeboatError('DATASET_TRUNCATED', `The instance is not complete: ${what}.`);
}

/** Said by the part, or by the compressed stream itself where its media type leaves one possibility. */
function syntaxOf(parts: readonly BulkPart[]): string {
  const syntaxes = new Set(parts.map(syntaxOfPart));
  if (syntaxes.size > 1) throw incomplete('its frames came in different transfer syntaxes');
  return [...syntaxes][0]!;
}

function syntaxOfPart({ contentType, head }: BulkPart): string {
  const media = parseMediaType(contentType);
  const said = media?.parameters.get('transfer-syntax');
  if (said !== undefined) {
    const { known, explicitVR, bigEndian, deflated } = transferSyntax(said);
    if (!known || !explicitVR || bigEndian || deflated) {
      throw new LifeboatError('TRANSFER_SYNTAX_UNKNOWN', 'Bulk data of pixels comes in little endian or compressed.');
    }
    return said;
  }
  if (!media || media.type === OCTETS) return T.ExplicitVRLittleEndian;
  if (media.type === 'image/jpeg') return jpegSyntax(head);
  if (media.type === 'image/dicom-rle') return T.RLELossless;
  const possible = transferSyntaxesOf(media.type);
  if (possible.length === 1) return possible[0]!;
  throw new LifeboatError(
    'TRANSFER_SYNTAX_UNKNOWN',
    `Pixel data of type ${shown(media.type)} needs the transfer-syntax parameter in its Content-Type.`,
  );
}

/** By the frame header (ISO 10918-1 B.2.2) and, for lossless, the predictor in the scan header. */
function jpegSyntax(head: Uint8Array): string {
  for (let at = 2; at + 4 <= head.length && head[at] === 0xff; ) {
    const marker = head[at + 1]!;
    if (marker === 0xc0) return T.JPEGBaseline;
    if (marker === 0xc1) return T.JPEGExtended;
    if (marker === 0xda) return head[at + 5 + 2 * head[at + 4]!] === 1 ? T.JPEGLosslessSV1 : T.JPEGLossless;
    at += 2 + (head[at + 2]! << 8) + head[at + 3]!;
  }
  throw new LifeboatError(
    'TRANSFER_SYNTAX_UNKNOWN',
    'The JPEG stream does not show which kind it is; say transfer-syntax in its Content-Type.',
  );
}

function frames(parts: readonly BulkPart[], json: DicomJson): Elsewhere[] {
  const wanted = Math.max(1, numberAt(json, '00280008') ?? 1);
  const video = parts.every((part) => parseMediaType(part.contentType)?.type.startsWith('video/'));
  if (parts.length !== wanted && !(video && parts.length === 1)) {
    throw incomplete(`${wanted} frames are announced, ${parts.length} came`);
  }
  return parts.map(({ bytes }) => bytes);
}

function checkLength(length: number, json: DicomJson): void {
  const of = (tag: string, otherwise: number) => numberAt(json, tag) ?? otherwise;
  const subsampled = /_422$/.test(String(json['00280004']?.Value?.[0] ?? ''));
  const samples = subsampled ? 2 : of('00280002', 1);
  const bits = of('00280010', 0) * of('00280011', 0) * samples * of('00280100', 16) * Math.max(1, of('00280008', 1));
  if (length < Math.ceil(bits / 8)) {
    throw incomplete(`its pixel data has ${length} bytes where the metadata announces ${Math.ceil(bits / 8)}`);
  }
}
