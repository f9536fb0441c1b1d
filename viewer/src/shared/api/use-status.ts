import { useEffect, useState } from 'react';
import type { Status } from '../../../../contract/api.ts';
import { latestStatus, listen } from './events.ts';

/** The router's status, live. `reachable` turns false after two unanswered polls. */
export function useStatus(): { status: Status | null; reachable: boolean } {
  const [status, setStatus] = useState<Status | null>(latestStatus);
  const [reachable, setReachable] = useState(true);
  useEffect(() => listen({ status: setStatus, reachable: setReachable }), []);
  return { status, reachable };
}

/** Calls back with the studies that were just committed to the store. */
export function useCommitted(callback: (studyInstanceUIDs: string[]) => void): void {
  useEffect(() => listen({ committed: callback }), [callback]);
}
