import { Worker } from 'node:worker_threads';
import { LifeboatError } from '../../contract/errors.ts';
import type { Report } from './report-types.ts';

/** `writePdf` in a thread of its own, for the event loop stays free for receiving. @throws INTERNAL */
export function makePdf(report: Report): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./pdf-worker.ts', import.meta.url), { workerData: report });
    const fail = (cause: unknown) => reject(new LifeboatError('INTERNAL', 'The report could not be made.', { cause }));
    worker.once('message', (bytes: Uint8Array) => resolve(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
    worker.once('error', fail);
    worker.once('exit', (code) => fail(new Error(`the thread ended with code ${code}`)));
  });
}
