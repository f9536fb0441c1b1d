import { parentPort, workerData } from 'node:worker_threads';
import { loadSealKey } from '../seal-key.ts';
import { openStore, type StoreConfig } from '../stores/open-store.ts';
import { IndexKeeper, type IndexTimes } from './index-keeper.ts';

/** The index in a thread of its own: unpacking, sorting and packing keep nobody waiting who receives. */
const {
  store: config,
  dataDir,
  writer,
  workDir,
  program,
  times,
} = workerData as {
  store: StoreConfig;
  dataDir: string;
  writer: string;
  workDir: string;
  program: string;
  times: IndexTimes;
};
const end = new AbortController();
const store = await openStore(config, { signal: end.signal });
const keeper = new IndexKeeper({
  ...times,
  store,
  writer,
  workDir,
  program,
  key: loadSealKey(dataDir),
  onProblem: ({ code, message }) => parentPort?.postMessage({ problem: { code, message } }),
  onStatus: (status) => parentPort?.postMessage({ status }),
});
keeper.start();
parentPort?.on('message', async (message: { changed: string[] } | 'close') => {
  if (message !== 'close') {
    keeper.changed(message.changed);
    return;
  }
  end.abort();
  await keeper.close();
  await store.close();
  parentPort?.close();
});
