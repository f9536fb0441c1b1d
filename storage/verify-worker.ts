import { parentPort, workerData } from 'node:worker_threads';
import { asLifeboatError } from '../contract/errors.ts';
import { openStore, type StoreConfig } from './stores/open-store.ts';
import { readerOf, type StudyReader } from './verify-reader.ts';

/** One task for a thread of verify-threads.ts: a method of StudyReader and what it is given. */
export type ReaderTask = {
  [Method in keyof StudyReader]: { method: Method; args: Parameters<StudyReader[Method]> };
}[keyof StudyReader];

export type ReaderAnswer = { number: number } & ({ result: unknown } | { failed: string });

const port = parentPort!;
const reader = openStore(workerData as StoreConfig).then(readerOf);

port.on('message', async ({ number, task }: { number: number; task: ReaderTask }) => {
  let answer: ReaderAnswer;
  try {
    answer = { number, result: await run(await reader, task) };
  } catch (error) {
    answer = { number, failed: asLifeboatError(error).message };
  }
  port.postMessage(answer);
});

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
