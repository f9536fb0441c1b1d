import { LifeboatError } from '../../contract/errors.ts';

/** Longest header block of one part, bytes. */
const MAX_PART_HEADER_BYTES = 16 * 1024;
/** RFC 2046 allows 70; clients with longer ones exist. */
const MAX_BOUNDARY_BYTES = 256;
/** Text before the first boundary, bytes. */
const MAX_PREAMBLE_BYTES = 64 * 1024;

/** Called in this order for each part: `begin`, `data` any number of times, `end` or `truncated`. */
export interface PartHandler {
  /** Header names in lower case. */
  begin(headers: ReadonlyMap<string, string>): void | Promise<void>;
  /** `chunk` is a view of the caller's buffer: copy what must outlive the call. */
  data(chunk: Uint8Array): void | Promise<void>;
  /** The delimiter after this part has been seen: the part is whole. */
  end(): void | Promise<void>;
  /** The body ended inside this part. */
  truncated(): void | Promise<void>;
}

type State = 'preamble' | 'after-delimiter' | 'headers' | 'data' | 'epilogue';

const CR = 13;
const LF = 10;
const DASH = 45;

/**
 * Streaming reader of a multipart body (RFC 2046 5.1). Holds back only what may be the start of a delimiter, so memory
 * stays at the boundary's length plus one chunk. Accepts bare LF line ends and parts without headers.
 *
 * Errors: BAD_REQUEST for a body that is no multipart, PAYLOAD_TOO_LARGE for absurd headers.
 */
export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #handler: PartHandler;
  #state: State = 'preamble';
  #held: Buffer = Buffer.alloc(0);
  #preambleBytes = 0;
  #parts = 0;

  constructor(boundary: string, handler: PartHandler) {
    const bytes = Buffer.from(boundary, 'latin1');
    if (bytes.length === 0 || bytes.length > MAX_BOUNDARY_BYTES || /[\r\n]/.test(boundary)) {
      throw new LifeboatError('BAD_REQUEST', 'The multipart boundary in the Content-Type is missing or not usable.');
    }
    this.#delimiter = Buffer.concat([Buffer.from('--'), bytes]);
    this.#handler = handler;
  }

  /** Parts begun so far. */
  get parts(): number {
    return this.#parts;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let buffer = this.#held.length === 0 ? view : Buffer.concat([this.#held, view]);
    this.#held = Buffer.alloc(0);
    while (buffer.length > 0) {
      const before = this.#state;
      const used = await this.#step(buffer);
      buffer = buffer.subarray(used);
      if (used === 0 && before === this.#state) {
        this.#held = Buffer.from(buffer);
        return;
      }
    }
  }

  /** After the last byte of the body. */
  async finish(): Promise<void> {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    switch (this.#state) {
      case 'epilogue':
        return;
      case 'after-delimiter':
        // `--boundary--` without a line end, or cut right behind a delimiter: every part before it is whole.
        return;
      case 'headers':
        if (held.length === 0) return;
        this.#parts++;
        await this.#handler.begin(new Map());
        await this.#handler.truncated();
        return;
      case 'data':
        if (held.length > 0) await this.#handler.data(held);
        await this.#handler.truncated();
        return;
      case 'preamble':
        throw new LifeboatError('BAD_REQUEST', 'The body does not contain the boundary announced in the Content-Type.');
    }
  }

  async #step(buffer: Buffer): Promise<number> {
    switch (this.#state) {
      case 'preamble':
        return this.#preamble(buffer);
      case 'after-delimiter':
        return this.#afterDelimiter(buffer);
      case 'headers':
        return this.#headers(buffer);
      case 'data':
        return this.#data(buffer);
      case 'epilogue':
        return buffer.length;
    }
  }

  #preamble(buffer: Buffer): number {
    const at = buffer.indexOf(this.#delimiter);
    if (at >= 0 && (at > 0 ? buffer[at - 1] === LF : true)) {
      this.#state = 'after-delimiter';
      return at + this.#delimiter.length;
    }
    const used = at >= 0 ? at + 1 : Math.max(0, buffer.length - this.#delimiter.length);
    this.#preambleBytes += used;
    if (this.#preambleBytes > MAX_PREAMBLE_BYTES) {
      throw new LifeboatError(
        'BAD_REQUEST',
        'The body does not begin with the boundary announced in the Content-Type.',
      );
    }
    return used;
  }

  #afterDelimiter(buffer: Buffer): number {
    if (buffer.length < 2) return 0;
    if (buffer[0] === DASH && buffer[1] === DASH) {
      this.#state = 'epilogue';
      return 2;
    }
    const end = buffer.indexOf(LF);
    if (end < 0) {
      if (buffer.length > MAX_PART_HEADER_BYTES) throw new LifeboatError('BAD_REQUEST', 'A part has no line end.');
      return 0;
    }
    this.#state = 'headers';
    return end + 1;
  }

  async #headers(buffer: Buffer): Promise<number> {
    const block = headerBlock(buffer);
    if (!block) {
      if (buffer.length > MAX_PART_HEADER_BYTES) {
        throw new LifeboatError('PAYLOAD_TOO_LARGE', 'The headers of a part are too long.');
      }
      return 0;
    }
    this.#parts++;
    this.#state = 'data';
    this.#justBegun = true;
    await this.#handler.begin(parseHeaders(buffer.toString('latin1', 0, block.end)));
    return block.next;
  }

  #justBegun = false;

  async #data(buffer: Buffer): Promise<number> {
    let from = 0;
    for (;;) {
      const at = buffer.indexOf(this.#delimiter, from);
      if (at < 0) break;
      const atLineStart = at === 0 ? this.#justBegun : buffer[at - 1] === LF;
      if (atLineStart) {
        const next = buffer[at + this.#delimiter.length];
        if (next === undefined) return this.#deliver(buffer, lineBreakBefore(buffer, at));
        // A longer boundary that starts with ours, or pixel bytes that look like it, is not ours.
        if (next === CR || next === LF || next === DASH || next === 32 || next === 9) {
          const end = lineBreakBefore(buffer, at);
          if (end > 0) await this.#handler.data(buffer.subarray(0, end));
          this.#justBegun = false;
          this.#state = 'after-delimiter';
          await this.#handler.end();
          return at + this.#delimiter.length;
        }
      }
      from = at + 1;
    }
    return this.#deliver(buffer, Math.max(0, buffer.length - this.#delimiter.length - 2));
  }

  async #deliver(buffer: Buffer, length: number): Promise<number> {
    if (length === 0) return 0;
    await this.#handler.data(buffer.subarray(0, length));
    this.#justBegun = false;
    return length;
  }
}

/** Where the line break in front of a delimiter at `at` starts (it belongs to the delimiter, RFC 2046 5.1.1). */
function lineBreakBefore(buffer: Buffer, at: number): number {
  if (at >= 2 && buffer[at - 1] === LF && buffer[at - 2] === CR) return at - 2;
  return at >= 1 && buffer[at - 1] === LF ? at - 1 : at;
}

function headerBlock(buffer: Buffer): { end: number; next: number } | null {
  let lineStart = 0;
  for (let i = 0; i < buffer.length; i++) {
    if (buffer[i] !== LF) continue;
    const length = i - lineStart - (i > lineStart && buffer[i - 1] === CR ? 1 : 0);
    if (length === 0) return { end: lineStart, next: i + 1 };
    lineStart = i + 1;
  }
  return null;
}

function parseHeaders(block: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
