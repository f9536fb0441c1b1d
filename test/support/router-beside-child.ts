import { openArchive } from '../../storage/archive.ts';
import type { StoreConfig } from '../../storage/stores/open-store.ts';
import { archiveOptions, receive, slice } from './archive.ts';

/**
 * One of several archives over one store, in a process of its own, to be killed: receives the slices FROM to TO of each study,
 * says `ACK sop dataSetSha256` for each acknowledged one, and goes on committing until it is killed.
 * Arguments: DIR STORE(JSON) FROM TO STUDY…
 */
const [dir, store, from, to, ...studies] = process.argv.slice(2) as [string, string, string, string, ...string[]];
const archive = await openArchive({ ...archiveOptions(dir), store: JSON.parse(store) as StoreConfig });
for (let i = Number(from); i <= Number(to); i++) {
  for (const study of studies) {
    const { sopInstanceUID, dataSetSha256 } = await receive(archive, slice(i, i, study));
    process.stdout.write(`ACK ${sopInstanceUID} ${dataSetSha256}\n`);
  }
}
await archive.flush();
process.stdout.write('DONE\n');
