import http from 'node:http';
import https from 'node:https';
import { Client } from 'minio';
import type { ObjectLock } from '../policy/object-lock.ts';

export interface S3Config {
  bucket: string;
  /** `http://host:port` or `https://…` as the router reaches it. */
  endpoint: string;
  /** As browsers reach it, where that differs. */
  publicEndpoint?: string;
  accessKey: string;
  secretKey: string;
  region: string;
  /** What is written is locked so long, where the bucket has object lock. */
  lock?: ObjectLock;
}

export interface S3Timeouts {
  /** Until a connection stands, ms. Default 5000. */
  connectMs?: number;
  /** Without a byte in either direction, ms. Default 30000. */
  idleMs?: number;
  /** Whoever uses the store ends: no further tries, and what has no answer `ENDING_MS` later gets none. */
  signal?: AbortSignal | undefined;
}

/** What is on its way when the router ends may take so long, ms; a container is killed 10 seconds after it was told to stop. */
const ENDING_MS = 2000;

const PART_BYTES = 16 << 20;

/**
 * The minio client with time-outs, which it has none of: a request on which nothing moves is ended with ETIMEDOUT.
 * Retries are the store's own (`withRetry`), so the client's are off.
 */
export function createS3Client(config: S3Config, timeouts: S3Timeouts = {}): { client: Client; close: () => void } {
  const { signal } = timeouts;
  let endsAt = signal?.aborted ? performance.now() : Number.POSITIVE_INFINITY;
  const url = new URL(config.endpoint);
  const secure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: 64, maxFreeSockets: 32 };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const base = secure ? https : http;
  const transport = {
    ...base,
    request: (options: https.RequestOptions, onResponse?: (response: http.IncomingMessage) => void) => {
      const most = Math.max(50, endsAt - performance.now());
      const connectMs = Math.min(timeouts.connectMs ?? 5000, most);
      const idleMs = Math.min(timeouts.idleMs ?? 30_000, most);
      const request = base.request(options, onResponse);
      const timedOut = (what: string, ms: number) =>
        request.destroy(Object.assign(new Error(`${what} for ${ms / 1000} s`), { code: 'ETIMEDOUT' }));
      request.setTimeout(idleMs, () => timedOut('no answer', idleMs));
      const connecting = setTimeout(() => timedOut('no connection', connectMs), connectMs);
      const connected = () => clearTimeout(connecting);
      request.once('socket', (socket) => (socket.connecting ? socket.once('connect', connected) : connected()));
      request.once('close', connected);
      return request;
    },
  };
  const client = new Client({
    endPoint: url.hostname,
    port: Number(url.port) || (secure ? 443 : 80),
    useSSL: secure,
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    region: config.region,
    pathStyle: true,
    partSize: PART_BYTES,
    transport: transport as unknown as typeof https,
    transportAgent: agent,
    retryOptions: { disableRetry: true },
  });
  const end = () => {
    endsAt = performance.now() + ENDING_MS;
    setTimeout(() => agent.destroy(), ENDING_MS).unref();
  };
  signal?.addEventListener('abort', end, { once: true });
  return {
    client,
    close: () => {
      signal?.removeEventListener('abort', end);
      agent.destroy();
    },
  };
}
