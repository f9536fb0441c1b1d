import type { ReactNode } from 'react';
import type { SessionInfo } from '../../../contract/api.ts';
import { signOut } from '../shared/api/client.ts';
import { useStatus } from '../shared/api/use-status.ts';
import { messages } from '../shared/messages.en.ts';
import { findingsMessages } from '../shared/messages.findings.en.ts';
import { historyMessages } from '../shared/messages.history.en.ts';
import { risMessages } from '../shared/messages.ris.en.ts';
import { Link } from '../shared/ui/link.tsx';
import { Banner } from './banner.tsx';
import './layout.css';

const links: { page: string; to: string; label: string; roles: SessionInfo['role'][] }[] = [
  { page: '', to: './', label: messages.pages.worklist, roles: ['radiologist', 'admin'] },
  { page: 'findings', to: './findings', label: findingsMessages.link, roles: ['radiologist', 'admin'] },
  { page: 'upload', to: './upload', label: messages.pages.upload, roles: ['radiologist', 'modality', 'admin'] },
  { page: 'ris', to: './ris', label: risMessages.link, roles: ['modality', 'admin'] },
  { page: 'arrivals', to: './arrivals', label: messages.pages.arrivals, roles: ['modality', 'admin'] },
  { page: 'readiness', to: './readiness', label: historyMessages.readiness.link, roles: ['radiologist', 'admin'] },
  { page: 'integrity', to: './integrity', label: messages.pages.integrity, roles: ['admin'] },
  { page: 'it', to: './it', label: messages.pages.it, roles: ['admin'] },
];

/** Bar, banner and the page beneath. */
export function Layout(props: { page: string; session: SessionInfo; children: ReactNode }) {
  const { status } = useStatus();
  const leave = async () => {
    await signOut();
    // A new page: what was shown and cached is gone with the old one.
    location.replace('./sign-in');
  };
  return (
    <div className="shell">
      <header className="shell-bar">
        <Link to="./" className="shell-brand">
          <img src="./lifeboat.svg" alt="" />
          {messages.product}
        </Link>
        <nav>
          {links
            .filter((link) => link.roles.includes(props.session.role))
            .map((link) => (
              <Link key={link.page} to={link.to} className="shell-link" current={link.page === props.page}>
                {link.label}
                {link.page === 'it' && status !== null && status.pendingAEs > 0 && (
                  <span
                    className="badge badge-warn shell-badge"
                    title={messages.pages.pendingSenders(status.pendingAEs)}
                  >
                    {status.pendingAEs}
                  </span>
                )}
              </Link>
            ))}
        </nav>
        <div className="shell-user">
          <Link to="./account" className="shell-link" current={props.page === 'account'}>
            {props.session.user}
          </Link>
          <button type="button" className="button" onClick={leave}>
            {messages.pages.signOut}
          </button>
        </div>
      </header>
      <Banner />
      <main className="shell-main">{props.children}</main>
    </div>
  );
}
