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

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

async function attempt(
  url: string,
  start: number,
  end: number,
  size: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const whole = start === 0 && end === size;
  const response = await fetch(url, {
    signal,
    credentials: 'omit',
    headers: whole ? undefined : { range: `bytes=${start}-${end - 1}` },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new FetchError(response.status, `the store answered ${response.status}`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const expected = response.status === 206 ? end - start : size;
  if (bytes.length !== expected)
    throw new FetchError(response.status, `the store sent ${bytes.length} bytes where ${expected} were promised`);
  return response.status === 206 || whole ? bytes : bytes.subarray(start, end);
}

/**
 * Bytes [start, end) of an object of `size` bytes. An answer whose length is not the promised one is never used: it is
 * fetched again, up to four times in all.
 * @throws FetchError; status 401 and 403 at once (the address has expired), others after the last attempt
 */
export async function fetchRange(
  url: string,
  start: number,
  end: number,
  size: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt(url, start, end, size, signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      const status = error instanceof FetchError ? error.status : 0;
      if (n >= attempts || status === 401 || status === 403 || status === 404)
        throw error instanceof FetchError ? error : new FetchError(0, 'the store does not answer');
      await wait(150 * 2 ** (n - 1), signal);
    }
  }
}
