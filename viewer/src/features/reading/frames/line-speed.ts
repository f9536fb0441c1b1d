/** Below this, latency hides the rate. */
const LEAST_BYTES = 32 * 1024;
/** What came longer ago than about so many bytes counts half. */
const MEMORY_BYTES = 4 * 1024 * 1024;
/** Of a line of which nothing is known. */
const UNKNOWN = Number.POSITIVE_INFINITY;
/** Where the browser says that the line is slow, or that data should be saved, bytes/s. */
const SAID_SLOW = 500_000;

interface Connection {
  saveData?: boolean;
  effectiveType?: string;
}

/** Measures the line to the store by what is fetched over it. Requests side by side share it: time counts once. */
export class LineSpeed {
  /** The codec of renditions has been loaded: it costs nothing any more. */
  codecReady = false;
  readonly #now: () => number;
  readonly #initial: () => number;
  #active = 0;
  #since = 0;
  #bytes = 0;
  #busyMs = 0;
  #first: number | undefined;

  /**
   * @param initial bytes/s as known before anything was fetched
   * @param now ms
   */
  constructor(initial: () => number = pageSpeed, now: () => number = () => performance.now()) {
    this.#initial = initial;
    this.#now = now;
  }

  get bytesPerSecond(): number {
    if (this.#bytes >= LEAST_BYTES && this.#busyMs > 0) return (this.#bytes / this.#busyMs) * 1000;
    this.#first ??= this.#initial();
    return this.#first;
  }

  /** Runs a request and counts what it brings; one that fails is not counted. */
  async measure(request: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#active === 0) this.#since = this.#now();
    this.#active += 1;
    let length = 0;
    try {
      const bytes = await request();
      length = bytes.length;
      return bytes;
    } finally {
      this.#active -= 1;
      const now = this.#now();
      if (length > 0) this.#count(length, now - this.#since);
      this.#since = now;
    }
  }

  #count(bytes: number, ms: number): void {
    const kept = 0.5 ** (bytes / MEMORY_BYTES);
    this.#bytes = this.#bytes * kept + bytes;
    this.#busyMs = this.#busyMs * kept + ms;
  }
}

/** What the page's own files took, or what the browser says of the line. */
export function pageSpeed(): number {
  const connection = (navigator as { connection?: Connection }).connection;
  if (connection?.saveData || /2g|3g/.test(connection?.effectiveType ?? '')) return SAID_SLOW;
  if (typeof performance.getEntriesByType !== 'function') return UNKNOWN;
  const entries = [
    ...(performance.getEntriesByType('navigation') as PerformanceResourceTiming[]),
    ...(performance.getEntriesByType('resource') as PerformanceResourceTiming[]),
  ].filter(({ transferSize, responseStart, responseEnd }) => transferSize > 0 && responseEnd > responseStart);
  return speedOf(entries);
}

/** Bytes/s over the time in which any of the answers was coming in. */
export function speedOf(
  entries: readonly Pick<PerformanceResourceTiming, 'encodedBodySize' | 'responseStart' | 'responseEnd'>[],
): number {
  let bytes = 0;
  let ms = 0;
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.responseStart - b.responseStart)) {
    bytes += entry.encodedBodySize;
    ms += Math.max(0, entry.responseEnd - Math.max(end, entry.responseStart));
    end = Math.max(end, entry.responseEnd);
  }
  return bytes >= LEAST_BYTES && ms > 0 ? (bytes / ms) * 1000 : UNKNOWN;
}
