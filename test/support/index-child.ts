import { indexPath } from '../../storage/format/lifeboat-index-row.ts';
import { listedStudies, rowsOf } from '../../storage/lifeboat/compare.ts';
import { IndexWriter } from '../../storage/lifeboat/index-writer.ts';
import { openStore, type StoreConfig } from '../../storage/stores/open-store.ts';

/** Publishes the studies named on standard input, a line each, to the index as writer WRITER, to be killed. Says each when it is in. */
const [config, writer, workDir] = process.argv.slice(2) as [string, string, string];
const store = await openStore(JSON.parse(config) as StoreConfig);
const onProblem = (error: Error) => {
  console.error(error.message);
};
const index = await IndexWriter.open({ store, writer, workDir, recentRows: 3, onProblem });
let rest = '';
for await (const piece of process.stdin) {
  const lines = (rest + String(piece)).split('\n');
  rest = lines.pop()!;
  for (const uid of lines) {
    const rows = [];
    const listed = listedStudies(store, `manifests/${indexPath(uid)}/`);
    for await (const row of rowsOf(store, listed, onProblem)) rows.push(row);
    await index.publish(rows);
    process.stdout.write(`${uid}\n`);
  }
}
await store.close();
