import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Archive } from '../../storage/archive-types.ts';
import type { Catalogue } from '../../storage/catalogue/catalogue-types.ts';
import { openCatalogue } from '../../storage/catalogue/open.ts';
import type { InstanceEntry } from '../../storage/format/manifest.ts';
import { manifestPrefix, metadataKeyOf, studyPath } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { rebuild } from '../../storage/rebuild.ts';
import { writeSegments } from '../../storage/segments.ts';
import type { FindingKind } from '../../storage/verify-types.ts';
import { archiveFolder, receive, SERIES, STUDY, slice, storedKeys } from './archive.ts';

export const OTHER_STUDY = '1.2.3.77';
export const OTHER_PATIENT_STUDY = '1.2.3.78';

/** What a fault may touch; everything that was put or deleted is put back by `restore`. */
export class Bench {
  readonly archive: Archive;
  /** One of its own: the archive's heals itself. */
  readonly catalogue: Catalogue;
  readonly #before = new Map<string, Buffer | null>();

  private constructor(archive: Archive, catalogue: Catalogue) {
    this.archive = archive;
    this.catalogue = catalogue;
  }

  /** @param file of the catalogue, filled from the store as it is now */
  static async over(archive: Archive, file: string): Promise<Bench> {
    const catalogue = await openCatalogue({ kind: 'sqlite', file });
    await rebuild({ store: archive.store, catalogue });
    return new Bench(archive, catalogue);
  }

  get store(): ObjectStore {
    return this.archive.store;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#remember(key);
    // as a fault does it: without asking what is there
    await this.store.delete(key);
    await this.store.put(key, bytes);
  }

  async delete(key: string): Promise<void> {
    await this.#remember(key);
    await this.store.delete(key);
  }

  async restore(): Promise<void> {
    for (const [key, bytes] of this.#before) {
      await this.store.delete(key);
      if (bytes) await this.store.put(key, bytes);
    }
    this.#before.clear();
    await this.catalogue.close();
  }

  async entry(number: number, study = STUDY): Promise<InstanceEntry> {
    return (await this.entries(study)).find((e) => e.sopInstanceUID === `${study}.1.${number}`)!;
  }

  async entries(study = STUDY): Promise<InstanceEntry[]> {
    const lists = await Promise.all((await this.segments(study)).map((key) => this.lines(key)));
    return lists.flat() as InstanceEntry[];
  }

  segments(study = STUDY): Promise<string[]> {
    return storedKeys(this.archive, manifestPrefix(study));
  }

  async lines(segment: string): Promise<unknown[]> {
    const text = gunzipSync(await this.store.get(segment)).toString();
    return text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as unknown);
  }

  /** A segment with other text; packed anew, so that only its content is wrong. */
  async rewrite(segment: string, change: (text: string) => string): Promise<void> {
    await this.put(segment, gzipSync(change(gunzipSync(await this.store.get(segment)).toString())));
  }

  /** A segment that another writer wrote and no catalogue heard of. */
  async addSegment(entry: InstanceEntry): Promise<string> {
    const key = await writeSegments(this.store, entry.studyInstanceUID, [
      { entry, metadata: JSON.stringify({ '00080018': { vr: 'UI', Value: [entry.sopInstanceUID] } }) },
    ]);
    this.#before.set(key, null).set(metadataKeyOf(key), null);
    return key;
  }

  async #remember(key: string): Promise<void> {
    if (this.#before.has(key)) return;
    const found = await this.store.head(key);
    this.#before.set(key, found && found.size > 0 ? await this.store.get(key) : found ? Buffer.alloc(0) : null);
  }
}

/** Two studies of ten and three images in two segments each, one of another study. */
export async function fillBench(archive: Archive): Promise<void> {
  for (let i = 1; i <= 6; i++) await receive(archive, slice(i));
  await archive.flush();
  for (let i = 7; i <= 10; i++) await receive(archive, slice(i));
  await receive(archive, slice(1, 1, OTHER_STUDY));
  await receive(archive, slice(2, 2, OTHER_STUDY));
  await receive(archive, slice(1, 1, OTHER_PATIENT_STUDY));
  await archive.flush();
}

export interface PlantedFault {
  name: string;
  kind: FindingKind;
  /** @returns every finding that must follow, as `kind key` (catalogue findings: `kind SOP Instance UID`), and no others */
  plant(bench: Bench): Promise<string[]>;
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

function strayKey(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  return `objects/${studyPath(STUDY)}/${SERIES}/9.9.9.${digest}.dcm`;
}

const strays = (entries: unknown[]) => entries.map((entry) => `stray ${(entry as InstanceEntry).key}`);

/** One row a kind of fault, planted the way it happens. */
export const PLANTED_FAULTS: PlantedFault[] = [
  {
    name: 'one bit of an object is flipped',
    kind: 'flipped',
    plant: async (bench) => {
      const { key, size } = await bench.entry(3);
      await bench.put(key, changed(await bench.store.get(key), size - 1));
      return [`flipped ${key}`];
    },
  },
  {
    name: 'an object is cut short',
    kind: 'truncated',
    plant: async (bench) => {
      const { key } = await bench.entry(2);
      await bench.put(key, (await bench.store.get(key)).subarray(0, 100));
      return [`truncated ${key}`];
    },
  },
  {
    name: 'an object is empty',
    kind: 'truncated',
    plant: async (bench) => {
      const { key } = await bench.entry(2);
      await bench.put(key, Buffer.alloc(0));
      return [`truncated ${key}`];
    },
  },
  {
    name: 'an object has bytes behind its end',
    kind: 'grown',
    plant: async (bench) => {
      const { key } = await bench.entry(2);
      await bench.put(key, Buffer.concat([await bench.store.get(key), Buffer.alloc(4)]));
      return [`grown ${key}`];
    },
  },
  {
    name: 'an object is gone',
    kind: 'missing',
    plant: async (bench) => {
      const { key } = await bench.entry(1);
      await bench.delete(key);
      return [`missing ${key}`];
    },
  },
  {
    name: 'an object that nobody knows lies among the others',
    kind: 'stray',
    plant: async (bench) => {
      const bytes = slice(50).bytes;
      await bench.put(strayKey(bytes), bytes);
      return [`stray ${strayKey(bytes)}`];
    },
  },
  {
    name: 'a file lies beside the folders of the studies',
    kind: 'stray',
    plant: async (bench) => {
      await bench.put('objects/copy-of-ct.dcm', slice(51).bytes);
      return ['stray objects/copy-of-ct.dcm'];
    },
  },
  {
    name: 'two objects are swapped',
    kind: 'swapped',
    plant: async (bench) => {
      const [a, b] = [await bench.entry(4), await bench.entry(5)];
      const [first, second] = [await bench.store.get(a.key), await bench.store.get(b.key)];
      await bench.put(a.key, second);
      await bench.put(b.key, first);
      return [`swapped ${a.key}`, `swapped ${b.key}`];
    },
  },
  {
    name: 'an object lies under another name than its own',
    kind: 'wrong-key',
    plant: async (bench) => {
      const { key } = await bench.entry(6);
      const bytes = await bench.store.get(key);
      const wrong = key.replace(/[0-9a-f]{32}\.dcm$/, `${'0'.repeat(32)}.dcm`);
      await bench.put(wrong, bytes);
      await bench.delete(key);
      return [`missing ${key}`, `wrong-key ${wrong}`];
    },
  },
  {
    name: 'a manifest names a content by a key that is not its own',
    kind: 'wrong-key',
    plant: async (bench) => {
      const { key } = await bench.entry(1);
      const wrong = key.replace(/[0-9a-f]{32}\.dcm$/, `${'0'.repeat(32)}.dcm`);
      await bench.put(wrong, await bench.store.get(key));
      await bench.delete(key);
      await bench.rewrite((await bench.segments())[0]!, (text) => text.replaceAll(key, wrong));
      return [`wrong-key ${wrong}`, `catalogue-differs ${key}`];
    },
  },
  {
    name: 'a manifest segment is gone',
    kind: 'segment-missing',
    plant: async (bench) => {
      const segment = (await bench.segments())[0]!;
      const lost = await bench.lines(segment);
      await bench.delete(segment);
      return [`segment-missing ${segment}`, ...strays(lost)];
    },
  },
  {
    name: 'both segments of a name are gone',
    kind: 'catalogue-only',
    plant: async (bench) => {
      const segment = (await bench.segments())[1]!;
      const lost = await bench.lines(segment);
      await bench.delete(segment);
      await bench.delete(metadataKeyOf(segment));
      return [...strays(lost), ...lost.map((entry) => `catalogue-only ${(entry as InstanceEntry).key}`)];
    },
  },
  {
    name: 'a manifest segment has a changed byte',
    kind: 'segment-damaged',
    plant: async (bench) => {
      const segment = (await bench.segments())[0]!;
      const lost = await bench.lines(segment);
      const bytes = await bench.store.get(segment);
      await bench.put(segment, changed(bytes, bytes.length - 6));
      return [`segment-damaged ${segment}`, ...strays(lost)];
    },
  },
  {
    name: 'a manifest segment unpacks and lacks a line',
    kind: 'segment-damaged',
    plant: async (bench) => {
      const segment = (await bench.segments())[0]!;
      const lost = await bench.lines(segment);
      await bench.rewrite(segment, (text) => `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
      return [`segment-damaged ${segment}`, ...strays(lost)];
    },
  },
  {
    name: 'a manifest segment is cut short',
    kind: 'segment-truncated',
    plant: async (bench) => {
      const segment = (await bench.segments())[1]!;
      const lost = await bench.lines(segment);
      const bytes = await bench.store.get(segment);
      await bench.put(segment, bytes.subarray(0, bytes.length - 20));
      return [`segment-truncated ${segment}`, ...strays(lost)];
    },
  },
  {
    name: 'a manifest segment lies in the folder of another study',
    kind: 'segment-misplaced',
    plant: async (bench) => {
      const segment = (await bench.segments(OTHER_PATIENT_STUDY))[0]!;
      const wrong = manifestPrefix(STUDY) + segment.split('/').at(-1)!;
      await bench.put(wrong, await bench.store.get(segment));
      await bench.put(metadataKeyOf(wrong), await bench.store.get(metadataKeyOf(segment)));
      return [`segment-misplaced ${wrong}`];
    },
  },
  {
    name: 'a manifest segment claims to replace another one and lacks a line of it',
    kind: 'segment-hides',
    plant: async (bench) => {
      const [first, second] = await bench.segments();
      const claim = `"replaces":["${first}"],"count"`;
      await bench.rewrite(second!, (text) => text.replace('"count"', claim));
      return [`segment-hides ${second}`];
    },
  },
  {
    name: 'a metadata segment is gone',
    kind: 'metadata-missing',
    plant: async (bench) => {
      const key = metadataKeyOf((await bench.segments())[0]!);
      await bench.delete(key);
      return [`metadata-missing ${key}`];
    },
  },
  {
    name: 'a metadata segment has a changed byte',
    kind: 'metadata-damaged',
    plant: async (bench) => {
      const key = metadataKeyOf((await bench.segments())[0]!);
      const bytes = await bench.store.get(key);
      await bench.put(key, changed(bytes, bytes.length - 6));
      return [`metadata-damaged ${key}`];
    },
  },
  {
    name: 'a metadata segment is that of other instances',
    kind: 'metadata-disagrees',
    plant: async (bench) => {
      const [first, second] = await bench.segments();
      await bench.put(metadataKeyOf(first!), await bench.store.get(metadataKeyOf(second!)));
      return [`metadata-disagrees ${metadataKeyOf(first!)}`];
    },
  },
  {
    name: 'a document in a metadata segment is that of another instance',
    kind: 'metadata-disagrees',
    plant: async (bench) => {
      const key = metadataKeyOf((await bench.segments())[0]!);
      const own = `"00080018":{"vr":"UI","Value":["${SERIES}.1"]}`;
      await bench.rewrite(key, (text) => text.replace(own, own.replace(`${SERIES}.1"`, `${SERIES}.2"`)));
      return [`metadata-disagrees ${key}`];
    },
  },
  {
    name: 'the catalogue shows an instance that the store does not have',
    kind: 'catalogue-only',
    plant: async (bench) => {
      const entry = await bench.entry(1);
      const ghost = {
        ...entry,
        sopInstanceUID: `${SERIES}.99`,
        key: entry.key.replace(`${SERIES}.1.`, `${SERIES}.99.`),
      };
      await bench.catalogue.apply([ghost]);
      return [`catalogue-only ${ghost.key}`];
    },
  },
  {
    name: 'the catalogue shows a study that the store does not have',
    kind: 'catalogue-only',
    plant: async (bench) => {
      const ghost = { ...(await bench.entry(1)), studyInstanceUID: '1.2.99', seriesInstanceUID: '1.2.99.1' };
      await bench.catalogue.apply([ghost]);
      return [`catalogue-only ${ghost.key}`];
    },
  },
  {
    name: 'the store has an instance that the catalogue does not show',
    kind: 'store-only',
    plant: async (bench) => {
      const entry = await bench.entry(1);
      const dataSetSha256 = createHash('sha256').update('another content').digest('hex');
      await bench.addSegment({
        ...entry,
        sopInstanceUID: `${SERIES}.60`,
        dataSetSha256,
        receivedAt: '2026-01-01T00:00:00.000Z',
      });
      // the line is a copy of another's: its object's name is not the one its own UID would give
      return [`store-only ${entry.key}`, `wrong-key ${entry.key}`];
    },
  },
  {
    name: 'the catalogue tells of another hash than the manifest',
    kind: 'catalogue-differs',
    plant: async (bench) => {
      const entry = await bench.entry(7);
      await bench.catalogue.apply([{ ...entry, size: entry.size + 2, receivedAt: '2999-01-01T00:00:00.000Z' }]);
      return [`catalogue-differs ${entry.key}`];
    },
  },
  {
    name: 'one SOP Instance UID came with two contents',
    kind: 'two-contents',
    plant: async (bench) => {
      // by another router, so that the archive at hand does not know of it
      const folder = archiveFolder();
      const other = await folder.open();
      await receive(other, slice(2, 99));
      await other.flush();
      const added = (await storedKeys(other, '')).filter((key) => key !== 'lifeboat.json');
      for (const key of added) await bench.put(key, await other.store.get(key));
      await other.close();
      folder.remove();
      await rebuild({ store: bench.store, catalogue: bench.catalogue });
      return [`two-contents ${added.find((key) => key.startsWith('objects/'))}`];
    },
  },
];
