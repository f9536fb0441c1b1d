import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson, ReceiveSource } from '../../storage/format/manifest.ts';
import { buildFileHeader } from '../../storage/format/part10.ts';
import { isAcceptableUid } from '../../storage/format/uid.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';
import { missingUid } from '../../storage/received-identity.ts';
import type { RouterContext } from '../context.ts';
import { parseMediaType } from './accept.ts';
import { BulkFile } from './bulk-file.ts';
import { type BulkPart, BulkParts } from './bulk-parts.ts';
import { type Piece, writeDataSet } from './json-data-set.ts';
import type { HeadUids } from './part-head.ts';
import type { StoreOutcome, StoreParts } from './store-parts.ts';
import { storeRefusal } from './store-parts.ts';

/** Metadata of all instances of one request. */
const MAX_METADATA_BYTES = 32 * 1024 * 1024;
const MAX_PARTS = 200_000;
/** Enough of a JPEG stream to see its frame header. */
const HEAD_BYTES = 64 * 1024;
/** Store Warning Reason (0008,1196), PS3.18 Table 10.5.3-1: elements discarded. */
const ELEMENTS_DISCARDED = 0xb006;

interface Request {
  ctx: RouterContext;
  source: ReceiveSource;
  study: string | undefined;
  /** Address of the request. */
  base: string;
}

/**
 * A store request of metadata and bulk data apart (PS3.18 10.5.1.4, Figure 8.6-1): first one part of application/dicom+json with
 * an array of instances, then the parts that their BulkDataURIs name in Content-Location. When all has come each instance that
 * is complete is written as a PS3.10 file in Explicit VR Little Endian or the compressed syntax of its frames, text in UTF-8.
 */
export class MetadataParts implements StoreParts {
  readonly outcomes: StoreOutcome[] = [];
  readonly #request: Request;
  readonly #file: BulkFile;
  readonly #bulk: BulkParts;
  #json: Buffer[] | null = null;
  #jsonBytes = 0;
  #instances: unknown[] | null = null;
  #part: Omit<BulkPart, 'bytes' | 'head'> | null = null;
  #head: Buffer = Buffer.alloc(0);
  #offset = 0;
  #parts = 0;

  constructor(request: Request) {
    this.#request = request;
    this.#file = new BulkFile(request.ctx.config);
    this.#bulk = new BulkParts(request.base);
  }

  async begin(headers: ReadonlyMap<string, string>): Promise<void> {
    if (++this.#parts > MAX_PARTS) {
      throw new LifeboatError('PAYLOAD_TOO_LARGE', `More than ${MAX_PARTS} parts in one request.`);
    }
    const contentType = headers.get('content-type') ?? '';
    const metadata = parseMediaType(contentType)?.type === 'application/dicom+json';
    if (metadata !== (this.#instances === null)) {
      throw new LifeboatError(
        'BAD_REQUEST',
        metadata
          ? 'Metadata comes in one part, an array of all instances.'
          : 'The first part has to be application/dicom+json, the metadata of all instances.',
      );
    }
    if (metadata) {
      this.#json = [];
      return;
    }
    await this.#file.checkRoom();
    const location = headers.get('content-location') ?? '';
    if (location === '') throw new LifeboatError('BAD_REQUEST', 'A part of bulk data has no Content-Location.');
    this.#part = { location, contentType, used: false };
    this.#head = Buffer.alloc(0);
    this.#offset = this.#file.size;
  }

  async data(chunk: Uint8Array): Promise<void> {
    if (this.#json) {
      this.#jsonBytes += chunk.length;
      if (this.#jsonBytes > MAX_METADATA_BYTES) {
        throw new LifeboatError(
          'PAYLOAD_TOO_LARGE',
          'The metadata of one request may have 32 MB; send fewer instances.',
        );
      }
      this.#json.push(Buffer.from(chunk));
      return;
    }
    const missing = HEAD_BYTES - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
    await this.#file.write(chunk);
  }

  end(): void {
    if (this.#json) {
      this.#instances = parsedInstances(Buffer.concat(this.#json));
      this.#json = null;
    } else if (this.#part) {
      const bytes = this.#file.part(this.#offset, this.#file.size - this.#offset);
      this.#bulk.add({ ...this.#part, bytes, head: this.#head });
      this.#part = null;
    }
  }

  /** The body ended inside of a part: what refers to it is refused as incomplete. */
  truncated(): void {
    if (this.#json) throw new LifeboatError('DATASET_TRUNCATED', 'The request ended before its metadata was complete.');
    this.#part = null;
  }

  abort(): void {
    this.#instances = null;
  }

  async settle(): Promise<void> {
    try {
      for (const instance of this.#instances ?? []) this.outcomes.push(await this.#store(instance));
      for (const part of this.#instances ? this.#bulk.unused : []) {
        const error = new LifeboatError(
          'BAD_REQUEST',
          `: no instance refers to the bulk data at ${part.location.slice(0, 200)}.`,
        );
        this.outcomes.push({ failure: this.#refusal({}, error) });
      }
    } finally {
      await this.#file.remove();
    }
  }

  async #store(instance: unknown): Promise<StoreOutcome> {
    const uids = uidsOf(instance);
    try {
      const json = upperCased(instance);
      const { bulk, transferSyntaxUID } = this.#bulk.sourceFor(json);
      const { pieces, discarded } = writeDataSet(json, bulk);
      if (uids.sopInstanceUID === undefined) throw missingUid('sopInstanceUID');
      if (uids.sopClassUID === undefined) throw missingUid('sopClassUID');
      const { sopInstanceUID, sopClassUID } = uids;
      const header = buildFileHeader({ sopClassUID, sopInstanceUID, transferSyntaxUID });
      const received = await this.#receive([header, ...pieces]);
      return { received, ...(discarded.length > 0 && { warning: ELEMENTS_DISCARDED }) };
    } catch (error) {
      return { failure: this.#refusal(uids, asLifeboatError(error)) };
    }
  }

  async #receive(pieces: readonly Piece[]): Promise<ReceivedInstance> {
    const { ctx, source, study } = this.#request;
    const reception = ctx.archive.beginFile(source, study === undefined ? undefined : { studyInstanceUID: study });
    try {
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) await reception.write(piece);
        else for await (const chunk of piece.read()) await reception.write(chunk);
      }
      return await reception.finish();
    } catch (error) {
      reception.abort();
      throw error;
    }
  }

  #refusal(uids: HeadUids, error: LifeboatError) {
    return storeRefusal(this.#request.ctx, this.#request.source, uids, error);
  }
}

function parsedInstances(bytes: Buffer): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new LifeboatError('BAD_REQUEST', 'The metadata is not JSON in UTF-8.', { cause });
  }
  // One instance without the array around it is taken too: several clients send that.
  return Array.isArray(parsed) ? parsed : [parsed];
}

function upperCased(instance: unknown): DicomJson {
  if (typeof instance !== 'object' || instance === null) return {};
  return Object.fromEntries(Object.entries(instance).map(([tag, value]) => [tag.toUpperCase(), value])) as DicomJson;
}

function uidsOf(instance: unknown): HeadUids {
  const json = upperCased(instance);
  const uid = (tag: string) => {
    const value = json[tag]?.Value?.[0];
    return typeof value === 'string' && isAcceptableUid(value) ? value : undefined;
  };
  const sopClassUID = uid('00080016');
  const sopInstanceUID = uid('00080018');
  return { ...(sopClassUID && { sopClassUID }), ...(sopInstanceUID && { sopInstanceUID }) };
}
