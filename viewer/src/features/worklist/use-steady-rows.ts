import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';

export const linksOf = (table: HTMLElement) => [...table.querySelectorAll<HTMLElement>('.worklist-open')];

interface Layout {
  question: string;
  /** Distance of each study's row from the top of the table, px. */
  places: Map<string, number>;
  /** Which row has the focus; -1 for none. */
  focus: number;
}

function placesOf(table: HTMLElement): Map<string, number> {
  const origin = table.getBoundingClientRect().top;
  const rows = [...table.querySelectorAll<HTMLElement>('[data-study]')];
  return new Map(rows.map((row) => [row.dataset['study']!, row.getBoundingClientRect().top - origin]));
}

/**
 * While rows come and go by themselves nothing moves under the reader's eyes: the row that has the focus, else the first one in
 * sight, stays where it is on the screen; the focus of a row that has left goes to the row in its place. Another question
 * (sorting, another page) begins at the top.
 */
export function useSteadyRows(question: string): { table: RefObject<HTMLTableElement | null>; onFocus: () => void } {
  const table = useRef<HTMLTableElement>(null);
  const last = useRef<Layout>({ question, places: new Map(), focus: -1 });
  useLayoutEffect(() => {
    const scroller = table.current?.closest<HTMLElement>('.shell-main');
    if (!table.current || !scroller) return;
    const before = last.current;
    const links = linksOf(table.current);
    const places = placesOf(table.current);
    if (before.question !== question) scroller.scrollTop = 0;
    else {
      if (before.focus >= 0 && document.activeElement === document.body)
        links[Math.min(before.focus, links.length - 1)]?.focus({ preventScroll: true });
      const focused = document.activeElement?.closest<HTMLElement>('[data-study]')?.dataset['study'];
      const hidden = scroller.getBoundingClientRect().top - table.current.getBoundingClientRect().top;
      const inSight = [...before.places].find(([study, top]) => hidden > 0 && top >= hidden && places.has(study))?.[0];
      const anchor = focused !== undefined && before.places.has(focused) ? focused : inSight;
      if (anchor !== undefined && scroller.scrollTop > 0)
        scroller.scrollTop += places.get(anchor)! - before.places.get(anchor)!;
    }
    last.current = { question, places, focus: links.indexOf(document.activeElement as HTMLElement) };
  });
  // Rows also move when the window does, with nothing drawn anew.
  useEffect(() => {
    if (!table.current) return;
    const observer = new ResizeObserver(() => {
      if (table.current) last.current.places = placesOf(table.current);
    });
    observer.observe(table.current);
    return () => observer.disconnect();
  }, []);
  const onFocus = () => {
    if (table.current) last.current.focus = linksOf(table.current).indexOf(document.activeElement as HTMLElement);
  };
  return { table, onFocus };
}
