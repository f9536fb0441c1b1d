import { parentPort, workerData } from 'node:worker_threads';
import { asLifeboatError } from '../contract/errors.ts';
import { type CompactStoreOptions, compactStore } from './compact-store.ts';
import { openStore, type StoreConfig } from './stores/open-store.ts';

/** One pass over the store, in a thread of its own: what receives is not kept waiting by unpacking and packing. */
const { store: config, options } = workerData as { store: StoreConfig; options: Omit<CompactStoreOptions, 'store'> };
const store = await openStore(config);
try {
  const { held, ...done } = await compactStore({ ...options, store });
  parentPort?.postMessage({ done, held: held.length });
} catch (thrown) {
  const { code, message } = asLifeboatError(thrown);
  parentPort?.postMessage({ failed: { code, message } });
} finally {
  await store.close();
}
