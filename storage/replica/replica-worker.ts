import { parentPort, workerData } from 'node:worker_threads';
import type { ReplicaAnswer, ReplicaRequest } from './replica-thread.ts';
import type { ReplicaOptions } from './replica-types.ts';
import { Replicator } from './replicator.ts';

const TELL_MS = 500;
const tell = (answer: ReplicaAnswer) => parentPort!.postMessage(answer);

const replicator = new Replicator({
  ...(workerData as Omit<ReplicaOptions, 'onProblem'>),
  onProblem: ({ code, message }) => tell({ problem: { code, message } }),
});
replicator.start();
let told = '';
const timer = setInterval(() => {
  const status = replicator.status();
  const text = JSON.stringify(status);
  if (text !== told) tell({ status });
  told = text;
}, TELL_MS);

parentPort!.on('message', (request: ReplicaRequest) => {
  if ('stored' in request) replicator.noteStored(request.stored);
  else if ('receiving' in request) replicator.noteReceiving(request.receiving);
  else if ('compareNow' in request) replicator.compareNow();
  else {
    clearInterval(timer);
    void replicator.close().finally(() => parentPort!.close());
  }
});
