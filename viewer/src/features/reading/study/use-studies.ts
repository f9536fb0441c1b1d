import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { listen } from '../../../shared/api/events.ts';
import { useCommitted } from '../../../shared/api/use-status.ts';
import { bootStudy, openStudy } from './open-study.ts';
import { type StudiesState, StudyLoader } from './study-loader.ts';

/** The studies of the address, kept up to date while images arrive. */
export function useStudies(uids: string[]): StudiesState & { retry: (uid: string) => void } {
  const key = uids.join(',');
  const [loader] = useState(() => {
    const made = new StudyLoader({ open: openStudy, boot: bootStudy });
    made.want(uids);
    return made;
  });
  useSyncExternalStore(loader.subscribe, () => loader.version);
  useEffect(() => {
    loader.want(key.split(',').filter(Boolean));
  }, [loader, key]);
  useEffect(() => listen({ begun: () => loader.begun() }), [loader]);
  useEffect(() => () => loader.stop(), [loader]);
  // An empty list: the connection was lost, anything may have changed.
  useCommitted(
    useCallback(
      (changed: string[]) => loader.changed(changed.length > 0 ? changed : key.split(',').filter(Boolean)),
      [loader, key],
    ),
  );
  return { ...loader.state(uids), retry: (uid) => loader.retry(uid) };
}
