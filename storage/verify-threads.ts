import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ObjectStore } from './object-store.ts';
import { FileStore } from './stores/file-store.ts';
import { checkObject, type ObjectCheck } from './verify-hash.ts';

export interface Hashers {
  check(key: string): Promise<ObjectCheck>;
  close(): Promise<void>;
}

/**
 * Reads objects: those of an embedded store in one thread for each core, so that all cores hash; those of an S3 here,
 * where the network is the limit.
 */
export function openHashers(store: ObjectStore): Hashers {
  if (!(store instanceof FileStore)) return { check: (key) => checkObject(store, key), close: async () => undefined };
  const waiting = new Map<number, (check: ObjectCheck) => void>();
  let number = 0;
  const threads = Array.from({ length: Math.max(2, availableParallelism()) }, () => {
    const thread = new Worker(new URL('./verify-worker.ts', import.meta.url), {
      workerData: { kind: 'file', dir: store.root },
    });
    thread.on('message', (answer: { number: number; check: ObjectCheck }) => {
      waiting.get(answer.number)?.(answer.check);
      waiting.delete(answer.number);
    });
    thread.on('error', (error) => {
      for (const answer of waiting.values()) answer({ state: 'not-checked', reason: error.message });
      waiting.clear();
    });
    return thread;
  });
  return {
    check: (key) =>
      new Promise((resolve) => {
        const mine = number++;
        waiting.set(mine, resolve);
        threads[mine % threads.length]!.postMessage({ number: mine, key });
      }),
    close: async () => {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
