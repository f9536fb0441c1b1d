import type { WorklistAnswer, WorklistQuery } from '../../../../contract/api.ts';
import type { StudyManifest } from '../../../../storage/format/manifest.ts';
import { request } from './client.ts';

/** Through which the pages get at the archive: the router's API, or, in lifeboat mode, the store itself. */
export interface ArchiveDoor {
  /** A study with an address in every instance. Throws RequestError; status 404 where there is no such study. */
  manifest(studyInstanceUID: string, signal: AbortSignal): Promise<StudyManifest>;
  worklist(query: WorklistQuery, options: { signal?: AbortSignal }): Promise<WorklistAnswer>;
  /** Whether there is a router that tells what happens. */
  readonly live: boolean;
}

const routerDoor: ArchiveDoor = {
  manifest: (studyInstanceUID, signal) =>
    request<StudyManifest>(`api/studies/${encodeURIComponent(studyInstanceUID)}/manifest`, { signal }),
  // What is searched for travels in the body: addresses end up in the browser's history and in the logs of proxies, and names
  // and patient IDs must not.
  worklist: (query, options) => request<WorklistAnswer>('api/worklist', { method: 'POST', body: query, ...options }),
  live: true,
};

let door = routerDoor;

export function archiveDoor(): ArchiveDoor {
  return door;
}

/** Puts another way to the archive in the router's place; before any page asks. */
export function exchangeDoor(other: ArchiveDoor): void {
  door = other;
}
