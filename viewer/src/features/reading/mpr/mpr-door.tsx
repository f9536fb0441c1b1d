import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { messages } from '../../../shared/messages.en.ts';
import type { Stack } from '../study/study-model.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { keyOf } from '../viewport/keys.ts';
import type { WindowChoice } from '../viewport/window-choice.ts';

import { onPlanesWished } from './mpr-wish.ts';

const MprView = lazy(() => import('./mpr-view.tsx'));

function Whole(props: { stack: Stack; window: WindowChoice; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (dialog.current && !dialog.current.open) dialog.current.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={messages.tools.mpr}
      onClose={props.onClose}
      style={{ inset: 0, width: '100vw', height: '100vh', maxWidth: 'none', maxHeight: 'none', padding: 0, border: 0 }}
    >
      <div style={{ display: 'flex', flexDirection: 'column', height: '100%' }}>
        <Suspense fallback={<p>{messages.loading}</p>}>
          <MprView stack={props.stack} window={props.window} onClose={() => dialog.current?.close()} />
        </Suspense>
      </div>
    </dialog>
  );
}

/** The button to three planes of the active pane's series, and the planes over the whole page. */
export function MprDoor(props: { controller: ViewportController }) {
  const { controller } = props;
  const [open, setOpen] = useState<{ stack: Stack; window: WindowChoice } | null>(null);
  const { stack } = controller;
  // Another study was opened beneath, by the browser's Back: its patient is not this one.
  const stale = open !== null && stack?.studyInstanceUID !== open.stack.studyInstanceUID;
  useEffect(() => {
    if (stale) setOpen(null);
  }, [stale]);
  const openIt = () => {
    if (stack) setOpen({ stack, window: controller.window });
  };
  const wished = useRef(openIt);
  wished.current = openIt;
  useEffect(() => onPlanesWished(() => wished.current()), []);
  return (
    <>
      <button
        type="button"
        className="tool"
        title={`${messages.tools.mprHint} (${keyOf('planes')})`}
        disabled={!stack}
        onClick={openIt}
      >
        {messages.tools.mpr}
      </button>
      {open && !stale && <Whole {...open} onClose={() => setOpen(null)} />}
    </>
  );
}
