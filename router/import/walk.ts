import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface FoundFile {
  path: string;
  size: number;
  mtimeMs: number;
}
export type Found = FoundFile | { path: string; problem: string };

/**
 * Files below a path in a fixed order, whatever their extension. Links are followed, each folder and file once: loops end.
 * What cannot be read is reported, never passed over.
 */
export async function* walk(path: string, seen: Set<string> = new Set()): AsyncGenerator<Found> {
  const info = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => error);
  if (info instanceof Error) {
    yield { path, problem: info.code === 'ENOENT' ? 'there is no such file' : info.message };
    return;
  }
  const identity = `${info.dev}:${info.ino}`;
  if (seen.has(identity)) return;
  seen.add(identity);
  if (info.isFile()) yield { path, size: Number(info.size), mtimeMs: Number(info.mtimeMs) };
  if (!info.isDirectory()) return;
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error) {
    yield { path, problem: names.message };
    return;
  }
  for (const name of names.sort()) yield* walk(join(path, name), seen);
}

/**
 * The file that a DICOMDIR's path means: discs write names in capitals, mounted ones often show them small, and ISO 9660
 * adds `.` or `;1`. Null when it is not there.
 */
export async function findReferenced(folder: string, parts: string[]): Promise<string | null> {
  let at = folder;
  for (const part of parts) {
    const names = await readdir(at).catch(() => [] as string[]);
    const plain = (name: string) => name.toUpperCase().replace(/\.?(;\d+)?$/, '');
    const name = names.includes(part) ? part : names.find((each) => plain(each) === plain(part));
    if (name === undefined) return null;
    at = join(at, name);
  }
  return at;
}
