import { useState } from 'react';
import type { SessionInfo } from '../../../../contract/api.ts';
import { changePassword } from '../api/client.ts';
import { pageMessages } from '../messages.pages.en.ts';

const text = pageMessages.password;

function PasswordField(props: { label: string; isNew: boolean; value: string; onChange: (value: string) => void }) {
  return (
    <label className="field">
      {props.label}
      <input
        className="input"
        type="password"
        autoComplete={props.isNew ? 'new-password' : 'current-password'}
        minLength={props.isNew ? 10 : undefined}
        required
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}

/** Fields and button that replace one's own password. All other sessions of the account end. */
export function PasswordForm(props: {
  /** Where the person has just typed it; absent: it is asked for. */
  current?: string;
  onDone: (session: SessionInfo) => void;
}) {
  const [typed, setTyped] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState('');
  const [working, setWorking] = useState(false);
  const save = async () => {
    if (next !== again) return setError(text.differ);
    setWorking(true);
    setError('');
    try {
      const session = await changePassword({ current: props.current ?? typed, next });
      setTyped('');
      setNext('');
      setAgain('');
      props.onDone(session);
    } catch (failure) {
      setError((failure as Error).message);
    } finally {
      setWorking(false);
    }
  };
  return (
    <form
      className="password-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {props.current === undefined && (
        <PasswordField label={text.current} isNew={false} value={typed} onChange={setTyped} />
      )}
      <PasswordField label={text.next} isNew value={next} onChange={setNext} />
      <PasswordField label={text.again} isNew value={again} onChange={setAgain} />
      <div aria-live="assertive">{error && <p className="notice notice-bad">{error}</p>}</div>
      <button type="submit" className="button button-primary password-form-submit" disabled={working}>
        {text.save}
      </button>
    </form>
  );
}
