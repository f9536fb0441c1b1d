/**
 * Reading the store over HTTP without any of our servers: an S3 bucket with requests signed here (AWS Signature Version 4 in
 * the query), or a plain copy of it behind any web server that answers byte ranges. Runs in the browser too.
 */
import { AwsV4Signer } from 'aws4fetch';
import { LifeboatError } from '../../contract/errors.ts';
import type { StoreCredential } from './break-glass-envelope.ts';

export interface HttpStoreOptions {
  /** Address of the bucket or folder itself, with a slash at its end. */
  base: string;
  /** Absent: requests go unsigned, to a plain web server. */
  credential?: StoreCredential;
  /** Of the signature. */
  region?: string;
  /**
   * Put into the query of every request, where the store's access log shows it. Names begin with `x-lifeboat-`: S3 ignores
   * parameters that begin with `x-` and logs them.
   */
  marks?: Record<string, string>;
  /** How far the store's clock is ahead of this machine's, ms: a signature with the wrong time is refused. */
  clockAheadMs?: number;
  /** Longest silence that is waited for, ms. */
  stallMs?: number;
}

const ATTEMPTS = 3;
const STALL_MS = 8000;
/** Life of a signature, s. */
const EXPIRES_S = 3600;
/** An object belongs to the key that wrote it: without this the archive's own key, the router's, could not read it. */
const FOR_OWNER = { 'x-amz-acl': 'bucket-owner-full-control' };

/** Bytes and lists of a store that is reached over HTTP. */
export class HttpStore {
  readonly #options: HttpStoreOptions;
  readonly #signingKeys = new Map<string, ArrayBuffer>();
  /** Only a store that signs can list. */
  readonly list: ((prefix: string) => Promise<string[]>) | undefined;

  constructor(options: HttpStoreOptions) {
    this.#options = options;
    this.list = options.credential ? (prefix) => this.#list(prefix) : undefined;
  }

  get signed(): boolean {
    return this.#options.credential !== undefined;
  }

  /**
   * Address of an object; a signed one is good for an hour.
   * @param method what it is good for
   */
  address(key: string, method: 'GET' | 'PUT' = 'GET', marks: Record<string, string> = {}): Promise<string> {
    const url = new URL(key.split('/').map(encodeURIComponent).join('/'), this.#options.base);
    return this.#signed(url, method, marks);
  }

  /**
   * An object, or the bytes `first` to `last` of it, both included.
   * @param marks for the access log, in this request alone
   * @throws OBJECT_NOT_FOUND, FORBIDDEN, BAD_CREDENTIALS (an answer); STORE_UNAVAILABLE (none, after three tries)
   */
  async get(
    key: string,
    range?: { first: number; last: number },
    marks: Record<string, string> = {},
  ): Promise<Uint8Array> {
    const headers = range && { range: `bytes=${range.first}-${range.last}` };
    const { response, bytes } = await this.#ask(() => this.address(key, 'GET', marks), { headers });
    if (!range) return bytes;
    if (response.status === 206 && bytes.length <= range.last - range.first + 1) return bytes;
    if (response.status === 200) return bytes.subarray(range.first, range.last + 1);
    throw new LifeboatError('STORE_UNAVAILABLE', 'The store answered other bytes than it was asked for.');
  }

  /** @throws FORBIDDEN where the credential may not write there, else as `get` */
  async put(key: string, body: string): Promise<void> {
    const headers = { 'content-type': 'application/json', ...(this.signed && FOR_OWNER) };
    await this.#ask(() => this.address(key, 'PUT'), { method: 'PUT', body, headers });
  }

  async #list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for (let token: string | undefined = ''; token !== undefined; ) {
      const url = new URL(this.#options.base);
      url.searchParams.set('list-type', '2');
      url.searchParams.set('prefix', prefix);
      if (token) url.searchParams.set('continuation-token', token);
      const { bytes } = await this.#ask(() => this.#signed(url, 'GET', {}), {});
      const text = new TextDecoder().decode(bytes);
      if (!text.includes('<ListBucketResult'))
        throw new LifeboatError('STORE_UNAVAILABLE', 'The store did not answer with a list.');
      for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(key!);
      token = /<IsTruncated>true</.test(text)
        ? /<NextContinuationToken>([^<]*)</.exec(text)?.[1]?.replaceAll('&amp;', '&')
        : undefined;
    }
    return keys;
  }

  async #signed(address: URL, method: string, marks: Record<string, string>): Promise<string> {
    const { credential, region = 'us-east-1', clockAheadMs = 0 } = this.#options;
    const url = new URL(address);
    for (const [name, value] of Object.entries({ ...this.#options.marks, ...marks })) url.searchParams.set(name, value);
    if (!credential) return url.href;
    url.searchParams.set('X-Amz-Expires', String(EXPIRES_S));
    const now = new Date(Date.now() + clockAheadMs).toISOString();
    const signer = new AwsV4Signer({
      url: url.href,
      method,
      ...(method === 'PUT' && { headers: FOR_OWNER }),
      accessKeyId: credential.accessKey,
      secretAccessKey: credential.secretKey,
      service: 's3',
      region,
      signQuery: true,
      datetime: `${now.slice(0, 19).replace(/[-:]/g, '')}Z`,
      cache: this.#signingKeys,
    });
    return (await signer.sign()).url.href;
  }

  /** Asks up to three times; what answers in words (4xx) is not asked again. */
  async #ask(
    address: () => Promise<string>,
    init: RequestInit,
  ): Promise<{ response: Response; bytes: Uint8Array<ArrayBuffer> }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await this.#attempt(await address(), init);
        if (found.response.status < 500) {
          if (!found.response.ok) throw refusal(found.response.status, found.bytes, this.signed);
          return found;
        }
        throw new LifeboatError('STORE_UNAVAILABLE', `The store has trouble (${found.response.status}).`);
      } catch (error) {
        const final = error instanceof LifeboatError && error.code !== 'STORE_UNAVAILABLE';
        if (final) throw error;
        if (attempt >= ATTEMPTS)
          throw error instanceof LifeboatError
            ? error
            : new LifeboatError('STORE_UNAVAILABLE', 'The store does not answer.', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 150 * 2 ** attempt));
      }
    }
  }

  async #attempt(url: string, init: RequestInit) {
    const abort = new AbortController();
    const stallMs = this.#options.stallMs ?? STALL_MS;
    let timer = setTimeout(() => abort.abort(), stallMs);
    try {
      const response = await fetch(url, {
        ...init,
        cache: 'no-store',
        credentials: 'same-origin',
        redirect: 'error',
        signal: abort.signal,
      });
      const pieces: Uint8Array[] = [];
      const reader = response.body?.getReader();
      for (let step = await reader?.read(); step && !step.done; step = await reader!.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), stallMs);
        pieces.push(step.value);
      }
      return { response, bytes: joined(pieces, promisedLength(response)) };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Bytes that the answer's own head promises; undefined where it does not say, or the body came packed. */
function promisedLength({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

function joined(pieces: Uint8Array[], promised: number | undefined): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  if (promised !== undefined && promised !== bytes.length)
    throw new LifeboatError('STORE_UNAVAILABLE', `The answer broke off after ${bytes.length} of ${promised} bytes.`);
  return bytes;
}

/** S3's refusals (the `Code` of its XML answer) and a web server's, in words for whoever sits before the screen. */
function refusal(status: number, body: Uint8Array, signed: boolean): LifeboatError {
  const code = /<Code>([^<]+)<\/Code>/.exec(new TextDecoder().decode(body))?.[1] ?? '';
  if (status === 404) return new LifeboatError('OBJECT_NOT_FOUND');
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSecurity|InvalidToken)$/.test(code))
    return new LifeboatError(
      'BAD_CREDENTIALS',
      'The store does not know this access key, or the secret key does not fit.',
    );
  if (status === 401)
    return new LifeboatError('UNAUTHENTICATED', 'The web server asks for a name and password of its own.');
  if (status === 403)
    return new LifeboatError(
      'FORBIDDEN',
      signed ? 'The store does not let this access key do that (403).' : 'The store asks for a credential.',
    );
  return new LifeboatError('STORE_UNAVAILABLE', `The store answered ${status} ${code}`.trim());
}

/**
 * Whether a store lets everybody read: a plain copy of the archive behind a web server does, a bucket does not. Says also by how
 * much its clock is ahead, where its answer shows that.
 * @param base with a slash at its end
 * @throws STORE_UNAVAILABLE, UNAUTHENTICATED (a web server with a sign-in of its own)
 */
export async function lookAtStore(base: string): Promise<{ open: boolean; clockAheadMs: number }> {
  const askedAt = Date.now();
  let response: Response;
  try {
    response = await fetch(new URL('lifeboat.json', base), { cache: 'no-store', credentials: 'same-origin' });
  } catch (error) {
    throw new LifeboatError('STORE_UNAVAILABLE', 'The store does not answer.', { cause: error });
  }
  await response.body?.cancel();
  const there = Date.parse(response.headers.get('date') ?? '');
  const here = (askedAt + Date.now()) / 2;
  // A clock that is right to the minute needs no correction, and the header has no parts of a second.
  const clockAheadMs = Math.abs(there - here) > 30_000 ? Math.round(there - here) : 0;
  if (response.ok) return { open: true, clockAheadMs };
  if (response.status === 401) throw refusal(401, new Uint8Array(), false);
  if (response.status === 403) return { open: false, clockAheadMs };
  if (response.status === 404)
    throw new LifeboatError('OBJECT_NOT_FOUND', 'There is no archive of Lifeboat beside this page.');
  throw refusal(response.status, new Uint8Array(), false);
}
