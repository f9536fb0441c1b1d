import { useStatus } from '../shared/api/use-status.ts';
import { noticesOf } from './notices.ts';

/** On every page: outages and what they mean, in one sentence each. */
export function Banner() {
  const { status, reachable } = useStatus();
  return (
    <div role="status" aria-live="polite">
      {noticesOf(status, reachable).map((notice) => (
        <div key={notice.text} className={`banner banner-${notice.level}`}>
          {notice.text}
        </div>
      ))}
    </div>
  );
}
