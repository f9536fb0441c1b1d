import { useState } from 'react';
import { signIn } from '../../shared/api/client.ts';
import { messages } from '../../shared/messages.en.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { useSession } from '../../shared/session.ts';
import { PasswordForm } from '../../shared/ui/password-form.tsx';
import { useTitle } from '../../shared/use-title.ts';
import './sign-in.css';

const text = pageMessages.signIn;

/** The sign-in page: name, password, and in words why it was refused. */
export default function SignInPage() {
  const { setSession } = useSession();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');
  const [working, setWorking] = useState(false);
  const [forced, setForced] = useState(false);
  useTitle(text.title);
  const submit = async () => {
    setWorking(true);
    setError('');
    try {
      const session = await signIn({ user: user.trim(), password });
      if (session.mustChangePassword) setForced(true);
      else setSession(session);
    } catch (failure) {
      setError((failure as Error).message);
      setPassword('');
    } finally {
      setWorking(false);
    }
  };
  if (forced)
    return (
      <main className="sign-in">
        <section className="sign-in-card">
          <h1>{pageMessages.password.own}</h1>
          <p className="soft">{pageMessages.password.ownLead}</p>
          <PasswordForm current={password} onDone={setSession} />
        </section>
      </main>
    );
  return (
    <main className="sign-in">
      <form
        className="sign-in-card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1 className="sign-in-brand">
          <img src="./lifeboat.svg" alt="" width="40" height="40" />
          {messages.product}
        </h1>
        <p className="soft">{text.lead}</p>
        <label className="field">
          {text.user}
          <input
            className="input"
            name="user"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            // biome-ignore lint/a11y/noAutofocus: the page has one purpose and this field is its start
            autoFocus
            required
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
        </label>
        <label className="field">
          {text.password}
          <input
            className="input"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <div aria-live="assertive">{error && <p className="notice notice-bad">{error}</p>}</div>
        <button type="submit" className="button button-primary sign-in-submit" disabled={working}>
          {working ? text.working : text.submit}
        </button>
        <p className="sign-in-small">{text.forgotten}</p>
        <p className="sign-in-small">{text.disclaimer}</p>
      </form>
    </main>
  );
}
