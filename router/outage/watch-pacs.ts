import type { RouterContext } from '../context.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { type PacsWatch, startPacsWatch } from '../pacs-watch.ts';
import type { Reconciliation } from '../reconcile/reconciliation.ts';
import { askCanary } from './canary.ts';
import { type CanaryIntake, fetchCanary } from './image-canary.ts';
import { OutageLedger } from './ledger.ts';
import { OutageAlerts } from './outage-alerts.ts';
import { registerOutageMetrics } from './outage-metrics.ts';

/** A query that takes longer says that the PACS is not well. */
const CANARY_MS = 5_000;

/**
 * Watches LIFEBOAT_PACS, when there is one: its outages go into the ledger, what is owed goes out as soon as it is back, and
 * then both sides are compared.
 * @param intake stands before the archive and takes the known image that the PACS is asked for
 * @returns what closes it again
 */
export function watchPacs(
  context: RouterContext,
  forwarding: Forwarding,
  reconciliation: Reconciliation,
  intake: CanaryIntake,
): () => void {
  const { config, archive, log } = context;
  const peer = config.pacs;
  if (!peer) return () => undefined;
  const outages = new OutageLedger(config.dataDir);
  context.outages = outages;
  const queued = () => {
    const name = forwarding.destinationAt(peer);
    return name === undefined ? undefined : forwarding.queued(name);
  };
  const address = { host: peer.host, port: peer.port, calledAE: peer.aeTitle, callingAE: config.aeTitle };
  const image = config.pacsCanaryImage;
  const watch: PacsWatch = startPacsWatch({
    pacs: peer,
    aeTitle: config.aeTitle,
    log,
    queued,
    canary: () => askCanary({ ...address, idleTimeoutMs: CANARY_MS, artimTimeoutMs: CANARY_MS }, config.pacsCanary),
    ...(image && { imageCanary: () => fetchCanary(config, image, intake), imageCanaryMs: image.everyMs }),
  });
  const alerts = new OutageAlerts(outages, (event) => context.notify?.(event));
  registerOutageMetrics(context.metrics, outages);
  archive.events.on('committed', (entries) => outages.received(entries));
  watch.on('change', (status) => {
    const over = outages.changed(status, forwarding.counts());
    const name = forwarding.destinationAt(peer);
    if (status.state === 'up' && name !== undefined) forwarding.isBack(name);
    alerts.changed(status);
    if (over) reconciliation.afterOutage(over);
  });
  forwarding.onTraffic = ({ name }, trouble) => {
    if (name === forwarding.destinationAt(peer)) watch.traffic(trouble);
  };
  context.pacsStatus = () => watch.status();
  return () => {
    watch.close();
    alerts.close();
    outages.close();
  };
}
