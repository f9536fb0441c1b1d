import type { WorklistAnswer, WorklistQuery } from '../../../../contract/api.ts';
import { archiveDoor } from './door.ts';

/** Studies that match. */
export function searchWorklist(query: WorklistQuery, options: { signal?: AbortSignal } = {}): Promise<WorklistAnswer> {
  return archiveDoor().worklist(query, options);
}
