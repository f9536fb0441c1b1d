import { randomInt } from 'node:crypto';
import type { LifeboatSource } from '../../storage/format/lifeboat-index.ts';
import { readSegment } from '../../storage/format/lifeboat-study.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

const FOLDERS = 256;
const hex2 = (n: number) => n.toString(16).padStart(2, '0');

/**
 * Study Instance UIDs of up to `size` studies, drawn by chance from the lists of images themselves and not from the index, so that
 * a study that the index lacks can be met too. Of a small archive all.
 */
export async function sampleStudies(
  store: ObjectStore,
  source: LifeboatSource,
  size: number,
  random: (below: number) => number = randomInt,
): Promise<string[]> {
  const chosen = new Map<string, string>();
  const start = random(FOLDERS);
  for (let lap = 0; lap < 4 && chosen.size < size; lap++) {
    let metAny = false;
    for (let i = 0; i < FOLDERS && chosen.size < size; i++) {
      const studies = new Map<string, string>();
      for await (const { key } of store.list(`manifests/${hex2((start + i) % FOLDERS)}/`))
        studies.set(key.slice(0, key.lastIndexOf('/')), key);
      const left = [...studies].filter(([path]) => !chosen.has(path));
      if (left.length === 0) continue;
      metAny = true;
      const [path, key] = left[random(left.length)]!;
      chosen.set(path, key);
    }
    if (!metAny) break;
  }
  const uids: string[] = [];
  for (const key of chosen.values()) {
    const { entries } = await readSegment(await source.get(key), key);
    if (entries[0]) uids.push(entries[0].studyInstanceUID);
  }
  return uids;
}
