import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** Writes with back-pressure; rejects when the peer went away. */
export async function writeTo(out: Writable, chunk: Uint8Array | string): Promise<void> {
  if (out.destroyed) throw Object.assign(new Error('peer closed the connection'), { code: 'EPIPE' });
  if (out.write(chunk)) return;
  const gone = new AbortController();
  try {
    await Promise.race([
      once(out, 'drain', { signal: gone.signal }),
      once(out, 'close', { signal: gone.signal }).then(() => {
        throw Object.assign(new Error('peer closed the connection'), { code: 'EPIPE' });
      }),
    ]);
  } finally {
    gone.abort();
  }
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
