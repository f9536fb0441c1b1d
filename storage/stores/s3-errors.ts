import { setTimeout as sleep } from 'node:timers/promises';
import { LifeboatError } from '../../contract/errors.ts';

/** What a failed request to S3 means: only an answer that says "not there" is OBJECT_NOT_FOUND. */
export function explainS3(error: unknown, what: string): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const { code, message, cause } = error as { code?: string; message?: string; cause?: unknown };
  if (code === 'NoSuchKey' || code === 'NotFound')
    return new LifeboatError('OBJECT_NOT_FOUND', `: ${what}`, { cause: error });
  if (code === 'InvalidRange') return new LifeboatError('RANGE_NOT_SATISFIABLE', undefined, { cause: error });
  const refusal = code === undefined ? undefined : REFUSALS[code];
  if (refusal)
    return new LifeboatError('STORE_UNAVAILABLE', `${refusal} ${WAITING} (${code}: ${what})`, { cause: error });
  const reason = [code, message || (cause instanceof Error ? cause.message : '')].filter(Boolean).join(' ');
  return new LifeboatError('STORE_UNAVAILABLE', `: ${reason || 'no answer'}`, { cause: error });
}

const WAITING = 'Received images wait safely in the spool.';

/** What the store answers, in words for whoever has to put it right. */
const REFUSALS: Record<string, string> = {
  NoSuchBucket: 'The object store answers, but the bucket is gone. Bring it back, or create it empty.',
  AccessDenied:
    'The object store answers, but its access key may not do this. Check the policy of the key and the bucket.',
  InvalidAccessKeyId: 'The object store answers, but does not know the access key (LIFEBOAT_S3_ACCESS_KEY).',
  SignatureDoesNotMatch: 'The object store answers, but the secret key does not fit (LIFEBOAT_S3_SECRET_KEY).',
  RequestTimeTooSkewed: 'The object store answers, but its clock and ours differ too much. Set the clocks.',
  QuotaExceeded: 'The object store answers, but its quota is used up.',
  XMinioStorageFull: 'The object store answers, but it has no room left.',
};

/** A bucket that was there and is not any more. */
export function bucketGone(bucket: string): LifeboatError {
  return new LifeboatError('STORE_UNAVAILABLE', `${REFUSALS['NoSuchBucket']} ${WAITING} (${bucket})`, {
    cause: { code: 'NoSuchBucket' },
  });
}

export function isBucketGone(error: unknown): boolean {
  const cause = error instanceof LifeboatError ? error.cause : error;
  return (cause as { code?: string } | undefined)?.code === 'NoSuchBucket';
}

/** Refusals that the same request meets again. */
const FINAL = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'NoSuchBucket',
  'InvalidBucketName',
  'RequestTimeTooSkewed',
  'QuotaExceeded',
  'XMinioStorageFull',
  'ObjectLocked',
]);

function isFinal(error: unknown): boolean {
  if (error instanceof LifeboatError && error.code !== 'STORE_UNAVAILABLE') return true;
  const cause = error instanceof LifeboatError ? error.cause : error;
  return FINAL.has((cause as { code?: string } | undefined)?.code ?? '');
}

const DELAYS_MS = [50, 200, 800, 2000];

/** Rejects never: a wait that `signal` ends early. */
function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * Tries again after resets, time-outs and 5xx: after a restart of a gateway the first request on a kept connection
 * always fails. `attempt` must be able to run again from its start. After `signal` nothing is
 * tried again: who ends does not wait for a store that is away.
 */
export async function withRetry<T>(
  what: string,
  attempt: () => Promise<T>,
  delays = DELAYS_MS,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = explainS3(thrown, what);
      if (isFinal(error) || tries >= delays.length || signal?.aborted) throw error;
      await wait(delays[tries]! * (0.5 + Math.random()), signal);
    }
  }
}
