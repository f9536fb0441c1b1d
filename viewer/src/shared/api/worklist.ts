import type { WorklistAnswer, WorklistQuery } from '../../../../contract/api.ts';
import { request } from './client.ts';

/**
 * Studies that match. What is searched for travels in the body: addresses end up in the browser's history and in the logs of
 * proxies, and names and patient IDs must not.
 */
export function searchWorklist(query: WorklistQuery, options: { signal?: AbortSignal } = {}): Promise<WorklistAnswer> {
  return request<WorklistAnswer>('api/worklist', { method: 'POST', body: query, ...options });
}
