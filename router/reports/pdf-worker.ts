import { parentPort, workerData } from 'node:worker_threads';
import { writePdf } from './pdf.ts';
import type { Report } from './report-types.ts';

const bytes = await writePdf(workerData as Report);
parentPort!.postMessage(new Uint8Array(bytes));
