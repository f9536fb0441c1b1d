import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SendReport, sendInstances } from '../router/dimse/storage-scu.ts';

/** Where the demo's scanners send to. */
export interface Destination {
  name: string;
  aeTitle: string;
  port: number;
}

/** Writes a study's files to the scanner's disk. Returns their paths. */
export async function scan(folder: string, instances: Iterable<Uint8Array>): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const bytes of instances) {
    const path = join(folder, `${String(paths.length + 1).padStart(5, '0')}.dcm`);
    await writeFile(path, bytes);
    paths.push(path);
  }
  return paths;
}

/** Sends a study by real C-STORE. @param onProgress instances the destination has acknowledged */
export function push(
  callingAE: string,
  to: Destination,
  files: readonly string[],
  onProgress: (done: number, total: number) => void,
): Promise<SendReport> {
  return sendInstances({ host: '127.0.0.1', port: to.port, calledAE: to.aeTitle, callingAE, files, onProgress });
}
