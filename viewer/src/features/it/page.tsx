import type { ComponentType } from 'react';
import { useStatus } from '../../shared/api/use-status.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { useLocation } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { AuditTab } from './audit-tab.tsx';
import { BackfillTab } from './backfill-tab.tsx';
import { CorrectionsTab } from './corrections-tab.tsx';
import { ForwardingTab } from './forwarding-tab.tsx';
import { OutagesTab } from './outages-tab.tsx';
import { ReconcileTab } from './reconcile-tab.tsx';
import { RefusalsTab } from './refusals-tab.tsx';
import { SendersTab } from './senders-tab.tsx';
import { SystemTab } from './system-tab.tsx';
import { TokensTab } from './tokens-tab.tsx';
import { UsersTab } from './users-tab.tsx';
import './it.css';

const text = pageMessages.it;
type TabName = keyof typeof text.tabs;
const tabs: Record<TabName, ComponentType> = {
  system: SystemTab,
  senders: SendersTab,
  forwarding: ForwardingTab,
  outages: OutagesTab,
  reconcile: ReconcileTab,
  corrections: CorrectionsTab,
  backfill: BackfillTab,
  users: UsersTab,
  tokens: TokensTab,
  refusals: RefusalsTab,
  audit: AuditTab,
};
const names = Object.keys(tabs) as TabName[];

/** For administrators; which tab is open stands in the address. */
export default function ItPage() {
  const { query } = useLocation();
  const { status } = useStatus();
  const name = names.find((one) => one === query.get('tab')) ?? 'system';
  const Tab = tabs[name];
  useTitle(`${text.title}: ${text.tabs[name]}`);
  return (
    <div className="page">
      <h1 className="sr-only">{text.title}</h1>
      <nav className="it-tabs" aria-label={text.title}>
        {names.map((one) => (
          <Link key={one} to={`./it?tab=${one}`} className="it-tab" current={one === name}>
            {text.tabs[one]}
            {one === 'senders' && status !== null && status.pendingAEs > 0 && (
              <span className="badge badge-warn">{status.pendingAEs}</span>
            )}
          </Link>
        ))}
      </nav>
      <Tab />
    </div>
  );
}
