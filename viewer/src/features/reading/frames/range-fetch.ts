import { objectRequest } from '../../../shared/api/object-request.ts';

/** The bytes did not come, or not as many as the manifest promises. `message` is for the reader of the image. */
export class FetchError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'FetchError';
    this.status = status;
  }
}

const attempts = 4;
/** A store that hangs is asked this often: whoever waits for the image must hear of it before they give up. */
const hangingAttempts = 2;
/** No byte for this long, and the store counts as hanging (ms). */
const patienceMs = 8000;

export interface FetchRangeOptions {
  signal?: AbortSignal;
  /** Longest silence of the store that is waited for, in ms; slow but steady answers are read to their end. */
  stallMs?: number;
  /** Past the browser's cache, which lets only one request at a time write to an address: ranges of one file would queue up. */
  uncached?: boolean;
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function refusalText(status: number): string {
  if (status === 404) return 'the image is not in the store where it should be (404); tell IT';
  if (status === 401 || status === 403) return `the store does not let it be read (${status}); sign in anew or tell IT`;
  if (status >= 500) return `the store has trouble (${status}); try again, and tell IT if it stays so`;
  return `the store answered ${status}`;
}

class StallError extends FetchError {}

/** Ends a request on which nothing has moved for `ms`. */
class Watch {
  readonly #abort = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  stalled = false;
  constructor(ms: number, signal?: AbortSignal) {
    this.#ms = ms;
    if (signal?.aborted) this.#abort.abort(signal.reason);
    signal?.addEventListener('abort', () => this.#abort.abort(signal.reason), { signal: this.#abort.signal });
    this.moved();
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#abort.abort();
    }, this.#ms);
  }
  done(): void {
    clearTimeout(this.#timer);
  }
}

/** Reads at most `expected` bytes: a store that sends more is caught without holding it all. */
async function readBody(response: Response, expected: number, watch: Watch): Promise<Uint8Array> {
  const bytes = new Uint8Array(expected);
  const reader = response.body!.getReader();
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    watch.moved();
    const end = length + step.value.length;
    if (end > expected) await reader.cancel();
    else bytes.set(step.value, length);
    length = end;
    if (end > expected) break;
  }
  if (length !== expected)
    throw new FetchError(
      response.status,
      `the store sent ${length > expected ? 'more than' : `only ${length} of`} the ${expected} bytes that were promised`,
    );
  return bytes;
}

async function attempt(
  url: string,
  start: number,
  end: number,
  size: number,
  options: FetchRangeOptions,
): Promise<Uint8Array> {
  const whole = start === 0 && end === size;
  const stallMs = options.stallMs ?? patienceMs;
  const watch = new Watch(stallMs, options.signal);
  try {
    const response = await fetch(url, {
      ...objectRequest(),
      ...(options.uncached && { cache: 'no-store' as const }),
      signal: watch.signal,
      headers: whole ? undefined : { range: `bytes=${start}-${end - 1}` },
    });
    watch.moved();
    if (!response.ok) {
      await response.body?.cancel();
      throw new FetchError(response.status, refusalText(response.status));
    }
    const partial = response.status === 206;
    const bytes = await readBody(response, partial ? end - start : size, watch);
    return partial || whole ? bytes : bytes.subarray(start, end);
  } catch (error) {
    if (watch.stalled)
      throw new StallError(0, `the store has sent nothing for ${Math.round(stallMs / 1000)} s, asked more than once`);
    throw error;
  } finally {
    watch.done();
  }
}

/**
 * Bytes [start, end) of an object of `size` bytes. An answer whose length is not the promised one is never used: it is
 * fetched again, up to four times in all; a store that falls silent is asked twice.
 * @throws FetchError; status 401, 403 and 404 at once (the address has expired, the object is not there), others after the
 * last attempt
 */
export async function fetchRange(
  url: string,
  start: number,
  end: number,
  size: number,
  options: FetchRangeOptions = {},
): Promise<Uint8Array> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt(url, start, end, size, options);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      const status = error instanceof FetchError ? error.status : 0;
      const last = error instanceof StallError ? hangingAttempts : attempts;
      if (n >= last || status === 401 || status === 403 || status === 404)
        throw error instanceof FetchError ? error : new FetchError(0, 'the store does not answer');
      await wait(150 * 2 ** (n - 1), options.signal);
    }
  }
}
