import type { StudyManifest } from '../../../../../storage/format/manifest.ts';
import { RequestError } from '../../../shared/api/client.ts';
import { archiveDoor } from '../../../shared/api/door.ts';
import { messages } from '../../../shared/messages.en.ts';
import { preference } from '../../../shared/preferences.ts';
import { FrameStore } from './frame-store.ts';

const patienceMs = 30_000;

/**
 * One study's manifest with freshly signed addresses.
 * @throws RequestError; status 0 also when the router takes the question and does not answer it
 */
export async function fetchManifest(studyInstanceUID: string): Promise<StudyManifest> {
  const signal = AbortSignal.timeout(patienceMs);
  try {
    return await archiveDoor().manifest(studyInstanceUID, signal);
  } catch (error) {
    if (signal.aborted) throw new RequestError(0, 'UNREACHABLE', messages.reading.noList(patienceMs / 1000));
    throw error;
  }
}

/** Memory of the machine in GiB where the browser tells it (Chromium: at most 8). */
const memoryGiB = (navigator as { deviceMemory?: number }).deviceMemory ?? 4;

/** The page's only frame store: first image, thumbnails and viewports share its cache and its queue. */
export const frames = new FrameStore({
  budgetBytes: Math.min(1024, Math.max(256, memoryGiB * 128)) * 2 ** 20,
  concurrency: 6,
  refresh: fetchManifest,
  renditions: () => preference('renditions') ?? 'auto',
});
