import { expect, test } from 'vitest';
import { everydayPolicy } from '../../router/retention/everyday-policy.ts';
import { untilNight } from '../../router/retention/lock-watch.ts';
import { tryLock } from '../../storage/policy/canary.ts';
import { isLockedKey, lockHeaders } from '../../storage/policy/object-lock.ts';
import { startLyingS3 } from '../support/lying-s3.ts';

test('images, manifests and seals are locked from their writing on; what can be made anew is not', () => {
  for (const key of [
    'objects/00/1/2/3.dcm',
    'manifests/00/1/A.ndjson.gz',
    'metadata/00/1/A.ndjson.gz',
    'seals/k/00000001.json',
  ])
    expect(isLockedKey(key), key).toBe(true);
  for (const key of ['lifeboat/index/head.json', 'viewer/index.html']) expect(isLockedKey(key), key).toBe(false);
  expect(lockHeaders({ days: 2, mode: 'COMPLIANCE' }, Date.UTC(2026, 0, 30, 1, 2, 3, 456))).toEqual({
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': '2026-02-01T01:02:03Z',
  });
});

test.each([
  ['deletes', 'broken', 'let a locked object be deleted'],
  ['shortens', 'broken', 'let the lock be shortened'],
  ['forgets', 'broken', 'does not say that it is locked'],
  ['forces', 'key-too-strong', 'may end locks of mode GOVERNANCE by force'],
] as const)('a store that %s what it should keep is found out', async (lies, state, words) => {
  const store = await startLyingS3(lies);
  try {
    const verdict = await tryLock('store', store.config);
    expect(verdict.state).toBe(state);
    expect(verdict.text).toContain(words);
    expect(verdict.advice).not.toBe('');
  } finally {
    await store.close();
  }
});

test('a store that does not answer is neither good nor bad', async () => {
  const store = await startLyingS3('deletes');
  await store.close();
  expect((await tryLock('store', store.config)).state).toBe('not-checked');
}, 20_000);

test('a folder says honestly that it can be erased, and what to do', async () => {
  const verdict = await tryLock('store', { kind: 'file', dir: '/nowhere' });
  expect(verdict).toMatchObject({ state: 'folder', text: expect.stringContaining('cannot refuse deletion') });
  expect(verdict.advice).toContain('LIFEBOAT_REPLICA');
});

test('the next try is in the night', () => {
  expect(untilNight(new Date(2026, 0, 1, 1, 0))).toBe(1.5 * 3_600_000);
  expect(untilNight(new Date(2026, 0, 1, 3, 0))).toBe(23.5 * 3_600_000);
});

test.each(['ceph', 'aws', 'seaweedfs'] as const)(
  'the everyday policy for %s lets nothing be deleted but what is published anew',
  (store) => {
    const names = { bucket: 'images', user: 'router', owner: 'owner', breakGlassUser: 'glass' };
    const printed = JSON.parse(everydayPolicy(store, names));
    const { Statement } = (store === 'seaweedfs' ? printed.bucketPolicy : printed) as {
      Statement: { Sid: string; Effect: string; Principal: { AWS: string[] }; Action: string[]; Resource: string[] }[];
    };
    const ofRouter = Statement.filter(({ Principal }) => Principal.AWS[0]!.endsWith('user/router'));
    const deletes = ofRouter.filter(
      ({ Effect, Action }) => Effect === 'Allow' && Action.some((a) => /Delete|Bypass/.test(a)),
    );
    expect(deletes.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [['s3:DeleteObject'], ['arn:aws:s3:::images/lifeboat/*']],
    ]);
    const denied = ofRouter.filter(({ Effect }) => Effect === 'Deny').flatMap(({ Action }) => Action);
    for (const action of [
      's3:DeleteObjectVersion',
      's3:BypassGovernanceRetention',
      's3:PutBucketPolicy',
      's3:DeleteBucket',
    ])
      expect(denied).toContain(action);
    expect(Statement.some(({ Principal }) => Principal.AWS[0]!.endsWith('user/glass'))).toBe(true);
  },
);
