import type { StudyManifest } from '../../../../../storage/format/manifest.ts';
import { request } from '../../../shared/api/client.ts';
import { FrameStore } from './frame-store.ts';

/** One study's manifest with freshly signed addresses. */
export function fetchManifest(studyInstanceUID: string): Promise<StudyManifest> {
  return request<StudyManifest>(`api/studies/${encodeURIComponent(studyInstanceUID)}/manifest`);
}

/** Memory of the machine in GiB where the browser tells it (Chromium: at most 8). */
const memoryGiB = (navigator as { deviceMemory?: number }).deviceMemory ?? 4;

/** The page's only frame store: first image, thumbnails and viewports share its cache and its queue. */
export const frames = new FrameStore({
  budgetBytes: Math.min(1024, Math.max(256, memoryGiB * 128)) * 2 ** 20,
  concurrency: 6,
  refresh: fetchManifest,
});
