import { lazy, StrictMode, Suspense, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { BucketBoot } from '../../../contract/lifeboat.ts';
import { LifeboatSearchPage } from '../features/lifeboat/search-page.tsx';
import { LifeboatSignIn } from '../features/lifeboat/sign-in-page.tsx';
import { StoreDoor } from '../features/lifeboat/store-door.ts';
import { LifeboatStrip } from '../features/lifeboat/strip.tsx';
import type { Visit } from '../features/lifeboat/visit.ts';
import { unattendedMs, watchAttention } from '../shared/api/attention.ts';
import { exchangeDoor } from '../shared/api/door.ts';
import { setObjectRequest } from '../shared/api/object-request.ts';
import { messages } from '../shared/messages.en.ts';
import { lifeboatMessages as text } from '../shared/messages.lifeboat.en.ts';
import { keepPagesInFragment, useLocation } from '../shared/navigation.ts';
import { Link } from '../shared/ui/link.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import '../shared/styles/base.css';
import './layout.css';

const ReadingPage = lazy(() => import('../features/reading/page.tsx'));
const lookMs = 5000;
/** The one thing that outlives a sign-out: why it happened. It says nothing of anybody. */
const noticeKey = 'lifeboat-signed-out';

/** A new page: credential, names and pictures are gone with the old one. */
async function leave(visit: Visit, notice: 'idle' | 'over' | ''): Promise<void> {
  await Promise.race([visit.end(), new Promise((resolve) => setTimeout(resolve, 1000))]);
  if (notice) sessionStorage.setItem(noticeKey, notice);
  history.replaceState(null, '', location.pathname);
  location.reload();
}

function takeNotice(): string {
  const notice = sessionStorage.getItem(noticeKey);
  sessionStorage.removeItem(noticeKey);
  return notice === 'idle' ? text.signIn.idle : notice === 'over' ? text.signIn.over : '';
}

function useEnd(visit: Visit, boot: BucketBoot): void {
  useEffect(() => {
    let ended = false;
    const look = () => {
      const idle = unattendedMs() > boot.idleMinutes * 60_000;
      const over = Date.now() - visit.startedAt > boot.maxHours * 3_600_000;
      if (ended || (!idle && !over)) return;
      ended = true;
      void leave(visit, idle ? 'idle' : 'over');
    };
    const timer = setInterval(look, lookMs);
    // A computer that slept, or a page that the browser had put aside, looks before it shows anything.
    addEventListener('pageshow', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      removeEventListener('pageshow', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [visit, boot]);
}

function Shell(props: { visit: Visit; door: StoreDoor; boot: BucketBoot }) {
  const { visit, door, boot } = props;
  const { page, query } = useLocation();
  useEnd(visit, boot);
  const reading = page === 'viewer';
  const studies = reading ? query.getAll('StudyInstanceUIDs').flatMap((value) => value.split(',')) : [];
  return (
    <div className="shell">
      <header className="shell-bar">
        <Link to="./" className="shell-brand">
          <img src="./lifeboat.svg" alt="" />
          {messages.product}
        </Link>
        <nav>
          <Link to="./" className="shell-link" current={!reading}>
            {text.search}
          </Link>
        </nav>
        <div className="shell-user">
          <bdi>{visit.person}</bdi>
          <button type="button" className="button" onClick={() => void leave(visit, '')}>
            {messages.pages.signOut}
          </button>
        </div>
      </header>
      <LifeboatStrip visit={visit} studies={studies} />
      <main className="shell-main">
        <ErrorBoundary key={page}>
          <Suspense fallback={null}>
            {reading ? <ReadingPage /> : <LifeboatSearchPage visit={visit} door={door} />}
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

function LifeboatApp({ boot }: { boot: BucketBoot }) {
  const [open, setOpen] = useState<{ visit: Visit; door: StoreDoor } | null>(null);
  const [notice] = useState(takeNotice);
  const begin = (visit: Visit) => {
    const door = new StoreDoor(visit);
    exchangeDoor(door);
    setOpen({ visit, door });
  };
  if (open) return <Shell {...open} boot={boot} />;
  return <LifeboatSignIn boot={boot} notice={notice} onBegun={begin} />;
}

/** Starts the viewer where there is no router: the store is all there is. */
export function startLifeboatApp(boot: BucketBoot): void {
  keepPagesInFragment();
  // Nothing of a patient stays in the browser's cache; a web server with a sign-in of its own gets that.
  setObjectRequest({ credentials: 'same-origin', cache: 'no-store' });
  watchAttention(() => undefined);
  createRoot(document.getElementById('app')!).render(
    <StrictMode>
      <LifeboatApp boot={boot} />
    </StrictMode>,
  );
}
