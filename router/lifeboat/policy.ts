/** What the break-glass key may read: everything that reading in lifeboat mode needs. */
const READ = ['lifeboat.json', 'objects/*', 'manifests/*', 'metadata/*', 'lifeboat/*', 'viewer/*'];
/** Below here it may write its trace, and nowhere else. */
const TRACE = 'lifeboat/break-glass/*';
/** What a browser needs before anybody has signed in; none of it says anything of a patient. */
const ANYBODY = ['viewer/*', 'lifeboat/archive.json', 'lifeboat/envelopes/*'];

export const POLICY_STORES = ['ceph', 'aws', 'seaweedfs'] as const;
export type PolicyStore = (typeof POLICY_STORES)[number];

/**
 * The bucket policy (Ceph RGW, AWS) or the identities of `weed s3 -config` (SeaweedFS) for the break-glass key, as JSON.
 * @param user of the store, for the key
 */
export function breakGlassPolicy(store: PolicyStore, bucket: string, user: string): string {
  return JSON.stringify(store === 'seaweedfs' ? seaweed(bucket, user) : bucketPolicy(store, bucket, user), null, 2);
}

function bucketPolicy(store: 'ceph' | 'aws', bucket: string, user: string) {
  const arn = (key: string) => `arn:aws:s3:::${bucket}/${key}`;
  const reader = { AWS: [store === 'ceph' ? `arn:aws:iam:::user/${user}` : `arn:aws:iam::ACCOUNT-ID:user/${user}`] };
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'LifeboatRead', Effect: 'Allow', Principal: reader, Action: ['s3:GetObject'], Resource: READ.map(arn) },
      {
        Sid: 'LifeboatList',
        Effect: 'Allow',
        Principal: reader,
        Action: ['s3:ListBucket'],
        Resource: [`arn:aws:s3:::${bucket}`],
      },
      { Sid: 'LifeboatTrace', Effect: 'Allow', Principal: reader, Action: ['s3:PutObject'], Resource: [arn(TRACE)] },
      {
        Sid: 'LifeboatViewer',
        Effect: 'Allow',
        Principal: { AWS: ['*'] },
        Action: ['s3:GetObject'],
        Resource: ANYBODY.map(arn),
      },
    ],
  };
}

/** Goes into the `identities` of its configuration, beside those that are there. */
function seaweed(bucket: string, user: string) {
  return {
    identities: [
      {
        name: user,
        credentials: [{ accessKey: 'ACCESS-KEY', secretKey: 'SECRET-KEY' }],
        actions: [`Read:${bucket}`, `List:${bucket}`, `Write:${bucket}/${TRACE}`],
      },
      { name: 'anonymous', actions: ANYBODY.map((key) => `Read:${bucket}/${key}`) },
    ],
  };
}
