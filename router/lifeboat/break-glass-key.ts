import { LifeboatError } from '../../contract/errors.ts';
import {
  envelopeKey,
  openEnvelope,
  readEnvelope,
  type StoreCredential,
} from '../../storage/format/break-glass-envelope.ts';
import { HttpStore } from '../../storage/format/lifeboat-store.ts';
import type { S3Config } from '../../storage/stores/s3-store.ts';

const baseOf = ({ endpoint, bucket }: S3Config) => `${endpoint.replace(/\/$/, '')}/${bucket}/`;

/**
 * Tries a break-glass key: it must read, and must not write where images are.
 * @returns the store as whoever has the key sees it
 * @throws BAD_CREDENTIALS, FORBIDDEN, STORE_UNAVAILABLE; BAD_REQUEST when it may write
 */
export async function tryBreakGlassKey(config: S3Config, credential: StoreCredential): Promise<HttpStore> {
  const store = new HttpStore({ base: baseOf(config), credential, region: config.region });
  await store.get('lifeboat.json');
  const probe = await fetch(await store.address('lifeboat/probe.json', 'PUT'), {
    method: 'PUT',
    body: 'x',
    // Not that of the body: a store that would let it be written refuses it for this alone.
    headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==', 'x-amz-acl': 'bucket-owner-full-control' },
  });
  if (probe.status !== 403)
    throw new LifeboatError(
      'BAD_REQUEST',
      'This key may write to the bucket. A break-glass key reads only: lifeboat break-glass policy.',
    );
  return store;
}

/**
 * Does what the sign-in of lifeboat mode does with a break-glass password: fetches the envelope without any key, opens it, tries
 * the key.
 * @throws OBJECT_NOT_FOUND, FORBIDDEN (the envelope is not for everybody to read), BAD_CREDENTIALS, and as `tryBreakGlassKey`
 */
export async function openByPassword(config: S3Config, name: string, password: string): Promise<HttpStore> {
  const anybody = new HttpStore({ base: baseOf(config) });
  const envelope = readEnvelope(new TextDecoder().decode(await anybody.get(envelopeKey(name))));
  return tryBreakGlassKey(config, await openEnvelope(envelope, password));
}
