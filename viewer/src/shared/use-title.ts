import { useEffect } from 'react';

/** Names the browser tab after the page. Never give it a patient's name: tabs and histories are seen by others. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Lifeboat` : 'Lifeboat';
  }, [title]);
}
