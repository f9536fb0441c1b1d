import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { LifeboatError } from '../contract/errors.ts';
import { DataSetScanner } from './format/data-set-scanner.ts';
import type { ScanResult } from './format/scan-types.ts';
import type { TransferSyntax } from './format/transfer-syntaxes.ts';

/** How far a deflated data set may expand. */
export interface InflateLimits {
  /** Bytes. */
  maxBytes: number;
  /** Output to input, checked beyond `ratioFromBytes` of output. */
  maxRatio: number;
  ratioFromBytes: number;
}

export const DEFAULT_INFLATE_LIMITS: InflateLimits = {
  maxBytes: 16 * 1024 ** 3,
  maxRatio: 1000,
  ratioFromBytes: 64 * 1024 ** 2,
};

/** Feeds a data set as it comes to the scanner, inflating it alongside where it is deflated (PS3.5 A.5). */
export class DataSetIntake {
  readonly scanner: DataSetScanner;
  readonly #inflater: Inflater | null;

  constructor(syntax: TransferSyntax, limits: InflateLimits = DEFAULT_INFLATE_LIMITS) {
    this.scanner = new DataSetScanner({ explicitVR: syntax.explicitVR, bigEndian: syntax.bigEndian });
    this.#inflater = syntax.deflated ? new Inflater(this.scanner, limits) : null;
  }

  /** `chunk` may be reused when the call (the promise) is done. Throws what the scanner throws, and DATASET_BOMB. */
  push(chunk: Uint8Array): void | Promise<void> {
    if (this.#inflater) return this.#inflater.push(chunk);
    this.scanner.push(chunk);
  }

  async end(): Promise<ScanResult> {
    await this.#inflater?.end();
    return this.scanner.end();
  }

  destroy(): void {
    this.#inflater?.destroy();
  }
}

class Inflater {
  readonly #stream: InflateRaw = createInflateRaw({ chunkSize: 64 * 1024 });
  readonly #scanner: DataSetScanner;
  readonly #limits: InflateLimits;
  #in = 0;
  #out = 0;
  #failure: Error | null = null;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(scanner: DataSetScanner, limits: InflateLimits) {
    this.#scanner = scanner;
    this.#limits = limits;
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#stream.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#stream.on('error', (error) => this.#fail(error));
  }

  #take(chunk: Buffer): void {
    if (this.#failure) return;
    this.#out += chunk.length;
    const { maxBytes, maxRatio, ratioFromBytes } = this.#limits;
    try {
      if (this.#out > maxBytes || (this.#out > ratioFromBytes && this.#out > maxRatio * this.#in)) {
        throw new LifeboatError('DATASET_BOMB');
      }
      this.#scanner.push(chunk);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error instanceof LifeboatError ? error : inflateError(error);
    this.#stream.destroy();
    this.#wake?.();
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#in += chunk.length;
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stream.write(chunk, () => resolve());
    });
    this.#wake = null;
    if (this.#failure) throw this.#failure;
  }

  async end(): Promise<void> {
    if (!this.#ended && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.end();
      });
    }
    if (this.#failure) throw this.#failure;
  }

  destroy(): void {
    this.#failure ??= new Error('aborted');
    this.#stream.destroy();
    this.#wake?.();
  }
}

function inflateError(error: Error): LifeboatError {
  const cut = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
  return cut
    ? new LifeboatError('DATASET_TRUNCATED', ': its deflated stream is cut off.', { cause: error })
    : new LifeboatError('DATASET_UNREADABLE', ': its deflated stream is damaged.', { cause: error });
}
