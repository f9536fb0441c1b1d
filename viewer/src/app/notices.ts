import type { Status } from '../../../contract/api.ts';
import { messages } from '../shared/messages.en.ts';
import { retentionMessages } from '../shared/messages.retention.en.ts';

const minuteMs = 60_000;
const almostFullBytes = 2 * 2 ** 30;

export interface Notice {
  level: 'bad' | 'warn' | 'info';
  text: string;
}

/** What everybody must know right now, most urgent first. */
export function noticesOf(status: Status | null, reachable: boolean, now = Date.now(), forIT = false): Notice[] {
  const notices: Notice[] = [];
  if (!reachable) notices.push({ level: 'bad', text: messages.banner.unreachable });
  if (!status) return notices;
  if (status.pacs?.state === 'down') notices.push({ level: 'bad', text: messages.banner.pacsDown(status.pacs) });
  if (!status.store.available) notices.push({ level: 'bad', text: messages.banner.storeAway(status) });
  if (status.store.available && status.store.lost)
    notices.push({ level: 'bad', text: messages.banner.storeLost(status.store.lost) });
  if (forIT && status.massChange)
    notices.push({ level: 'bad', text: retentionMessages.massChangeBanner(status.massChange) });
  if (status.catalogue?.available === false) notices.push({ level: 'bad', text: messages.banner.catalogueAway });
  else if (status.catalogue?.filling)
    notices.push({ level: 'warn', text: messages.banner.catalogueFilling(status.catalogue.filling.share) });
  if (status.spool.freeBytes < almostFullBytes)
    notices.push({ level: 'bad', text: messages.banner.spoolAlmostFull(status) });
  if (status.pacs?.state === 'degraded')
    notices.push({ level: 'warn', text: messages.banner.pacsDegraded(status.pacs) });
  const oldest = status.spool.oldest ? now - new Date(status.spool.oldest).getTime() : 0;
  if (status.store.available && status.spool.entries > 0 && oldest > minuteMs)
    notices.push({ level: 'warn', text: messages.banner.spoolWaiting(status) });
  if (status.demo) notices.push({ level: 'info', text: messages.banner.demo });
  return notices;
}
