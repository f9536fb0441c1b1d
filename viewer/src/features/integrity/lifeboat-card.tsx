import type { LifeboatStatus } from '../../../../contract/lifeboat.ts';
import { formatInstant } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { Card } from './card.tsx';
import { useAnswer } from './use-integrity.ts';

/** Where the archive opens when every server of ours is down, and whether that was ever tried. */
export function LifeboatCard() {
  const { value, failure } = useAnswer<LifeboatStatus>('api/lifeboat');
  if (!value) return <Card title={text.lifeboat} value={failure ? text.failed(failure) : text.loading} />;
  const { viewer, envelopes, lastDrill, lastPassedAt } = value;
  const ready = viewer.state === 'published' || viewer.state === 'newer';
  const level = !ready || lastDrill?.outcome === 'failed' ? 'bad' : lastDrill?.outcome === 'passed' ? 'good' : 'warn';
  const wrong = lastDrill && [
    ...lastDrill.steps.filter(({ outcome }) => outcome !== 'passed').map(({ name, detail }) => `${name}: ${detail}`),
    ...lastDrill.studies.flatMap(({ studyInstanceUID, problems }) => problems.map((p) => `${studyInstanceUID}: ${p}`)),
  ];
  return (
    <Card title={text.lifeboat} level={level} value={text.lifeboatViewer[viewer.state]}>
      {viewer.problem && <p>{viewer.problem}</p>}
      <p className="integrity-hash">{viewer.address ?? text.lifeboatFolder(viewer.folder ?? '')}</p>
      {viewer.address && envelopes && <p>{text.lifeboatEnvelopes(envelopes)}</p>}
      <p>{lastDrill ? text.drill[lastDrill.outcome](formatInstant(lastDrill.endedAt)) : text.drillNone}</p>
      {wrong?.slice(0, 3).map((sentence) => (
        <p key={sentence} className="integrity-hash">
          {sentence}
        </p>
      ))}
      {lastPassedAt && lastDrill?.outcome !== 'passed' && <p>{text.drillPassed(formatInstant(lastPassedAt))}</p>}
      <p className="soft">{text.lifeboatTry}</p>
    </Card>
  );
}
