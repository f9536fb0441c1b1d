import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { LifeboatError } from '../../contract/errors.ts';
import { buildFileHeader, parseFileHeader } from '../../storage/format/part10.ts';
import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { ImagePool } from '../dicomweb/image-pool.ts';
import { canDecode } from '../dicomweb/transcode.ts';
import { applyChanges } from './apply-changes.ts';
import type { ForwardedInstance, ForwardJob } from './forward-types.ts';
import { toImplicitVR } from './implicit-vr.ts';

const T = TransferSyntax;
const inflate = promisify(inflateRaw);

/** Data sets up to this size are read whole, and the next ones while the peer works on the last. */
const WHOLE_BYTES = 4 * 1024 * 1024;
/** What is changed or transcoded is in memory as a whole; beyond this a person has to decide. */
const MOST_CONVERTED_BYTES = 512 * 1024 * 1024;

/** What is read of a store. */
export type ReadableStore = Pick<ObjectStore, 'get' | 'stream'>;

export interface Sources {
  store: ReadableStore;
  /** For what the peer does not take as it is. */
  images: ImagePool;
}

/** Transfer syntaxes to which anything that can be decoded is converted without loss, best first. */
export const FALLBACK_SYNTAXES: readonly string[] = [T.ExplicitVRLittleEndian, T.ImplicitVRLittleEndian];

export const dataSetSize = ({ size, dataSetOffset }: ForwardedInstance): number => size - dataSetOffset;

/** Whether the data set can go out in another transfer syntax than it is kept in. */
export function canConvert(instance: ForwardedInstance): boolean {
  return canDecode(instance.transferSyntaxUID) && dataSetSize(instance) <= MOST_CONVERTED_BYTES;
}

/** In the order of their use: each is read ahead while the one before it is being sent. */
export class ReadAhead {
  readonly #sources: Sources;
  readonly #jobs: readonly ForwardJob[];
  readonly #ahead = new Map<number, Promise<Buffer>>();

  constructor(sources: Sources, jobs: readonly ForwardJob[]) {
    this.#sources = sources;
    this.#jobs = jobs;
    this.#read(0);
  }

  #read(index: number): void {
    const job = this.#jobs[index];
    if (!job || this.#ahead.has(job.id) || dataSetSize(job.instance) > WHOLE_BYTES) return;
    const reading = readWhole(this.#sources.store, job.instance);
    // Awaited when its turn comes, if it comes.
    reading.catch(() => undefined);
    this.#ahead.set(job.id, reading);
  }

  /**
   * The data set of the job at `index` in `transferSyntaxUID`, with its changes. Nothing goes out that is not what was
   * received: its hash is compared before the first byte leaves. Throws while read: OBJECT_DAMAGED, OBJECT_NOT_FOUND,
   * STORE_UNAVAILABLE, and NOT_ACCEPTABLE or CANNOT_RENDER when it cannot be converted.
   */
  async *dataSet(index: number, transferSyntaxUID: string): AsyncGenerator<Uint8Array> {
    const job = this.#jobs[index]!;
    const { instance, changes } = job;
    this.#read(index);
    const whole = this.#ahead.get(job.id);
    this.#ahead.delete(job.id);
    if (transferSyntaxUID !== instance.transferSyntaxUID || changes.length > 0) {
      if (dataSetSize(instance) > MOST_CONVERTED_BYTES)
        throw new LifeboatError('NOT_ACCEPTABLE', 'The object is too large to be changed on the way out.');
      const bytes = await (whole ?? readWhole(this.#sources.store, instance));
      this.#read(index + 1);
      yield await converted(this.#sources.images, job, bytes, transferSyntaxUID);
      return;
    }
    if (!whole) return yield* streamChecked(this.#sources.store, instance);
    const bytes = await whole;
    this.#read(index + 1);
    yield bytes;
  }
}

async function converted(images: ImagePool, job: ForwardJob, dataSet: Buffer, target: string): Promise<Buffer> {
  const { instance, changes } = job;
  let syntax = instance.transferSyntaxUID;
  let bytes = dataSet;
  const deflated = syntax === T.DeflatedExplicitVRLittleEndian;
  if (deflated) bytes = await inflate(bytes, { maxOutputLength: MOST_CONVERTED_BYTES });
  if (deflated) syntax = T.ExplicitVRLittleEndian;
  const direct = changes.length > 0 && target === instance.transferSyntaxUID && !deflated;
  const needsRewrite =
    syntax !== target && !(syntax === T.ExplicitVRLittleEndian && target === T.ImplicitVRLittleEndian);
  if ((!direct && needsRewrite) || syntax === T.ExplicitVRBigEndian) {
    const { sopClassUID, sopInstanceUID } = instance;
    const file = Buffer.concat([buildFileHeader({ sopClassUID, sopInstanceUID, transferSyntaxUID: syntax }), bytes]);
    const result = await images.run({ kind: 'rewrite', file, target: T.ExplicitVRLittleEndian });
    const rewritten = Buffer.from(result.bytes.buffer, result.bytes.byteOffset, result.bytes.byteLength);
    const header = parseFileHeader(rewritten, true);
    if (!header) throw new LifeboatError('NOT_ACCEPTABLE', 'The object could not be converted.');
    bytes = rewritten.subarray(header.dataSetOffset);
    syntax = T.ExplicitVRLittleEndian;
  }
  if (changes.length > 0) bytes = applyChanges(bytes, syntax !== T.ImplicitVRLittleEndian, changes);
  if (syntax === T.ExplicitVRLittleEndian && target === T.ImplicitVRLittleEndian) return toImplicitVR(bytes);
  if (syntax !== target) throw new LifeboatError('NOT_ACCEPTABLE', 'The object could not be converted.');
  return bytes;
}

/**
 * The transfer syntax in which the job goes out when the peer takes what it has: with changes a deflated or big endian data
 * set becomes Explicit VR Little Endian, the rest stays.
 */
export function ownSyntax({ instance, changes }: ForwardJob): string {
  const { transferSyntaxUID } = instance;
  const rebuilt = transferSyntaxUID === T.DeflatedExplicitVRLittleEndian || transferSyntaxUID === T.ExplicitVRBigEndian;
  return changes.length > 0 && rebuilt ? T.ExplicitVRLittleEndian : transferSyntaxUID;
}

async function readWhole(store: ReadableStore, instance: ForwardedInstance): Promise<Buffer> {
  const bytes = await store.get(instance.key, { start: instance.dataSetOffset });
  mustBe(instance, createHash('sha256').update(bytes).digest('hex'));
  return bytes;
}

/** Reads twice: first for the hash, then to send; a hash that comes last would come too late. */
async function* streamChecked(store: ReadableStore, instance: ForwardedInstance): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of (await store.stream(instance.key, { start: instance.dataSetOffset })).body)
    hash.update(chunk);
  mustBe(instance, hash.digest('hex'));
  yield* (await store.stream(instance.key, { start: instance.dataSetOffset })).body;
}

function mustBe(instance: ForwardedInstance, sha256: string): void {
  if (sha256 !== instance.dataSetSha256) throw new LifeboatError('OBJECT_DAMAGED');
}
