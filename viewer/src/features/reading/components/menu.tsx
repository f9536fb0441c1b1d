import { type ReactNode, useId, useRef } from 'react';

export interface MenuItem {
  label: string;
  /** For what is on or off; absent for what is simply done. */
  pressed?: boolean;
  hint?: string;
  onClick: () => void;
}

/** A button of the toolbar that unfolds a list. Stays open for what can be switched on and off. */
export function Menu(props: { label: string; pressed?: boolean; children: ReactNode }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="tool menu-button"
        aria-haspopup="true"
        aria-pressed={props.pressed}
        popoverTarget={id}
      >
        {props.label} ▾
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        className="menu"
        onBeforeToggle={() => {
          const box = button.current?.getBoundingClientRect();
          if (!box || !list.current) return;
          list.current.style.top = `${box.bottom + 2}px`;
          list.current.style.right = `${Math.max(4, innerWidth - Math.max(box.right, 260))}px`;
        }}
      >
        {props.children}
      </div>
    </>
  );
}

/** Rows of a menu. */
export function MenuItems(props: { title?: string; items: MenuItem[] }) {
  const ticked = props.items.some(({ pressed }) => pressed !== undefined);
  return (
    <section>
      {props.title && <h3>{props.title}</h3>}
      {props.items.map(({ label, pressed, hint, onClick }) => (
        <button
          key={label}
          type="button"
          className="menu-item"
          aria-pressed={pressed}
          onClick={(event) => {
            onClick();
            if (pressed === undefined) (event.currentTarget.closest('[popover]') as HTMLElement | null)?.hidePopover();
          }}
        >
          <span>
            {ticked && <span className="menu-tick">{pressed ? '✓' : ''}</span>}
            {label}
          </span>
          {hint && <kbd>{hint}</kbd>}
        </button>
      ))}
    </section>
  );
}
