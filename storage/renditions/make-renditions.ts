import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asLifeboatError } from '../../contract/errors.ts';
import type { InstanceManifest, StudyManifest } from '../format/manifest.ts';
import { instanceAttributes } from '../format/study-manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import type { SealKey } from '../seal-key.ts';
import { type FrameShape, frameShapeOf, HTJ2K_LOSSLESS } from './frame-shape.ts';
import { NoRendition } from './pack-frame.ts';
import {
  newRenditionKeys,
  type RenditionIndex,
  type RenditionOfObject,
  writeRenditionIndex,
} from './rendition-index.ts';
import type { RenditionThread } from './rendition-thread.ts';
import { sourceFrames } from './source-frames.ts';

/** A pack is closed when it has reached this size. */
const PACK_BYTES = 64 * 1024 * 1024;

export interface MakeOptions {
  store: ObjectStore;
  key: SealKey;
  thread: Pick<RenditionThread, 'pack'>;
  /** Folder for packs that are being written; its files may be removed at each start. */
  workDir: string;
  /** Resolves when it is a good time for the next frame. */
  turn(): Promise<void>;
  signal: AbortSignal;
}

interface Candidate {
  instance: InstanceManifest;
  shape: FrameShape;
}

/** Instances that could have a rendition and are not in `known`, series by series in display order. */
export function candidatesOf(manifest: StudyManifest, known: ReadonlySet<string>): Map<string, Candidate[]> {
  const found = new Map<string, Candidate[]>();
  for (const series of manifest.series) {
    const candidates = series.instances.flatMap((instance) => {
      if (known.has(instance.key)) return [];
      const attributes = instanceAttributes(series, instance);
      const shape = frameShapeOf(attributes, instance.transferSyntaxUID, instance.pixelData);
      return shape ? [{ instance, shape }] : [];
    });
    if (candidates.length > 0) found.set(series.seriesInstanceUID, candidates);
  }
  return found;
}

/**
 * Makes the renditions that a study lacks: for each series a pack and then its index, so that what an index names is there.
 * Broken off by `signal` it leaves nothing but files in `workDir`, or a pack that no index names.
 * @param known keys of objects that have one, or are known to get none
 * @throws STORE_UNAVAILABLE, STORAGE errors of the disk
 */
export async function makeRenditions(
  options: MakeOptions,
  manifest: StudyManifest,
  known: ReadonlySet<string>,
): Promise<RenditionIndex[]> {
  const made: RenditionIndex[] = [];
  for (const [seriesInstanceUID, waiting] of candidatesOf(manifest, known)) {
    while (waiting.length > 0 && !options.signal.aborted) {
      const index = await makePack(options, manifest.studyInstanceUID, seriesInstanceUID, waiting);
      if (index) made.push(index);
    }
  }
  return made;
}

/** Takes from `waiting` until a pack is full. @returns null when it was broken off */
async function makePack(
  options: MakeOptions,
  studyInstanceUID: string,
  seriesInstanceUID: string,
  waiting: Candidate[],
): Promise<RenditionIndex | null> {
  const { store, key, workDir, signal } = options;
  const names = newRenditionKeys(studyInstanceUID);
  await mkdir(workDir, { recursive: true, mode: 0o750 });
  const path = join(workDir, names.pack.slice(names.pack.lastIndexOf('/') + 1));
  const instances: RenditionOfObject[] = [];
  const none: RenditionIndex['none'] = [];
  let size = 0;
  const file = await open(path, 'wx', 0o640);
  try {
    for (let next = waiting[0]; next && size < PACK_BYTES; next = waiting[0]) {
      const { instance } = next;
      try {
        const frames = await appendInstance(options, next, file, size);
        if (!frames) return null;
        instances.push({ key: instance.key, sha256: instance.sha256, frames });
        size = frames.at(-1)![0] + frames.at(-1)![1];
      } catch (error) {
        if (error instanceof NoRendition) none.push({ key: instance.key, reason: error.message });
        // a damaged or missing object is the scrub's to report; it may be whole again later
        else if (!['OBJECT_DAMAGED', 'OBJECT_NOT_FOUND'].includes(asLifeboatError(error).code)) throw error;
      }
      waiting.shift();
    }
    if (signal.aborted || (instances.length === 0 && none.length === 0)) return null;
    await file.sync();
    if (size > 0) await store.putFile(names.pack, path, size);
    return await writeRenditionIndex(store, key, names.index, {
      studyInstanceUID,
      seriesInstanceUID,
      transferSyntaxUID: HTJ2K_LOSSLESS,
      pack: size > 0 ? names.pack : '',
      size,
      instances,
      none,
    });
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** All frames of an instance, written from `at` on; null when it was broken off. @throws NoRendition for any of its frames */
async function appendInstance(
  { store, thread, turn, signal }: MakeOptions,
  { instance, shape }: Candidate,
  file: FileHandle,
  at: number,
): Promise<RenditionOfObject['frames'] | null> {
  const frames: RenditionOfObject['frames'] = [];
  let offset = at;
  await file.truncate(at);
  for await (const cells of sourceFrames(store, instance)) {
    await turn();
    if (signal.aborted) return null;
    const { codestream, sha256 } = await thread.pack(cells, shape);
    await file.write(codestream, 0, codestream.length, offset);
    frames.push([offset, codestream.length, sha256]);
    offset += codestream.length;
  }
  return frames;
}
