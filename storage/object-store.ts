import type { Readable } from 'node:stream';

/** Size and, where the store gives one, modification time (ms since epoch) of an object. */
export interface ObjectInfo {
  key: string;
  size: number;
  modifiedMs?: number;
}

/** `start` and inclusive-exclusive `end` in bytes; `end` omitted means to the end of the object. */
export interface ByteRange {
  start: number;
  end?: number;
}

/** What the store tells a browser that reads the object by itself; a folder's web server goes by the name instead. */
export interface PutOptions {
  contentType?: string;
  cacheControl?: string;
}

/**
 * The one small interface behind which the archive keeps its objects. Objects are immutable: a key is written once with
 * one content. Keys are `/`-separated, segments of [A-Za-z0-9._-], no `.` or `..` segment.
 *
 * Errors: OBJECT_NOT_FOUND only when the store said so (a real 404); STORE_UNAVAILABLE for everything that did not get an
 * answer (reset, time-out, 5xx) after retries. An answer that did not come is never a missing object.
 */
export interface ObjectStore {
  /** `file:/path` or `s3://bucket`, for people. */
  readonly description: string;
  /** One sentence for IT on what works but should be put right; undefined when there is nothing (or nothing known yet). */
  readonly warning?: string | undefined;
  /** Durable when resolved. Putting the same key again with the same bytes is harmless. */
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<void>;
  /** Like `put`, from a file on the router's disk (the embedded store links it when on the same file system). The file stays. */
  putFile(key: string, path: string, size: number): Promise<void>;
  get(key: string, range?: ByteRange): Promise<Buffer>;
  /** Streams; destroys on error. Length mismatches with the store's own header are errors, never a short end. */
  stream(key: string, range?: ByteRange): Promise<{ body: Readable; size: number }>;
  /** null only on a real 404. */
  head(key: string): Promise<ObjectInfo | null>;
  /** In key order; with `after` only keys greater than that text. */
  list(prefix: string, after?: string): AsyncIterable<ObjectInfo>;
  /** For tests and retention only. */
  delete(key: string): Promise<void>;
  /** An address with which a browser reads this one object (Range allowed) until `expiresAtMs`; null: the router signs and serves it itself. */
  presign(key: string, expiresAtMs: number): Promise<string> | null;
  /** Cheap probe; throws STORE_UNAVAILABLE. */
  ping(): Promise<void>;
  /** The store was emptied or made anew: what was prepared in it once (a bucket's CORS rule) is prepared again. */
  renew?(): void;
  close(): Promise<void>;
}
