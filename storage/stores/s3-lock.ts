import { createHash } from 'node:crypto';
import type { Client } from 'minio';
import { LifeboatError } from '../../contract/errors.ts';
import { lockHeaders, type ObjectLock, retainUntil } from '../policy/object-lock.ts';

/** Answers that mean: this bucket or store knows no object lock. */
const NO_LOCK = new Set([
  'InvalidRequest',
  'NotImplemented',
  'MethodNotAllowed',
  'ObjectLockConfigurationNotFoundError',
]);

/** One request: there is no moment at which the object is there and not locked. The SDK's own `putObject` drops these headers. */
export async function putLocked(
  client: Client,
  bucketName: string,
  objectName: string,
  body: Buffer,
  lock: ObjectLock,
  head: Record<string, string> = {},
): Promise<string | null> {
  const headers = {
    ...head,
    ...lockHeaders(lock),
    'Content-Length': String(body.length),
    'Content-MD5': createHash('md5').update(body).digest('base64'),
  };
  const answer = await client.makeRequestAsyncOmit({ method: 'PUT', bucketName, objectName, headers }, body, [200]);
  return (answer.headers['x-amz-version-id'] as string | undefined) ?? null;
}

/** Locks a version that is there already. */
export async function lockObject(
  client: Client,
  bucket: string,
  key: string,
  version: string | null,
  lock: ObjectLock,
): Promise<void> {
  await client.putObjectRetention(bucket, key, {
    mode: lock.mode,
    retainUntilDate: retainUntil(lock.days),
    ...(version && { versionId: version }),
  } as Parameters<Client['putObjectRetention']>[2]);
}

/** Why this bucket locks nothing; undefined when it does, or when the key may not ask (then a write tells). */
export async function bucketLocks(client: Client, bucket: string): Promise<string | undefined> {
  try {
    const answer = (await client.getObjectLockConfig(bucket)) as unknown as { objectLockEnabled?: string };
    if (answer.objectLockEnabled === 'Enabled') return undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'AccessDenied') return undefined;
    if (code === undefined || !NO_LOCK.has(code)) throw error;
  }
  return 'the bucket was made without object lock. It can only be had with a new bucket that was made with it.';
}

export function isLockRefused(error: unknown): boolean {
  const { code } = (error instanceof LifeboatError ? error.cause : error) as { code?: string };
  return code !== undefined && NO_LOCK.has(code);
}
