import type { ReplicaStatus } from '../../../../contract/integrity.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { Card } from './card.tsx';

/** How far the second store is behind, and what could not be copied. */
export function ReplicaCard({ replica }: { replica: ReplicaStatus | null }) {
  if (!replica) return <Card title={text.replica} level="warn" value={text.replicaNone} />;
  const { state, reason, lag, problems, compared, description } = replica;
  const level = state === 'held' || problems.count > 0 ? 'bad' : state === 'level' ? 'good' : '';
  return (
    <Card title={text.replica} level={level} value={text.replicaStates[state]}>
      {reason && <p>{reason}</p>}
      {lag.oldest && <p>{text.replicaLag(lag)}</p>}
      {problems.newest[0] && <p>{text.replicaProblems(problems.count, problems.newest[0].reason)}</p>}
      {compared && <p className="soft">{text.replicaCompared(compared)}</p>}
      <p className="soft integrity-hash">{description}</p>
    </Card>
  );
}
