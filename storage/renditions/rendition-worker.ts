import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { NoRendition, packFrame } from './pack-frame.ts';
import type { PackAnswer, PackRequest } from './rendition-thread.ts';

/** On Linux a thread has a priority of its own; elsewhere it would be that of the whole router, and stays as it is. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), constants.priority.PRIORITY_LOW);
  } catch {
    // a container without /proc: the pauses between frames remain
  }
}

stepBack();
parentPort?.on('message', async ({ number, cells, shape }: PackRequest) => {
  let answer: PackAnswer;
  try {
    answer = { number, packed: await packFrame(cells, shape) };
  } catch (error) {
    const reason = error instanceof NoRendition ? error.message : `the codec failed: ${String(error)}`;
    answer = { number, none: reason };
  }
  parentPort?.postMessage(answer, 'packed' in answer ? [answer.packed.codestream.buffer as ArrayBuffer] : []);
});
