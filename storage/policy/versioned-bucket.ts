import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { createS3Client, type S3Config, type S3Timeouts } from '../stores/s3-client.ts';
import { withRetry } from '../stores/s3-errors.ts';
import { bucketLocks, putLocked } from '../stores/s3-lock.ts';
import type { LockMode, ObjectLock } from './object-lock.ts';

/** One version of a key, or the marker that deletes it. */
export interface ObjectVersion {
  key: string;
  versionId: string;
  /** 0 for a marker. */
  size: number;
  modifiedMs: number;
  /** What a reader who names no version is given. */
  isLatest: boolean;
  isDeleteMarker: boolean;
}

/** How a store answered something that it should refuse. `no-answer`: neither. */
export type Refusal = { outcome: 'refused' | 'accepted' | 'no-answer'; says: string };

/** What only buckets with versions have: versions, locks, holds. Beside `S3Store`, which knows nothing of it. */
export class VersionedBucket {
  readonly bucket: string;
  readonly #client: Client;
  readonly #close: () => void;
  readonly #signal: AbortSignal | undefined;

  constructor(config: S3Config, timeouts?: S3Timeouts) {
    this.bucket = config.bucket;
    const { client, close } = createS3Client(config, timeouts);
    this.#client = client;
    this.#close = close;
    this.#signal = timeouts?.signal;
  }

  /** Throws STORE_UNAVAILABLE. */
  async isVersioned(): Promise<boolean> {
    const state = (await this.#ask(() => this.#client.getBucketVersioning(this.bucket))) as { Status?: string };
    return state?.Status === 'Enabled';
  }

  /** Why nothing can be locked here; undefined when it can. Throws STORE_UNAVAILABLE. */
  lockProblem(): Promise<string | undefined> {
    return this.#ask(() => bucketLocks(this.#client, this.bucket));
  }

  /** @returns the version, null where the bucket keeps none. Throws STORE_UNAVAILABLE. */
  put(key: string, body: Buffer, lock?: ObjectLock): Promise<string | null> {
    return this.#ask(() =>
      lock
        ? putLocked(this.#client, this.bucket, key, body, lock)
        : this.#client.putObject(this.bucket, key, body, body.length).then(({ versionId }) => versionId),
    );
  }

  /** Throws OBJECT_NOT_FOUND, STORE_UNAVAILABLE. */
  async stream(key: string, versionId: string): Promise<Readable> {
    return this.#ask(() => this.#client.getObject(this.bucket, key, { versionId }), key);
  }

  /** Throws OBJECT_NOT_FOUND, STORE_UNAVAILABLE. */
  async get(key: string, versionId: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.stream(key, versionId)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Every version below a prefix, in key order, the newest of a key first. Holds a page at a time. Throws STORE_UNAVAILABLE. */
  async *versions(prefix: string): AsyncGenerator<ObjectVersion> {
    let held: ObjectVersion[] = [];
    let from = { keyMarker: '', versionIdMarker: '' };
    for (;;) {
      const query = { Delimiter: '', MaxKeys: 1000, IncludeVersion: true, ...from };
      const page = (await this.#ask(
        () => this.#client.listObjectsQuery(this.bucket, prefix, '', query),
        prefix,
      )) as unknown as VersionPage;
      // the SDK hands out versions and markers apart, and a key's versions may go on on the next page
      const found = [...held, ...page.objects.flatMap(asVersion)].sort(inOrder);
      const last = page.isTruncated ? found.at(-1)?.key : undefined;
      held = found.filter(({ key }) => key === last);
      yield* found.slice(0, found.length - held.length);
      if (!page.isTruncated) return;
      from = { keyMarker: page.keyMarker ?? '', versionIdMarker: page.versionIdMarker ?? '' };
    }
  }

  /** Tries to delete one version for good. */
  tryDelete(key: string, versionId: string, bypass = false): Promise<Refusal> {
    return this.#try(() =>
      this.#client.removeObject(this.bucket, key, { versionId, ...(bypass && { governanceBypass: true }) }),
    );
  }

  /** Tries to set until when a version is locked. */
  tryRetention(key: string, versionId: string, mode: LockMode, until: string): Promise<Refusal> {
    const wanted = { mode, retainUntilDate: until, versionId };
    return this.#try(() =>
      this.#client.putObjectRetention(this.bucket, key, wanted as Parameters<Client['putObjectRetention']>[2]),
    );
  }

  /** Until when a version is locked; null where it is not. Throws STORE_UNAVAILABLE. */
  async retention(key: string, versionId: string): Promise<{ mode: LockMode; until: Date } | null> {
    const found = await this.#askUnlessGone(() => this.#client.getObjectRetention(this.bucket, key, { versionId }));
    const { mode, retainUntilDate } = (found ?? {}) as { mode?: LockMode; retainUntilDate?: string };
    return mode && retainUntilDate ? { mode, until: new Date(retainUntilDate) } : null;
  }

  /** True while a version can be read. Throws STORE_UNAVAILABLE. */
  async has(key: string, versionId: string): Promise<boolean> {
    const found = await this.#askUnlessGone(() =>
      this.#client.statObject(this.bucket, key, { versionId } as Parameters<Client['statObject']>[2]),
    );
    return found !== null;
  }

  /** Sets or ends a legal hold on one version. Throws STORE_UNAVAILABLE. */
  async setLegalHold(key: string, versionId: string, on: boolean): Promise<void> {
    const wanted = { versionId, status: on ? 'ON' : 'OFF' };
    await this.#ask(
      async () =>
        this.#client.setObjectLegalHold(this.bucket, key, wanted as Parameters<Client['setObjectLegalHold']>[2]),
      key,
    );
  }

  close(): void {
    this.#close();
  }

  #ask<T>(attempt: () => Promise<T>, what = this.bucket): Promise<T> {
    return withRetry(what, attempt, undefined, this.#signal);
  }

  /** null where the store says that there is none. */
  #askUnlessGone<T>(attempt: () => Promise<T>): Promise<T | null> {
    return this.#ask<T | null>(() =>
      attempt().catch((error: unknown) => {
        if (GONE.has(codeOf(error) ?? '')) return null;
        throw error;
      }),
    );
  }

  /** A refusal is an answer of the 4xx kind; anything else is none. */
  async #try(attempt: () => Promise<unknown>): Promise<Refusal> {
    try {
      await withRetry(this.bucket, attempt, [200], this.#signal);
      return { outcome: 'accepted', says: '' };
    } catch (error) {
      const code = codeOf(error);
      if (code !== undefined && REFUSALS.has(code)) return { outcome: 'refused', says: code };
      return { outcome: 'no-answer', says: asLifeboatError(error).message };
    }
  }
}

interface VersionPage {
  objects: {
    name?: string;
    versionId?: string;
    size?: number;
    lastModified?: Date | string;
    isLatest?: boolean;
    isDeleteMarker?: boolean;
  }[];
  isTruncated?: boolean;
  keyMarker?: string;
  versionIdMarker?: string;
}

function asVersion(item: VersionPage['objects'][number]): ObjectVersion[] {
  if (item.name === undefined) return [];
  return [
    {
      key: item.name,
      versionId: item.versionId ?? 'null',
      size: item.size ?? 0,
      modifiedMs: new Date(item.lastModified ?? 0).getTime(),
      isLatest: item.isLatest === true,
      isDeleteMarker: item.isDeleteMarker === true,
    },
  ];
}

const GONE = new Set(['NoSuchVersion', 'NoSuchKey', 'NotFound', 'NoSuchObjectLockConfiguration']);
const REFUSALS = new Set(['AccessDenied', 'ObjectLocked', 'InvalidRequest', 'MethodNotAllowed', 'Forbidden']);

/** The store's own word for what went wrong. */
export function codeOf(error: unknown): string | undefined {
  const cause = error instanceof LifeboatError ? error.cause : error;
  return (cause as { code?: string } | undefined)?.code;
}

function inOrder(a: ObjectVersion, b: ObjectVersion): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return Number(b.isLatest) - Number(a.isLatest) || b.modifiedMs - a.modifiedMs;
}
