import type { LockState, LockVerdict, RetentionAnswer } from '../../../../contract/retention.ts';
import { request } from '../../shared/api/client.ts';
import { integrityMessages } from '../../shared/messages.integrity.en.ts';
import { retentionMessages as text } from '../../shared/messages.retention.en.ts';
import { Card } from './card.tsx';
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

/** Whether each store refuses to delete, as it was last tried, in words. */
export function LockCards() {
  const { value, failure, load } = useAnswer<RetentionAnswer>('api/retention');
  const { call, busy, failure: problem } = useCall();
  const tryNow = () =>
    call(async () => {
      await request<LockVerdict[]>('api/retention/canary', { method: 'POST' });
      await load();
      return '';
    });
  if (!value || value.locks.length === 0)
    return <Card title={text.lock} value={failure ? integrityMessages.failed(failure) : text.lockTrying} />;
  return value.locks.map((verdict) => (
    <Card
      key={verdict.role}
      title={verdict.role === 'store' ? text.lock : text.lockReplica}
      level={levels[verdict.state]}
      value={text.lockStates[verdict.state]}
    >
      <p>{verdict.text}</p>
      {verdict.advice && <p>{verdict.advice}</p>}
      {problem && <p>{integrityMessages.failed(problem)}</p>}
      <p className="soft">{text.lockTried(verdict)}</p>
      <button type="button" className="button integrity-screen" disabled={busy} onClick={() => void tryNow()}>
        {text.tryNow}
      </button>
    </Card>
  ));
}
