import { useState } from 'react';
import { pageMessages } from '../messages.pages.en.ts';
import './asking.css';

const text = pageMessages.it;

/** What failed and what worked, in sentences. */
export function Sentences(props: { failures: string[]; done?: string }) {
  return (
    <div aria-live="polite">
      {props.failures.filter(Boolean).map((failure) => (
        <p key={failure} className="notice notice-bad">
          {text.failed(failure)}
        </p>
      ))}
      {props.done && <p className="notice asking-done">{props.done}</p>}
    </div>
  );
}

/** A button that asks once, in place, before it does what cannot be taken back. */
export function AskButton(props: { label: string; question: string; disabled?: boolean; onYes: () => void }) {
  const [asking, setAsking] = useState(false);
  if (!asking)
    return (
      <button type="button" className="button button-danger" disabled={props.disabled} onClick={() => setAsking(true)}>
        {props.label}
      </button>
    );
  return (
    <span className="asking">
      <span>{props.question}</span>
      <button
        type="button"
        className="button button-danger"
        onClick={() => {
          setAsking(false);
          props.onYes();
        }}
      >
        {text.yes}
      </button>
      <button
        type="button"
        className="button"
        // biome-ignore lint/a11y/noAutofocus: the safe answer of a question just asked
        autoFocus
        onClick={() => setAsking(false)}
      >
        {text.cancel}
      </button>
    </span>
  );
}
