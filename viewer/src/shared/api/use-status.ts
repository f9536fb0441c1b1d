import { useEffect, useState } from 'react';
import type { Status } from '../../../../contract/api.ts';
import { type Connection, latestConnection, latestStatus, listen } from './events.ts';

/**
 * The router's status, live. `reachable` turns false after two unanswered polls or when nothing is heard any more;
 * `heardAt` (ms) is when it was heard last.
 */
export function useStatus(): { status: Status | null } & Connection {
  const [status, setStatus] = useState<Status | null>(latestStatus);
  const [connection, setConnection] = useState<Connection>(latestConnection);
  useEffect(() => listen({ status: setStatus, connection: setConnection }), []);
  return { status, ...connection };
}

/**
 * Calls back with the studies that were just committed to the store; with none when the router is heard again after a
 * loss, for what was committed meanwhile is not known.
 */
export function useCommitted(callback: (studyInstanceUIDs: string[]) => void): void {
  useEffect(() => listen({ committed: callback, resumed: () => callback([]) }), [callback]);
}
