import { parentPort, workerData } from 'node:worker_threads';
import { asLifeboatError } from '../contract/errors.ts';
import type { ObjectStore } from './object-store.ts';
import { FileStore } from './stores/file-store.ts';
import type { StoreConfig } from './stores/open-store.ts';
import { readerOf, type StudyReader } from './verify-reader.ts';

/** One task for a thread of verify-threads.ts: a method of StudyReader and what it is given. */
export type ReaderTask = {
  [Method in keyof StudyReader]: { method: Method; args: Parameters<StudyReader[Method]> };
}[keyof StudyReader];

export type ReaderAnswer = { number: number } & ({ result: unknown } | { failed: string });

const port = parentPort!;
const reader = open(workerData as StoreConfig).then(readerOf);

port.on('message', async ({ number, task }: { number: number; task: ReaderTask }) => {
  let answer: ReaderAnswer;
  try {
    answer = { number, result: await run(await reader, task) };
  } catch (error) {
    answer = { number, failed: asLifeboatError(error).message };
  }
  port.postMessage(answer);
});

/** The client for S3 takes longer to load than a small archive to read: only where it is needed. */
async function open(config: StoreConfig): Promise<ObjectStore> {
  if (config.kind === 'file') return FileStore.open(config.dir);
  return (await import('./stores/open-store.ts')).openStore(config);
}

function run(with_: StudyReader, task: ReaderTask): Promise<unknown> {
  switch (task.method) {
    case 'list':
      return with_.list(...task.args);
    case 'segment':
      return with_.segment(...task.args);
    case 'check':
      return with_.check(...task.args);
  }
}
