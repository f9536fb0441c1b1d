import { useSyncExternalStore } from 'react';

const changed = new EventTarget();

/** Last path segment: '' for the root, 'viewer', 'upload'… The same in the bucket and on the router. */
export function currentPage(): string {
  const segment = location.pathname.split('/').pop() ?? '';
  return segment === 'index.html' || segment === 'worklist' ? '' : segment;
}

/** Goes to a page of the viewer without reloading. @param target e.g. `./upload` or `./viewer?StudyInstanceUIDs=1.2.3` */
export function navigate(target: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', target);
  else history.pushState(null, '', target);
  changed.dispatchEvent(new Event('change'));
}

function subscribe(listener: () => void): () => void {
  changed.addEventListener('change', listener);
  addEventListener('popstate', listener);
  return () => {
    changed.removeEventListener('change', listener);
    removeEventListener('popstate', listener);
  };
}

/** Page and query of the present address; renders again when they change. */
export function useLocation(): { page: string; query: URLSearchParams } {
  const href = useSyncExternalStore(subscribe, () => location.href);
  return { page: currentPage(), query: new URL(href).searchParams };
}
