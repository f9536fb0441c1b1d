import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { filesSource, type RepairSource, storeSource } from '../storage/repair-sources.ts';
import { openKnownReplica } from '../storage/replica/open-replica.ts';
import { openStore } from '../storage/stores/open-store.ts';
import type { Config } from './config.ts';
import { pacsWebSource } from './repair-from-pacs.ts';

export interface OpenSources {
  sources: RepairSource[];
  close(): Promise<void>;
}

/**
 * Where a repair may take right bytes from, in this order: files named by hand, other stores, the replica, whole files that lie in
 * the spool, the PACS.
 * @param from `replica`, `file:/folder` or `s3://bucket` (at the endpoint of the settings)
 * @param more asked last
 * @throws BAD_REQUEST when something named is not there
 */
export async function openSources(
  config: Config,
  named: { from?: readonly string[]; files?: readonly string[] },
  more: readonly RepairSource[] = [],
): Promise<OpenSources> {
  const stores: ObjectStore[] = [];
  const sources: RepairSource[] = [];
  for (const path of named.files ?? []) {
    if (!existsSync(path)) throw new LifeboatError('BAD_REQUEST', `${path} is not there.`);
    sources.push(filesSource(resolve(path)));
  }
  for (const from of named.from ?? []) {
    if (from === 'replica') {
      if (!config.replica) throw new LifeboatError('BAD_REQUEST', 'No replica is configured (LIFEBOAT_REPLICA).');
      continue;
    }
    const store = await openOther(config, from);
    stores.push(store);
    sources.push(storeSource(store));
  }
  if (config.replica) {
    const store = await openKnownReplica(config.replica.store).catch(() => null);
    if (store) {
      stores.push(store);
      sources.push({ ...storeSource(store), description: `the replica ${store.description}` });
    }
  }
  for (const folder of ['spool', 'import'])
    if (existsSync(join(config.dataDir, folder)))
      sources.push(filesSource(join(config.dataDir, folder), `the ${folder} folder`));
  const web = pacsWebSource(config);
  if (web) sources.push(web);
  sources.push(...more);
  return {
    sources,
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}

async function openOther({ store }: Config, from: string): Promise<ObjectStore> {
  if (from.startsWith('file:')) {
    const dir = resolve(from.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
    if (!existsSync(dir)) throw new LifeboatError('BAD_REQUEST', `${dir} is not there.`);
    return openStore({ kind: 'file', dir });
  }
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(from)?.[1];
  if (!bucket) throw new LifeboatError('BAD_REQUEST', `${from} is neither file:/folder nor s3://bucket.`);
  if (store.kind !== 's3')
    throw new LifeboatError('BAD_REQUEST', `${from} needs the LIFEBOAT_S3_ settings of its endpoint.`);
  return openStore({ ...store, bucket });
}
