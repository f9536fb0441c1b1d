import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from '../object-store.ts';
import { isLockedKey, type ObjectLock } from '../policy/object-lock.ts';
import { createPresigner } from './presign.ts';
import { exactLength } from './range.ts';
import { createS3Client, type S3Config, type S3Timeouts } from './s3-client.ts';
import { bucketGone, explainS3, isBucketGone, withRetry } from './s3-errors.ts';
import { bucketLocks, isLockRefused, lockObject, putLocked } from './s3-lock.ts';

export type { S3Config, S3Timeouts } from './s3-client.ts';

/** Objects up to this size go in one request from memory; larger ones in parts from the file. */
const SINGLE_PUT_BYTES = 16 << 20;
/** How long a look at the bucket counts when a HEAD says 404, which it also does where the bucket itself is missing. */
const BUCKET_SEEN_MS = 10_000;
const NO_RETRY: number[] = [];

/** Objects in any S3, through the minio client. Needs no conditional requests and no checksums of the store's. */
export class S3Store implements ObjectStore {
  readonly description: string;
  private readonly bucket: string;
  private readonly client: Client;
  private readonly region: string;
  private readonly closeClient: () => void;
  private readonly address: (key: string, expiresAtMs: number) => string;
  private readonly delays: number[] | undefined;
  private readonly signal: AbortSignal | undefined;
  private ready: Promise<void> | null = null;
  private renewed = false;
  private bucketSeenAt = Number.NEGATIVE_INFINITY;
  private readonly lock: ObjectLock | undefined;
  /** Why nothing is locked although it should be; undefined while it is. */
  lockProblem: string | undefined;
  /** Why browsers may be unable to read from the store directly; undefined when its CORS rule is set. */
  corsProblem: string | undefined;

  get warning(): string | undefined {
    const cors =
      this.corsProblem &&
      'The store did not take a CORS rule; browsers may be unable to read images from it directly. ' +
        `Allow GET and HEAD from the viewer's address on the bucket. The store says: ${this.corsProblem}`;
    const lock = this.lockProblem && `Images are kept, but not locked: ${this.lockProblem}`;
    return [lock, cors].filter(Boolean).join(' ') || undefined;
  }

  /** Makes no request: a store that is away now may be there later. `delays`: waits between tries, ms. */
  constructor(config: S3Config, options: S3Timeouts & { delays?: number[] } = {}) {
    this.bucket = config.bucket;
    this.region = config.region;
    this.lock = config.lock;
    this.description = `s3://${config.bucket} at ${config.endpoint}`;
    const { client, close } = createS3Client(config, options);
    this.client = client;
    this.closeClient = close;
    this.delays = options.delays;
    this.signal = options.signal;
    this.address = createPresigner({ ...config, endpoint: config.publicEndpoint ?? config.endpoint });
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<void> {
    checkKey(key);
    await this.prepare();
    const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const { contentType, cacheControl } = options;
    const head = {
      ...(contentType !== undefined && { 'Content-Type': contentType }),
      ...(cacheControl !== undefined && { 'Cache-Control': cacheControl }),
    };
    await this.putBuffer(key, buffer, head);
  }

  private async putBuffer(key: string, buffer: Buffer, head: Record<string, string> = {}): Promise<void> {
    const lock = this.lockFor(key);
    if (lock) {
      try {
        await this.retry(key, () => putLocked(this.client, this.bucket, key, buffer, lock, head));
        return;
      } catch (error) {
        this.noteLockRefused(error);
      }
    }
    await this.retry(key, () => this.client.putObject(this.bucket, key, buffer, buffer.length, head));
  }

  private lockFor(key: string): ObjectLock | undefined {
    return this.lock && this.lockProblem === undefined && isLockedKey(key) ? this.lock : undefined;
  }

  /** An image is kept before it is locked: where the bucket takes no locks it is written without one, and that is said. */
  private noteLockRefused(error: unknown): void {
    if (!isLockRefused(error)) throw error;
    this.lockProblem = 'the bucket takes no object lock. It can only be had with a new bucket that was made with it.';
  }

  async putFile(key: string, path: string, size: number): Promise<void> {
    checkKey(key);
    await this.prepare();
    if (size <= SINGLE_PUT_BYTES) {
      const buffer = await readWhole(path, size);
      await this.putBuffer(key, buffer);
      return;
    }
    await checkSize(path, size);
    await this.retry(key, async () => {
      const source = createReadStream(path, { highWaterMark: 1 << 20 });
      let version: string | null;
      try {
        version = (await this.client.putObject(this.bucket, key, source, size)).versionId;
      } finally {
        source.destroy();
      }
      await this.lockVersion(key, version);
      const kept = await this.client.statObject(this.bucket, key);
      if (kept.size !== size)
        throw new LifeboatError('STORE_UNAVAILABLE', `: it kept ${kept.size} of ${size} bytes of an object`);
    });
  }

  /** What was written in parts gets its lock afterwards: not every store takes it at the beginning. */
  private async lockVersion(key: string, version: string | null): Promise<void> {
    const lock = this.lockFor(key);
    if (!lock) return;
    try {
      await lockObject(this.client, this.bucket, key, version, lock);
    } catch (error) {
      this.noteLockRefused(error);
    }
  }

  async get(key: string, range?: ByteRange): Promise<Buffer> {
    checkKey(key);
    return this.retry(key, async () => {
      const { body, size } = await this.request(key, range);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of body) {
        chunks.push(chunk as Buffer);
        length += (chunk as Buffer).length;
      }
      if (length !== size) throw brokeOff(length, size);
      return Buffer.concat(chunks, length);
    });
  }

  async stream(key: string, range?: ByteRange): Promise<{ body: Readable; size: number }> {
    checkKey(key);
    const { body: source, size } = await this.retry(key, () => this.request(key, range));
    const body = exactLength(size);
    source.once('error', (error) => body.destroy(explainS3(error, key)));
    body.once('close', () => source.destroy());
    source.pipe(body);
    return { body, size };
  }

  async head(key: string): Promise<ObjectInfo | null> {
    checkKey(key);
    try {
      return await this.retry(key, async () => {
        const found = await this.client.statObject(this.bucket, key);
        return { key, size: found.size, modifiedMs: found.lastModified.getTime() };
      });
    } catch (error) {
      if (asLifeboatError(error).code !== 'OBJECT_NOT_FOUND') throw error;
      await this.seeBucket();
      return null;
    }
  }

  async *list(prefix: string, from = ''): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    let after = from;
    for (let tries = 0; ; tries++) {
      const before = after;
      try {
        const page = this.client.listObjectsV2(this.bucket, prefix, true, after);
        for await (const item of page as AsyncIterable<{ name?: string; size: number; lastModified?: Date }>) {
          if (item.name === undefined) continue;
          after = item.name;
          yield {
            key: item.name,
            size: item.size,
            ...(item.lastModified ? { modifiedMs: item.lastModified.getTime() } : {}),
          };
        }
        return;
      } catch (error) {
        if (after !== before) tries = 0;
        if (tries >= 4) throw explainS3(error, prefix);
        await withRetry(prefix, () => this.bucketOrThrow(), this.delays, this.signal);
      }
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.retry(key, () => this.client.removeObject(this.bucket, key));
  }

  presign(key: string, expiresAtMs: number): Promise<string> {
    checkKey(key);
    return Promise.resolve(this.address(key, expiresAtMs));
  }

  async ping(): Promise<void> {
    await withRetry(this.bucket, () => this.bucketOrThrow(), this.delays ? NO_RETRY : [100], this.signal);
  }

  renew(): void {
    this.renewed = true;
  }

  async close(): Promise<void> {
    this.closeClient();
  }

  private retry<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return withRetry(what, attempt, this.delays, this.signal);
  }

  /**
   * Creates the bucket when it is missing and lets browsers read from it; once, before the first write. One that was there and
   * is gone is not made again: an empty bucket in its place is for a person to decide on.
   */
  private async prepare(): Promise<void> {
    if (this.renewed && this.ready) {
      this.renewed = false;
      await this.allowBrowsers();
    }
    this.ready ??= this.makeBucket().catch((error) => {
      this.ready = null;
      throw error;
    });
    await this.ready;
  }

  private async makeBucket(): Promise<void> {
    await this.retry(this.bucket, async () => {
      if (await this.client.bucketExists(this.bucket)) return;
      const options = this.lock ? { ObjectLocking: true } : {};
      await this.client.makeBucket(this.bucket, this.region, options).catch((error: { code?: string }) => {
        if (error.code !== 'BucketAlreadyOwnedByYou') throw error;
      });
    });
    if (this.lock) this.lockProblem = await this.retry(this.bucket, () => bucketLocks(this.client, this.bucket));
    await this.allowBrowsers();
  }

  private async allowBrowsers(): Promise<void> {
    const rule =
      '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>' +
      '<AllowedMethod>HEAD</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>Content-Range</ExposeHeader>' +
      '<ExposeHeader>Content-Length</ExposeHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3600</MaxAgeSeconds>' +
      '</CORSRule></CORSConfiguration>';
    const headers = { 'Content-MD5': createHash('md5').update(rule).digest('base64') };
    const request = { method: 'PUT', bucketName: this.bucket, query: 'cors', headers };
    try {
      await this.retry(this.bucket, () => this.client.makeRequestAsyncOmit(request, rule, [200, 204]));
      this.corsProblem = undefined;
    } catch (error) {
      // several stores answer every origin without a rule and refuse this call; a viewer notices if they do not
      this.corsProblem = (error as Error).message;
      if (isBucketGone(error)) this.renewed = true;
    }
  }

  private async request(key: string, range?: ByteRange): Promise<{ body: Readable; size: number }> {
    if (range && (range.start < 0 || (range.end !== undefined && range.end <= range.start)))
      throw new LifeboatError('RANGE_NOT_SATISFIABLE');
    const response = (await (range
      ? this.client.getPartialObject(
          this.bucket,
          key,
          range.start,
          range.end === undefined ? 0 : range.end - range.start,
        )
      : this.client.getObject(this.bucket, key))) as IncomingMessage;
    try {
      return { body: response, size: promisedLength(response, range) };
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  private async seeBucket(): Promise<void> {
    if (performance.now() - this.bucketSeenAt < BUCKET_SEEN_MS) return;
    await withRetry(this.bucket, () => this.bucketOrThrow(), this.delays, this.signal);
  }

  private async bucketOrThrow(): Promise<void> {
    if (!(await this.client.bucketExists(this.bucket))) {
      await this.prepare();
      if (!(await this.client.bucketExists(this.bucket))) throw bucketGone(this.bucket);
    }
    this.bucketSeenAt = performance.now();
  }
}

/** The length of the body as the answer's own header says it, checked against what was asked. */
function promisedLength(response: IncomingMessage, range: ByteRange | undefined): number {
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(length))
    throw new LifeboatError('STORE_UNAVAILABLE', ': an answer does not say its length');
  if (!range) return length;
  const told = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers['content-range'] ?? '');
  if (response.statusCode !== 206 || !told)
    throw new LifeboatError('STORE_UNAVAILABLE', ': it does not answer byte ranges');
  const [first, last, total] = told.slice(1).map(Number) as [number, number, number];
  const end = Math.min(range.end ?? total, total);
  if (first !== range.start || last !== end - 1 || length !== end - range.start)
    throw new LifeboatError('STORE_UNAVAILABLE', ': it answered another byte range than it was asked for');
  return length;
}

function brokeOff(length: number, size: number): LifeboatError {
  return new LifeboatError('STORE_UNAVAILABLE', `: the answer broke off after ${length} of ${size} bytes`);
}

async function readWhole(path: string, size: number): Promise<Buffer> {
  const handle = await openSource(path);
  try {
    await checkSize(path, size);
    const buffer = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(buffer, filled, size - filled, filled);
      if (bytesRead === 0) throw new LifeboatError('OBJECT_DAMAGED', `: ${filled} bytes instead of ${size}`);
      filled += bytesRead;
    }
    return buffer;
  } finally {
    await handle.close();
  }
}

async function checkSize(path: string, size: number): Promise<void> {
  const handle = await openSource(path);
  try {
    const found = (await handle.stat()).size;
    if (found !== size) throw new LifeboatError('OBJECT_DAMAGED', `: ${found} bytes instead of ${size}`);
  } finally {
    await handle.close();
  }
}

async function openSource(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new LifeboatError('OBJECT_NOT_FOUND', ': the file to be stored', { cause: error });
  }
}
