import type { ReactNode } from 'react';
import type { Status } from '../../../../contract/api.ts';
import { useStatus } from '../../shared/api/use-status.ts';
import { formatAgo, formatBytes, formatCount, formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { Link } from '../../shared/ui/link.tsx';

const text = pageMessages.it;
const almostFullBytes = 2 * 2 ** 30;
type Level = 'good' | 'warn' | 'bad' | '';

function Card(props: { title: string; level?: Level; value: ReactNode; children?: ReactNode }) {
  return (
    <section className={`it-card it-card-${props.level || 'plain'}`}>
      <h2>{props.title}</h2>
      <p className="it-value">{props.value}</p>
      {props.children}
    </section>
  );
}

function Pacs(props: { pacs: Status['pacs'] }) {
  const { pacs } = props;
  if (!pacs) return <Card title={text.pacs} value={text.pacsNone} />;
  const level: Level = { up: 'good', degraded: 'warn', down: 'bad', unknown: '' }[pacs.state] as Level;
  return (
    <Card title={`${text.pacs}: ${pacs.name}`} level={level} value={text.pacsStates[pacs.state]}>
      <p>{text.since(formatInstant(pacs.since))}</p>
      <p className="soft">{pacs.address}</p>
      <p className="soft">{pacs.evidence}</p>
      {pacs.queued > 0 && <p>{text.queued(pacs.queued)}</p>}
    </Card>
  );
}

/** How the machine is: store, spool, disk, PACS, totals. Live. */
export function SystemTab() {
  const { status } = useStatus();
  if (!status) return <p className="soft">{text.loading}</p>;
  const { store, spool, totals } = status;
  return (
    <div className="it-cards">
      <Card
        title={text.store}
        level={store.available ? 'good' : 'bad'}
        value={store.available ? text.storeOk : text.storeAway}
      >
        {store.since && <p>{text.since(formatInstant(store.since))}</p>}
        <p className="soft">{store.description}</p>
        {store.message && <p className="soft">{store.message}</p>}
      </Card>
      <Card
        title={text.spool}
        level={spool.entries === 0 ? 'good' : store.available ? '' : 'warn'}
        value={spool.entries === 0 ? text.spoolEmpty : text.spoolWaits(spool.entries, spool.bytes)}
      >
        {spool.oldest && <p>{text.oldest(formatAgo(spool.oldest))}</p>}
      </Card>
      <Card
        title={text.free}
        level={spool.freeBytes < almostFullBytes ? 'bad' : 'good'}
        value={formatBytes(spool.freeBytes)}
      />
      <Pacs pacs={status.pacs} />
      <Card title={text.kept} value={text.keptTotals(totals.studies, totals.instances, totals.bytes)} />
      <Card
        title={text.conflicts}
        level={totals.conflicts > 0 ? 'warn' : 'good'}
        value={totals.conflicts > 0 ? formatCount(totals.conflicts) : text.noConflicts}
      >
        <p className="soft">{text.conflictsHint}</p>
        {totals.conflicts > 0 && <Link to="./?conflicts=1">{text.showConflicts}</Link>}
      </Card>
      <Card
        title={text.receive}
        level={status.pendingAEs > 0 ? 'warn' : ''}
        value={text.receiveAt(status.aeTitle, location.hostname, status.dicomPort)}
      >
        {status.pendingAEs > 0 && (
          <p>
            {text.waitingSenders(status.pendingAEs)}. <Link to="./it?tab=senders">{text.showSenders}</Link>
          </p>
        )}
      </Card>
      <Card title={text.version} value={status.version} />
    </div>
  );
}
