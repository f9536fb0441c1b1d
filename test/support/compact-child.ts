import { compactStore } from '../../storage/compact-store.ts';
import { FileStore } from '../../storage/stores/file-store.ts';

/** Compacts the store in the folder DIR over and over, to be killed; replaced segments go after GRACE milliseconds. */
const [dir, grace] = process.argv.slice(2) as [string, string];
const store = await FileStore.open(dir);
process.stdout.write('READY\n');
for (;;) await compactStore({ store, minSegments: 2, quietMs: 0, maxLines: 40, graceMs: Number(grace) });
