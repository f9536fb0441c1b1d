import { randomUUID } from 'node:crypto';
import { asLifeboatError } from '../../contract/errors.ts';
import type { LockVerdict } from '../../contract/retention.ts';
import { describeReplica } from '../replica/open-replica.ts';
import type { StoreConfig } from '../stores/open-store.ts';
import type { ObjectLock } from './object-lock.ts';
import type { Refusal, VersionedBucket } from './versioned-bucket.ts';

/** Overwritten at each try; its versions stay as long as their locks. */
export const CANARY_KEY = 'lifeboat/canary.json';
/** Kept no longer than needed: the shortest lock there is. */
const CANARY_DAYS = 1;

type Verdict = Pick<LockVerdict, 'state' | 'text' | 'advice'>;

/**
 * Finds out whether a store keeps its promise: writes a locked object, then tries to delete that version and to shorten its lock,
 * with the permissions of the key given. Never throws; what could not be asked is `not-checked`.
 */
export async function tryLock(
  role: LockVerdict['role'],
  config: StoreConfig,
  signal?: AbortSignal,
): Promise<LockVerdict> {
  const lock = config.kind === 's3' ? config.lock : undefined;
  const verdict = config.kind === 'file' ? FOLDER : await tryBucket(config, lock, signal);
  return {
    role,
    description: describeReplica(config),
    ...verdict,
    ...(lock && { lock }),
    checkedAt: new Date().toISOString(),
  };
}

const FOLDER: Verdict = {
  state: 'folder',
  text: 'This store is a folder, and a folder cannot refuse deletion: whoever may write to it can erase it.',
  advice:
    'Set LIFEBOAT_REPLICA to a bucket with object lock, or let the file system keep snapshots that the router’s account cannot remove.',
};

async function tryBucket(
  config: StoreConfig & { kind: 's3' },
  lock: ObjectLock | undefined,
  signal?: AbortSignal,
): Promise<Verdict> {
  // the client of S3 is large: only where there is a bucket
  const { VersionedBucket } = await import('./versioned-bucket.ts');
  const bucket = new VersionedBucket(config, { signal });
  try {
    if (!lock) return await tryVersions(bucket);
    const problem = await bucket.lockProblem();
    if (problem) return noLock(problem);
    return await tryLocked(bucket, lock);
  } catch (error) {
    return notChecked(asLifeboatError(error).message);
  } finally {
    bucket.close();
  }
}

async function tryLocked(bucket: VersionedBucket, lock: ObjectLock): Promise<Verdict> {
  const body = Buffer.from(
    `${JSON.stringify({ lifeboat: 'canary', id: randomUUID(), at: new Date().toISOString() })}\n`,
  );
  const canary = { days: CANARY_DAYS, mode: lock.mode };
  const version = await bucket.put(CANARY_KEY, body, canary);
  if (version === null) return noLock('it gave the locked object no version.');
  const told = await bucket.retention(CANARY_KEY, version);
  if (!told) return broken('took a locked object and does not say that it is locked');
  const shorter = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const tries: [string, () => Promise<Refusal>][] = [
    ['let the lock be shortened', () => bucket.tryRetention(CANARY_KEY, version, lock.mode, shorter)],
    ['let a locked object be deleted', () => bucket.tryDelete(CANARY_KEY, version)],
  ];
  for (const [what, attempt] of tries) {
    const { outcome, says } = await attempt();
    if (outcome === 'no-answer') return notChecked(says);
    if (outcome === 'accepted' && what.includes('shortened')) return broken(what);
    if (!(await stillThere(bucket, version, body))) return broken(what);
  }
  const forced = await bucket.tryDelete(CANARY_KEY, version, true);
  if (forced.outcome === 'no-answer') return notChecked(forced.says);
  if (!(await bucket.has(CANARY_KEY, version)))
    return lock.mode === 'COMPLIANCE' ? broken('let a locked object be deleted by force') : TOO_STRONG;
  return kept(lock, await mayDeleteVersions(bucket));
}

async function stillThere(bucket: VersionedBucket, version: string, body: Buffer): Promise<boolean> {
  return (await bucket.has(CANARY_KEY, version)) && (await bucket.get(CANARY_KEY, version)).equals(body);
}

/** Whether this key may delete what is not locked, for good. */
async function mayDeleteVersions(bucket: VersionedBucket): Promise<boolean> {
  const body = Buffer.from(`${JSON.stringify({ lifeboat: 'canary', id: randomUUID(), unlocked: true })}\n`);
  const version = await bucket.put(CANARY_KEY, body);
  if (version === null) return true;
  await bucket.tryDelete(CANARY_KEY, version);
  return !(await bucket.has(CANARY_KEY, version));
}

async function tryVersions(bucket: VersionedBucket): Promise<Verdict> {
  if ((await bucket.isVersioned()) && !(await mayDeleteVersions(bucket)))
    return {
      state: 'versions',
      text: 'Nothing is locked, but the bucket keeps every version and the router’s key may not delete one.',
      advice:
        'Whoever has the key of the bucket’s owner can still erase it: a bucket with object lock refuses that too (LIFEBOAT_LOCK_DAYS).',
    };
  return {
    state: 'off',
    text: 'Nothing is locked: whoever has the router’s key can erase every image in this bucket.',
    advice: `Use a bucket with object lock (LIFEBOAT_LOCK_DAYS) and give the router a key that may not delete: ${POLICY}.`,
  };
}

const POLICY = '`lifeboat policy everyday`';

function kept({ days, mode }: ObjectLock, strongKey: boolean): Verdict {
  return {
    state: 'kept',
    text:
      `The store keeps its promise: it refused to delete a locked object and to shorten its lock. ` +
      `What is written is locked for ${days} ${days === 1 ? 'day' : 'days'} (${mode}).`,
    advice: strongKey
      ? `The router’s key may still delete what is no longer locked. Give it an everyday key: ${POLICY}.`
      : '',
  };
}

const TOO_STRONG: Verdict = {
  state: 'key-too-strong',
  text: 'The store refuses to delete what is locked, but the router’s own key may end locks of mode GOVERNANCE by force.',
  advice: `Give the router an everyday key (${POLICY}), or set LIFEBOAT_LOCK_MODE to COMPLIANCE.`,
};

function noLock(problem: string): Verdict {
  return {
    state: 'no-lock',
    text: `Locks are asked for (LIFEBOAT_LOCK_DAYS), but nothing is locked: ${problem}`,
    advice:
      'Make a new bucket with object lock, set LIFEBOAT_REPLICA to it, wait until it is level, and exchange the two.',
  };
}

function broken(what: string): Verdict {
  return {
    state: 'broken',
    text: `The store does not keep its promise: it ${what}.`,
    advice: 'Do not rely on its object lock. Report it to whoever runs the store, and keep a replica in another one.',
  };
}

function notChecked(reason: string): Verdict {
  return {
    state: 'not-checked',
    text: `It could not be found out whether this store refuses deletion: ${reason}`,
    advice: 'It is tried again in a few minutes.',
  };
}
