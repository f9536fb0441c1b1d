import { createHash, createHmac } from 'node:crypto';

export interface PresignTarget {
  /** Origin that the browser asks, e.g. `https://s3.hospital.example:9000`. */
  endpoint: string;
  bucket: string;
  region: string;
  accessKey: string;
  secretKey: string;
}

/** Longest life of a presigned address (AWS Signature Version 4). */
export const MAX_PRESIGN_SECONDS = 7 * 24 * 3600;

/**
 * Makes presigned GET addresses (AWS Signature Version 4 in the query, path style). The signing key of the day is kept,
 * so one address costs two hashes: the 500 of a study take a few milliseconds.
 */
export function createPresigner(target: PresignTarget): (key: string, expiresAtMs: number, nowMs?: number) => string {
  const { host, origin, pathname } = new URL(target.endpoint);
  const base = pathname.replace(/\/$/, '');
  let day = '';
  let signingKey: Buffer;
  return (key, expiresAtMs, nowMs = Date.now()) => {
    const at = `${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
    const today = at.slice(0, 8);
    const scope = `${today}/${target.region}/s3/aws4_request`;
    if (today !== day) {
      signingKey = [target.region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${target.secretKey}`, today));
      day = today;
    }
    const seconds = Math.min(MAX_PRESIGN_SECONDS, Math.max(1, Math.floor((expiresAtMs - nowMs) / 1000)));
    const path = `${base}/${target.bucket}/${key.split('/').map(encode).join('/')}`;
    const query =
      `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encode(`${target.accessKey}/${scope}`)}` +
      `&X-Amz-Date=${at}&X-Amz-Expires=${seconds}&X-Amz-SignedHeaders=host`;
    const request = `GET\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const hash = createHash('sha256').update(request).digest('hex');
    const signature = createHmac('sha256', signingKey)
      .update(`AWS4-HMAC-SHA256\n${at}\n${scope}\n${hash}`)
      .digest('hex');
    return `${origin}${path}?${query}&X-Amz-Signature=${signature}`;
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
