import { useSyncExternalStore } from 'react';

const changed = new EventTarget();

/** Pages stand behind a #: where no router answers every address with index.html. */
let inFragment = false;

/** For the viewer in a bucket, of which only index.html exists. Before anything is shown. */
export function keepPagesInFragment(): void {
  inFragment = true;
}

/** What a link to a page carries, e.g. for `./viewer?StudyInstanceUIDs=1.2.3`. */
export function hrefOf(target: string): string {
  return inFragment ? `#${target}` : target;
}

function present(): URL {
  if (!inFragment) return new URL(location.href);
  return new URL(location.hash.slice(1) || './', new URL('./', location.origin + location.pathname));
}

/** Last path segment: '' for the root, 'viewer', 'upload'… The same in the bucket and on the router. */
export function currentPage(): string {
  const segment = present().pathname.split('/').pop() ?? '';
  return segment === 'index.html' || segment === 'worklist' ? '' : segment;
}

/** Set while leaving the page would break something off. */
let guard: { address: string; state: unknown; mayLeave: () => boolean } | null = null;

/**
 * Asks before the present page is left: by a link of the viewer, by Back, or by closing the tab (there in the browser's own
 * words). @returns the function that lifts it
 */
export function guardLeaving(mayLeave: () => boolean): () => void {
  const own = { address: location.href, state: history.state as unknown, mayLeave };
  guard = own;
  const onUnload = (event: BeforeUnloadEvent) => event.preventDefault();
  addEventListener('beforeunload', onUnload);
  return () => {
    if (guard === own) guard = null;
    removeEventListener('beforeunload', onUnload);
  };
}

/** Counts changes of the history entry: its state can change under the same address. */
let version = 0;

/**
 * Goes to a page of the viewer without reloading.
 * @param target e.g. `./upload` or `./viewer?StudyInstanceUIDs=1.2.3`
 * @param options.state kept with the history entry; survives reload and the back button, and stays out of the address
 */
export function navigate(target: string, options: { replace?: boolean; state?: unknown } = {}): void {
  const { state = null } = options;
  if (guard && !guard.mayLeave()) return;
  if (options.replace) history.replaceState(state, '', hrefOf(target));
  else history.pushState(state, '', hrefOf(target));
  version++;
  changed.dispatchEvent(new Event('change'));
}

function subscribe(listener: () => void): () => void {
  const onPop = () => {
    if (guard && location.href !== guard.address && !guard.mayLeave()) {
      history.pushState(guard.state, '', guard.address);
      return;
    }
    version++;
    listener();
  };
  changed.addEventListener('change', listener);
  addEventListener('popstate', onPop);
  return () => {
    changed.removeEventListener('change', listener);
    removeEventListener('popstate', onPop);
  };
}

/** Page, query and history state of the present address; renders again when they change. */
export function useLocation(): { page: string; query: URLSearchParams; state: unknown } {
  useSyncExternalStore(subscribe, () => version);
  return { page: currentPage(), query: present().searchParams, state: history.state };
}
