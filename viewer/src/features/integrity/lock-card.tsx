import type { LockState, LockVerdict, RetentionAnswer } from '../../../../contract/retention.ts';
import { request } from '../../shared/api/client.ts';
import { integrityMessages } from '../../shared/messages.integrity.en.ts';
import { retentionMessages as text } from '../../shared/messages.retention.en.ts';
import { Card } from './card.tsx';
import { MassChangeCard } from './lock-mass-change-card.tsx';
import { useAnswer, useCall } from './use-integrity.ts';

const levels: Record<LockState, 'good' | 'warn' | 'bad'> = {
  kept: 'good',
  versions: 'good',
  'key-too-strong': 'warn',
  off: 'warn',
  folder: 'warn',
  'not-checked': 'warn',
  broken: 'bad',
  'no-lock': 'bad',
};

/** What keeps the images from being erased: whether each store refuses to delete, and whether something vanishes. */
export function LockCards() {
  const { value, failure, load } = useAnswer<RetentionAnswer>('api/retention');
  if (!value) return <Card title={text.lock} value={failure ? integrityMessages.failed(failure) : text.lockTrying} />;
  return (
    <>
      {value.locks.length === 0 && <Card title={text.lock} value={text.lockTrying} />}
      {value.locks.map((verdict) => (
        <LockCard key={verdict.role} verdict={verdict} load={load} />
      ))}
      <MassChangeCard answer={value} load={load} />
    </>
  );
}

/** Whether a store refuses to delete, as it was last tried, in words. */
function LockCard({ verdict, load }: { verdict: LockVerdict; load: () => Promise<void> }) {
  const { call, busy, failure } = useCall();
  const tryNow = () =>
    call(async () => {
      await request<LockVerdict[]>('api/retention/canary', { method: 'POST' });
      await load();
      return '';
    });
  return (
    <Card
      title={verdict.role === 'store' ? text.lock : text.lockReplica}
      level={levels[verdict.state]}
      value={text.lockStates[verdict.state]}
    >
      <p>{verdict.text}</p>
      {verdict.advice && <p>{verdict.advice}</p>}
      {failure && <p>{integrityMessages.failed(failure)}</p>}
      <p className="soft">{text.lockTried(verdict)}</p>
      <button type="button" className="button integrity-screen" disabled={busy} onClick={() => void tryNow()}>
        {text.tryNow}
      </button>
    </Card>
  );
}
