import { StrictMode, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { SessionInfo } from '../../../contract/api.ts';
import { watchAttention } from '../shared/api/attention.ts';
import { fetchSession, onSignedOut, readBoot } from '../shared/api/client.ts';
import { primeStatus } from '../shared/api/events.ts';
import { messages } from '../shared/messages.en.ts';
import { navigate, useLocation } from '../shared/navigation.ts';
import { SessionContext } from '../shared/session.ts';
import { Link } from '../shared/ui/link.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Layout } from './layout.tsx';
import { pageFor } from './routes.tsx';
import '../shared/styles/base.css';

function Missing() {
  return (
    <div className="page">
      <p>{messages.pages.missing}</p>
      <Link to="./">{messages.pages.toWorklist}</Link>
    </div>
  );
}

/** Where to go after signing in: the page that was asked for, kept in the query of the sign-in page. */
function signInTarget(): string {
  const wanted = `./${location.pathname.split('/').pop() ?? ''}${location.search}`;
  return `./sign-in?next=${encodeURIComponent(wanted)}`;
}

function App(props: { initial: SessionInfo | null }) {
  const [session, setSession] = useState(props.initial);
  const { page, query } = useLocation();
  const state = useMemo(() => ({ session, setSession }), [session]);
  useEffect(() => onSignedOut(() => setSession(null)), []);
  // What was shown and cached is the former person's: the sign-in begins with an empty page.
  const wasSignedIn = useRef(session !== null);
  useEffect(() => {
    if (!session && wasSignedIn.current) location.replace(signInTarget());
    wasSignedIn.current = session !== null;
  }, [session]);
  useEffect(() => {
    if (!session && page !== 'sign-in') navigate(signInTarget(), { replace: true });
    if (session && page === 'sign-in') {
      const next = query.get('next') ?? './';
      navigate(next.startsWith('./') ? next : './', { replace: true });
    }
    if (session?.role === 'modality' && page === '') navigate('./arrivals', { replace: true });
  }, [session, page, query]);
  const forced = session?.mustChangePassword === true;
  const Page = pageFor(forced ? 'account' : page) ?? Missing;
  const content = (
    <ErrorBoundary key={forced ? 'account' : page}>
      <Suspense fallback={null}>
        <Page />
      </Suspense>
    </ErrorBoundary>
  );
  return (
    <SessionContext value={state}>
      {session && !forced && page !== 'sign-in' ? (
        <Layout page={page} session={session}>
          {content}
        </Layout>
      ) : (
        content
      )}
    </SessionContext>
  );
}

/** Starts React; called when the first image, if there is one, has been asked for. */
export async function startApp(): Promise<void> {
  const boot = readBoot();
  if (boot) primeStatus(boot.status);
  const session = boot?.session ?? (await fetchSession());
  watchAttention(() => void fetchSession().catch(() => undefined));
  createRoot(document.getElementById('app')!).render(
    <StrictMode>
      <App initial={session} />
    </StrictMode>,
  );
}
