import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** A peer that takes nothing for so long holds up others: its connection is closed. */
const STALLED_MS = 60_000;
/** Large bodies go out in such pieces, so that a slow peer that still reads is seen to read. */
const PIECE_BYTES = 256 * 1024;

const gone = () => Object.assign(new Error('peer closed the connection'), { code: 'EPIPE' });

/** Writes with back-pressure; rejects when the peer went away or took nothing for `stalledMs`. */
export async function writeTo(out: Writable, chunk: Uint8Array | string, stalledMs = STALLED_MS): Promise<void> {
  if (typeof chunk === 'string') {
    await writePiece(out, chunk, stalledMs);
    return;
  }
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    await writePiece(out, chunk.subarray(at, at + PIECE_BYTES), stalledMs);
  }
}

async function writePiece(out: Writable, chunk: Uint8Array | string, stalledMs: number): Promise<void> {
  if (out.destroyed) throw gone();
  if (out.write(chunk)) return;
  const settled = new AbortController();
  const stalled = setTimeout(() => out.destroy(), stalledMs);
  try {
    await Promise.race([
      once(out, 'drain', { signal: settled.signal }),
      once(out, 'close', { signal: settled.signal }).then(() => {
        throw gone();
      }),
    ]);
  } finally {
    clearTimeout(stalled);
    settled.abort();
  }
}

/** Writes a whole body and waits until the peer's side has taken it: until then its bytes are in memory. */
export async function endWith(out: Writable, body: Uint8Array, stalledMs = STALLED_MS): Promise<void> {
  await writeTo(out, body, stalledMs);
  out.end();
  const stalled = setTimeout(() => out.destroy(), stalledMs);
  await finished(out, { readable: false })
    .catch(() => {
      throw gone();
    })
    .finally(() => clearTimeout(stalled));
}

/** Copies a stream with back-pressure and closes the source when the peer goes away. */
export async function copyTo(out: Writable, source: Readable): Promise<void> {
  try {
    for await (const chunk of source) await writeTo(out, chunk as Buffer);
  } finally {
    source.destroy();
  }
}

/** Writer of a `multipart/related` body (RFC 2387) as PS3.18 8.6.1.2 uses it. */
export class MultipartWriter {
  readonly boundary = `lifeboat-${randomBytes(16).toString('hex')}`;
  readonly #out: Writable;
  #parts = 0;

  constructor(out: Writable) {
    this.#out = out;
  }

  /** Value of the Content-Type header of the whole body. */
  contentType(partType: string): string {
    return `multipart/related; type="${partType}"; boundary=${this.boundary}`;
  }

  /** Bytes `begin` writes for the next part. */
  async begin(headers: Record<string, string>): Promise<void> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    await writeTo(this.#out, `${this.#parts++ === 0 ? '' : '\r\n'}--${this.boundary}\r\n${lines.join('')}\r\n`);
  }

  async part(headers: Record<string, string>, body: Uint8Array | Readable): Promise<void> {
    await this.begin(headers);
    if (body instanceof Uint8Array) await writeTo(this.#out, body);
    else await copyTo(this.#out, body);
  }

  async end(): Promise<void> {
    await writeTo(this.#out, `\r\n--${this.boundary}--\r\n`);
    this.#out.end();
  }
}
