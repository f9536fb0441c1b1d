import { useState } from 'react';
import type { SessionInfo } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.signIn;

/** After signing in with a password that somebody else made: choose an own one, or do it later. */
export function OwnPassword(props: {
  session: SessionInfo;
  /** The password just signed in with. */
  current: string;
  onDone: (session: SessionInfo) => void;
}) {
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState('');
  const save = async () => {
    if (next !== again) return setError(text.differ);
    try {
      await request('api/session/password', { method: 'POST', body: { current: props.current, next } });
      props.onDone({ ...props.session, mustChangePassword: false });
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  return (
    <main className="sign-in">
      <form
        className="sign-in-card"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <h1>{text.own}</h1>
        <p className="soft">{text.ownLead}</p>
        <label className="field">
          {text.next}
          <input
            className="input"
            type="password"
            autoComplete="new-password"
            minLength={10}
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </label>
        <label className="field">
          {text.again}
          <input
            className="input"
            type="password"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        </label>
        <div aria-live="assertive">{error && <p className="notice notice-bad">{error}</p>}</div>
        <button type="submit" className="button button-primary sign-in-submit">
          {text.save}
        </button>
        <button type="button" className="button sign-in-submit" onClick={() => props.onDone(props.session)}>
          {text.later}
        </button>
      </form>
    </main>
  );
}
