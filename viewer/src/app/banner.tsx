import { useStatus } from '../shared/api/use-status.ts';
import { useSession } from '../shared/session.ts';
import { noticesOf } from './notices.ts';

/** On every page: outages and what they mean, in one sentence each. */
export function Banner() {
  const { status, reachable } = useStatus();
  const { session } = useSession();
  return (
    <div role="status" aria-live="polite">
      {noticesOf(status, reachable, Date.now(), session?.role === 'admin').map((notice) => (
        <div key={notice.text} className={`banner banner-${notice.level}`}>
          {notice.text}
        </div>
      ))}
    </div>
  );
}
