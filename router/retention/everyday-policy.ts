import { breakGlassPolicy, type PolicyStore } from '../lifeboat/policy.ts';

export interface EverydayNames {
  bucket: string;
  /** The store's user whose key the router has every day. */
  user: string;
  /** The store's user that owns the bucket; its key restores, removes by rule, and is kept under lock. */
  owner: string;
  /** With it, what this user may read in lifeboat mode is in the same document: a bucket has one policy. */
  breakGlassUser?: string;
}

/** The bucket itself. CORS: the router lets browsers read presigned addresses. */
const BUCKET = [
  's3:ListBucket',
  's3:ListBucketVersions',
  's3:ListBucketMultipartUploads',
  's3:GetBucketLocation',
  's3:GetBucketVersioning',
  's3:GetBucketObjectLockConfiguration',
  's3:GetBucketCORS',
  's3:PutBucketCORS',
];
/** Objects: written once, read, locked, held; a lock can be made longer with `PutObjectRetention`, never shorter. */
const OBJECTS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
  's3:GetObjectRetention',
  's3:PutObjectRetention',
  's3:GetObjectLegalHold',
];
/** What the router tidies up by itself and can make anew: pieces of the search index, envelopes. A delete marker, no version. */
const TIDIED = 'lifeboat/*';
/** Said again as a refusal: on Ceph the owner of an object may do some of it although no statement allows it. */
const NEVER = [
  's3:DeleteObjectVersion',
  's3:BypassGovernanceRetention',
  's3:PutObjectLegalHold',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
  's3:PutBucketAcl',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutBucketVersioning',
  's3:PutLifecycleConfiguration',
  's3:PutBucketObjectLockConfiguration',
  's3:DeleteBucket',
];
/** On Ceph an object belongs to who wrote it: the owner of the bucket is let in explicitly. */
const OWNER = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:GetObjectRetention',
  's3:PutObjectRetention',
  's3:BypassGovernanceRetention',
  's3:GetObjectLegalHold',
  's3:PutObjectLegalHold',
];

/**
 * A policy with which the router can receive, keep and show images, and can neither delete a version nor shorten a lock: the bucket
 * policy (Ceph RGW, AWS), or for SeaweedFS the identities of `weed s3 -config` and the bucket policy. As JSON.
 */
export function everydayPolicy(store: PolicyStore, names: EverydayNames): string {
  const policy = {
    Version: '2012-10-17',
    Statement: [...statements(store, names), ...breakGlassStatements(store, names)],
  };
  if (store !== 'seaweedfs') return JSON.stringify(policy, null, 2);
  const { bucket, user } = names;
  const identity = {
    name: user,
    credentials: [{ accessKey: 'ACCESS-KEY', secretKey: 'SECRET-KEY' }],
    actions: [`Read:${bucket}`, `List:${bucket}`, `Write:${bucket}`],
  };
  return JSON.stringify({ identities: [identity], bucketPolicy: policy }, null, 2);
}

function statements(store: PolicyStore, { bucket, user, owner }: EverydayNames) {
  const principal = (name: string) => ({ AWS: [principalOf(store, name)] });
  const here = `arn:aws:s3:::${bucket}`;
  const allow = (Sid: string, name: string, Action: string[], Resource: string[]) => ({
    Sid,
    Effect: 'Allow',
    Principal: principal(name),
    Action,
    Resource,
  });
  return [
    allow('LifeboatBucket', user, BUCKET, [here]),
    allow('LifeboatObjects', user, OBJECTS, [`${here}/*`]),
    allow('LifeboatTidy', user, ['s3:DeleteObject'], [`${here}/${TIDIED}`]),
    {
      Sid: 'LifeboatNever',
      Effect: 'Deny',
      Principal: principal(user),
      Action: NEVER,
      Resource: [here, `${here}/*`],
    },
    allow('LifeboatOwner', owner, OWNER, [`${here}/*`]),
  ];
}

function principalOf(store: PolicyStore, name: string): string {
  return store === 'ceph' ? `arn:aws:iam:::user/${name}` : `arn:aws:iam::ACCOUNT-ID:user/${name}`;
}

function breakGlassStatements(store: PolicyStore, { bucket, breakGlassUser }: EverydayNames): unknown[] {
  if (breakGlassUser === undefined) return [];
  const text = breakGlassPolicy(store === 'seaweedfs' ? 'aws' : store, bucket, breakGlassUser);
  return (JSON.parse(text) as { Statement: unknown[] }).Statement;
}

/** Rules for versions that nobody needs: index and viewer of lifeboat mode are written over and over. AWS and Ceph alike. */
export function tidyLifecycle(): string {
  const rule = (prefix: string) => ({
    ID: `lifeboat-old-versions-${prefix.replace('/', '')}`,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    NoncurrentVersionExpiration: { NoncurrentDays: 7 },
  });
  return JSON.stringify({ Rules: [rule('lifeboat/'), rule('viewer/')] }, null, 2);
}
