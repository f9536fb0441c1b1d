import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Archive } from '../../storage/archive-types.ts';
import { verify } from '../../storage/verify.ts';
import { archiveFolder, receive, STUDY, slice, storedKeys } from '../support/archive.ts';
import { CephS3, cephAvailable } from '../support/ceph.ts';

async function until(what: () => boolean, ms = 30_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!what() && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 20));
}

describe.skipIf(!cephAvailable())('the archive on a real S3', () => {
  let ceph: CephS3;
  beforeAll(async () => {
    ceph = await CephS3.start('bluestore');
  });
  afterAll(() => ceph?.stop());

  async function expectAll(archive: Archive, acknowledged: Map<string, string>): Promise<void> {
    const entries = await archive.entries(STUDY);
    expect(entries.map((entry) => entry.sopInstanceUID).sort()).toEqual([...acknowledged.keys()].sort());
    for (const entry of entries) {
      const object = await archive.store.get(entry.key);
      const hash = createHash('sha256').update(object.subarray(entry.dataSetOffset)).digest('hex');
      expect(hash).toBe(acknowledged.get(entry.sopInstanceUID));
    }
    expect((await archive.catalogue.totals()).instances).toBe(acknowledged.size);
    const run = verify({ store: archive.store, catalogue: archive.catalogue, strayAgeMs: 0 });
    for await (const finding of run) expect(finding).toBeUndefined();
    expect(run.summary.sound).toBe(acknowledged.size);
  }

  test('keeps a study, which a browser then reads by a presigned byte range', async () => {
    const folder = archiveFolder();
    const archive = await folder.open({ store: ceph.storeConfig('study') });
    try {
      const acknowledged = new Map<string, string>();
      for (let i = 1; i <= 40; i++) {
        const kept = await receive(archive, slice(i));
        acknowledged.set(kept.sopInstanceUID, kept.dataSetSha256);
      }
      await archive.flush();
      await expectAll(archive, acknowledged);
      expect((await storedKeys(archive, 'manifests/')).length).toBeLessThanOrEqual(4);
      const entry = (await archive.entries(STUDY))[0]!;
      const layout = entry.pixelData;
      if (layout?.kind !== 'native') throw new Error('native pixel data expected');
      const url = await archive.store.presign(entry.key, Date.now() + 60_000)!;
      const range = { Range: `bytes=${layout.offset}-${layout.offset + layout.length - 1}`, Origin: 'http://viewer' };
      const answer = await fetch(url, { headers: range });
      expect(answer.status).toBe(206);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      const object = await archive.store.get(entry.key);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(object.subarray(layout.offset));
      expect((await fetch(url.split('?')[0]!)).status).toBe(403);
      expect((await fetch(url.replace(entry.key, 'lifeboat.json'))).status).toBe(403);
    } finally {
      await archive.close();
      folder.remove();
    }
  });

  test('killed in the middle of commits and brought back: the spool drains, nothing is lost', async () => {
    const folder = archiveFolder();
    const archive = await folder.open({ store: ceph.storeConfig('killed') });
    const seen: boolean[] = [];
    archive.events.on('store', (available) => seen.push(available));
    const acknowledged = new Map<string, string>();
    const send = async (from: number, to: number) => {
      for (let i = from; i <= to; i++) {
        const kept = await receive(archive, slice(i));
        acknowledged.set(kept.sopInstanceUID, kept.dataSetSha256);
      }
    };
    try {
      await send(1, 30);
      await archive.flush();
      const sending = send(31, 300);
      await until(() => archive.spool().entries > 50);
      const flushed = archive.flush();
      await until(() => archive.spool().entries < 200, 300);
      await ceph.kill();
      await sending;
      await send(301, 310);
      await until(() => archive.spool().storeError !== undefined);
      expect(archive.spool().storeError?.message).toMatch(/does not answer/);
      expect(archive.spool().entries).toBeGreaterThan(0);
      await ceph.resume();
      await flushed;
      await archive.flush();
      expect(archive.spool()).toMatchObject({ entries: 0 });
      expect(seen.slice(-2)).toEqual([false, true]);
      await expectAll(archive, acknowledged);
    } finally {
      await archive.close();
      folder.remove();
    }
  });

  test('started while the store is away: receives at once, commits when it is there', async () => {
    await ceph.kill('client.rgw.a');
    const folder = archiveFolder();
    const archive = await folder.open({ store: ceph.storeConfig('later') });
    try {
      const kept = await receive(archive, slice(1));
      await until(() => archive.spool().storeError !== undefined);
      expect(archive.spool()).toMatchObject({ entries: 1 });
      await ceph.resume();
      await archive.flush();
      await expectAll(archive, new Map([[kept.sopInstanceUID, kept.dataSetSha256]]));
      expect(await archive.store.head('lifeboat.json')).not.toBeNull();
    } finally {
      await archive.close();
      folder.remove();
    }
  });
});
