import type { RetentionAnswer } from '../../../../contract/retention.ts';
import { request } from '../../shared/api/client.ts';
import { integrityMessages } from '../../shared/messages.integrity.en.ts';
import { retentionMessages as text } from '../../shared/messages.retention.en.ts';
import { Card } from './card.tsx';
import { useCall } from './use-integrity.ts';

/** Whether images vanish from the store, and what to do then. */
export function MassChangeCard(props: { answer: RetentionAnswer; load: () => Promise<void> }) {
  const { alerts } = props.answer;
  const { call, busy, failure } = useCall();
  const open = alerts.find(({ seenAt }) => seenAt === null);
  const last = alerts.find(({ seenAt }) => seenAt !== null);
  const seen = (id: number) =>
    call(async () => {
      await request<RetentionAnswer>(`api/retention/alerts/${id}/seen`, { method: 'POST' });
      await props.load();
      return '';
    });
  return (
    <Card
      title={text.massChange}
      level={open ? 'bad' : 'good'}
      value={open ? text.massChangeCount(open.count) : text.massChangeNone}
    >
      {!open && <p>{text.massChangeHint}</p>}
      {open && (
        <>
          <p>{open.text}</p>
          <p>{text.massChangeDo}</p>
          <p className="soft">{text.massChangeSince(open.since)}</p>
          <button type="button" className="button integrity-screen" disabled={busy} onClick={() => void seen(open.id)}>
            {text.massChangeSeen}
          </button>
        </>
      )}
      {failure && <p>{integrityMessages.failed(failure)}</p>}
      {last?.seenAt && <p className="soft">{text.massChangeLast(last.seenAt, last.seenBy ?? '')}</p>}
    </Card>
  );
}
