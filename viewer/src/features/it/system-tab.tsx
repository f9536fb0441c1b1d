import type { ReactNode } from 'react';
import type { Status } from '../../../../contract/api.ts';
import { useStatus } from '../../shared/api/use-status.ts';
import { formatAgo, formatBytes, formatCount, formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { Link } from '../../shared/ui/link.tsx';

const text = pageMessages.it;
const almostFullBytes = 2 * 2 ** 30;
/** What waits longer although the store answers is worth a look. */
const lateMs = 60_000;
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

/** What to do about it. */
function ToDo(props: { children: ReactNode }) {
  return (
    <p className="it-todo">
      <strong>{text.toDo}</strong> {props.children}
    </p>
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

function StoreCard(props: { store: Status['store'] }) {
  const { store } = props;
  const level: Level = !store.available || store.lost ? 'bad' : store.warning ? 'warn' : 'good';
  const value = !store.available ? text.storeAway : store.lost ? text.storeLost(store.lost) : text.storeOk;
  return (
    <Card title={text.store} level={level} value={value}>
      {store.since && <p>{text.since(formatInstant(store.since))}</p>}
      <p className="soft">{store.description}</p>
      {store.message && <p className="soft">{store.message}</p>}
      {!store.available && <ToDo>{text.storeAwayDo}</ToDo>}
      {store.available && store.lost && (
        <>
          <p>{text.since(formatInstant(store.lost.since))}</p>
          <ToDo>{text.storeLostDo}</ToDo>
        </>
      )}
      {store.warning && <p className="it-warning">{store.warning}</p>}
    </Card>
  );
}

function CatalogueCard(props: { catalogue: NonNullable<Status['catalogue']> }) {
  const { description, available, message, filling } = props.catalogue;
  const level: Level = !available ? 'bad' : filling ? 'warn' : 'good';
  const value = !available ? text.catalogueAway : filling ? text.catalogueFilling(filling.share) : text.catalogueOk;
  return (
    <Card title={text.catalogue} level={level} value={value}>
      <p className="soft">{description}</p>
      {message && <p className="soft">{message}</p>}
      {!available && <ToDo>{text.catalogueAwayDo}</ToDo>}
      {available && filling && (
        <>
          <progress className="it-progress" value={filling.share} aria-label={text.catalogue} />
          <p>{text.catalogueFilled(filling.instances, formatInstant(filling.since))}</p>
          <ToDo>{text.catalogueFillingDo}</ToDo>
        </>
      )}
    </Card>
  );
}

function SpoolCard(props: { spool: Status['spool']; storeAvailable: boolean }) {
  const { spool } = props;
  const late = spool.oldest !== null && Date.now() - Date.parse(spool.oldest) > lateMs;
  return (
    <Card
      title={text.spool}
      level={spool.entries === 0 ? 'good' : props.storeAvailable && !late ? '' : 'warn'}
      value={spool.entries === 0 ? text.spoolEmpty : text.spoolWaits(spool.entries, spool.bytes)}
    >
      {spool.oldest && <p>{text.oldest(formatAgo(spool.oldest))}</p>}
      {spool.entries > 0 && <p className="soft">{text.spoolSafe}</p>}
    </Card>
  );
}

function UnreadCard(props: { unread: NonNullable<Status['spool']['unread']> }) {
  const { files, since, triedAt, nextTryAt, reason } = props.unread;
  return (
    <Card title={text.unread} level="bad" value={text.unreadFiles(files)}>
      <p>{text.since(formatInstant(since))}</p>
      <p className="soft">{reason}</p>
      <p className="soft">{text.unreadTried(formatInstant(triedAt), formatInstant(nextTryAt))}</p>
      <ToDo>{text.unreadDo}</ToDo>
    </Card>
  );
}

/** How the machine is: store, catalogue, spool, disk, PACS, totals. Live. */
export function SystemTab() {
  const { status } = useStatus();
  if (!status) return <p className="soft">{text.loading}</p>;
  const { store, spool, totals, catalogue } = status;
  const full = spool.freeBytes < almostFullBytes;
  return (
    <div className="it-cards">
      {spool.unread && <UnreadCard unread={spool.unread} />}
      <StoreCard store={store} />
      {catalogue && <CatalogueCard catalogue={catalogue} />}
      <SpoolCard spool={spool} storeAvailable={store.available} />
      <Card title={text.free} level={full ? 'bad' : 'good'} value={formatBytes(spool.freeBytes)}>
        {full && <ToDo>{text.freeDo}</ToDo>}
      </Card>
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
