import { parentPort, workerData } from 'node:worker_threads';
import { openStore, type StoreConfig } from './stores/open-store.ts';
import { checkObject } from './verify-hash.ts';

/** Thread of verify-threads.ts: hashes the objects whose keys it is sent, one after another. */
const port = parentPort!;
const opened = openStore(workerData as StoreConfig);

port.on('message', async ({ number, key }: { number: number; key: string }) => {
  try {
    port.postMessage({ number, check: await checkObject(await opened, key) });
  } catch (error) {
    port.postMessage({ number, check: { state: 'not-checked', reason: (error as Error).message } });
  }
});
