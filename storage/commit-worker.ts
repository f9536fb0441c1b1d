import { parentPort } from 'node:worker_threads';
import { describeBlindly, describeFile, type KnownInstance } from './describe-file.ts';
import type { DescribedInstance } from './segments.ts';

/**
 * Thread of describe-thread.ts: answers instances one after another, in order. Content that cannot be described never
 * ends it.
 */
const port = parentPort!;
let turn: Promise<void> = Promise.resolve();

port.on('message', ({ number, known }: { number: number; known: KnownInstance }) => {
  turn = turn.then(async () => port.postMessage({ number, described: await describe(known) }));
});

async function describe(known: KnownInstance): Promise<DescribedInstance> {
  try {
    return await describeFile(known);
  } catch (error) {
    return describeBlindly(known, error instanceof Error ? error.message : String(error));
  }
}
