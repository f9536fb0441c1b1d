import { parentPort, workerData } from 'node:worker_threads';
import { asLifeboatError } from '../../contract/errors.ts';
import { loadSealKey } from '../seal-key.ts';
import { openStore } from '../stores/open-store.ts';
import { publishArchive } from './archive-description.ts';
import type { BuildJob, BuildNews } from './build-thread.ts';
import { catchUpIndex } from './catch-up-index.ts';
import { IndexWriter } from './index-writer.ts';

const job = workerData as BuildJob;
const tell = (news: BuildNews) => parentPort?.postMessage(news);
const onProblem = ({ message }: Error) => tell({ problem: message });
try {
  const store = await openStore(job.store);
  try {
    const writer = await IndexWriter.open({ store, writer: job.writer, workDir: job.workDir, onProblem });
    const onProgress = (studies: number) => tell({ studies });
    const added = await catchUpIndex({ store, writer, onProblem, onProgress, rebuild: job.rebuild });
    if (added === 0) await writer.heal();
    const key = loadSealKey(job.dataDir);
    await publishArchive({ store, heads: writer.heads, key, program: job.program, publishedBy: job.writer });
    tell({ added });
  } finally {
    await store.close();
  }
} catch (thrown) {
  const { code, message } = asLifeboatError(thrown);
  tell({ failed: { code, message } });
}
