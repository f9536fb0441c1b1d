import { useState } from 'react';
import { signOut } from '../../shared/api/client.ts';
import { messages } from '../../shared/messages.en.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { useSession } from '../../shared/session.ts';
import { PasswordForm } from '../../shared/ui/password-form.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { OwnSessions } from './own-sessions.tsx';
import './account.css';

const text = pageMessages.account;

/** One's own account. While the password is somebody else's making this is all there is. */
export default function AccountPage() {
  const { session, setSession } = useSession();
  const [changed, setChanged] = useState(false);
  useTitle(text.title);
  if (!session) return null;
  const forced = session.mustChangePassword === true;
  const leave = async () => {
    await signOut();
    location.replace('./sign-in');
  };
  return (
    <div className="page account">
      <section className="account-card">
        <h1>{forced ? pageMessages.password.own : text.title}</h1>
        <p className="soft">{forced ? pageMessages.password.ownLead : text.signedInAs(session.user)}</p>
        <h2>{text.password}</h2>
        <PasswordForm
          onDone={(next) => {
            setSession(next);
            setChanged(true);
          }}
        />
        <div aria-live="polite">{changed && <p className="notice">{text.changed}</p>}</div>
        {forced && (
          <button type="button" className="button account-leave" onClick={leave}>
            {messages.pages.signOut}
          </button>
        )}
      </section>
      {!forced && <OwnSessions key={session.csrf} />}
    </div>
  );
}
