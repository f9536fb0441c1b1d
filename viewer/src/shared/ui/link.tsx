import type { ReactNode } from 'react';
import { hrefOf, navigate } from '../navigation.ts';

/** A link inside the viewer: plain clicks stay in the page, all others are the browser's. */
export function Link(props: {
  to: string;
  className?: string;
  title?: string;
  children: ReactNode;
  current?: boolean;
}) {
  return (
    <a
      href={hrefOf(props.to)}
      className={props.className}
      title={props.title}
      aria-current={props.current ? 'page' : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        navigate(props.to);
      }}
    >
      {props.children}
    </a>
  );
}
