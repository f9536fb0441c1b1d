import { readFile } from 'node:fs/promises';
import type { Archive } from '../../storage/archive-types.ts';

/** Puts Part 10 files into an archive as an import would, and waits until they are in the store and the catalogue. */
export async function keepFiles(archive: Archive, files: Iterable<string | Uint8Array>): Promise<void> {
  for (const file of files) {
    const bytes = typeof file === 'string' ? await readFile(file) : file;
    const reception = archive.beginFile({ via: 'import', user: 'test' });
    await reception.write(bytes);
    await reception.finish();
  }
  await archive.flush();
}
