import { createPublicKey, sign } from 'node:crypto';
import { ARCHIVE_KEY, type ArchiveFacts, type SignedArchive } from '../format/lifeboat-archive.ts';
import { INDEX_VERSION } from '../format/lifeboat-index-head.ts';
import { FORMAT_VERSION } from '../format/manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import type { SealKey } from '../seal-key.ts';
import type { KnownHeads } from './index-state.ts';

/** Writes `lifeboat/archive.json`, signed with the key of the seals. Counts are those of the index. @throws STORE_UNAVAILABLE */
export async function publishArchive(options: {
  store: ObjectStore;
  heads: KnownHeads;
  key: SealKey;
  program: string;
  publishedBy: string;
}): Promise<void> {
  const { store, heads, key, program, publishedBy } = options;
  const parts = [...heads.live(), ...heads.recent().map(({ instances }) => ({ studies: 1, instances }))];
  const facts: ArchiveFacts = {
    lifeboat: 'archive-description',
    formatVersion: FORMAT_VERSION,
    indexVersion: INDEX_VERSION,
    studies: parts.reduce((sum, { studies }) => sum + studies, 0),
    instances: parts.reduce((sum, { instances }) => sum + instances, 0),
    program,
    publishedBy,
    publishedAt: new Date().toISOString(),
    keyId: key.keyId,
  };
  const payload = JSON.stringify(facts);
  const signed: SignedArchive = {
    payload,
    signature: sign(null, Buffer.from(payload), key.privateKey).toString('base64'),
    publicKey: createPublicKey(key.publicPem).export({ type: 'spki', format: 'der' }).toString('base64'),
  };
  await store.put(ARCHIVE_KEY, Buffer.from(`${JSON.stringify(signed)}\n`));
}
