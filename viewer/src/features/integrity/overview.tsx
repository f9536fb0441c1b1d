import type { IntegrityAnswer, PassRow, RepairRow, SealState } from '../../../../contract/integrity.ts';
import { request } from '../../shared/api/client.ts';
import { formatBytes, formatInstant } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { Card } from './card.tsx';
import { Findings } from './findings.tsx';
import { GrowthChart } from './growth-chart.tsx';
import { LifeboatCard } from './lifeboat-card.tsx';
import { LockCards } from './lock-card.tsx';
import { OpenStudy } from './open-study.tsx';
import { Repairs } from './repairs.tsx';
import { ReplicaCard } from './replica-card.tsx';
import { RetentionSection } from './retention-card.tsx';
import { ScrubCard } from './scrub-card.tsx';
import { useAnswer, useCall } from './use-integrity.ts';

/** The whole archive at a glance. Live. */
export function Overview() {
  const { value, failure, load } = useAnswer<IntegrityAnswer>('api/integrity');
  const repairs = useAnswer<RepairRow[]>('api/integrity/repairs');
  const { call, busy, sentence, failure: problem } = useCall();
  if (!value)
    return failure ? (
      <p className="notice notice-bad">{text.failed(failure)}</p>
    ) : (
      <p className="soft">{text.loading}</p>
    );
  const passNow = () =>
    call(async () => {
      await request('api/integrity/pass', { method: 'POST' });
      await load();
      return text.passStarted;
    });
  const sealNow = () =>
    call(async () => {
      await request<SealState>('api/integrity/seal', { method: 'POST' });
      await load();
      return text.sealed;
    });
  return (
    <>
      <Verdict answer={value} />
      <div className="row integrity-actions">
        <button type="button" className="button" disabled={busy || value.scrub.state === 'off'} onClick={passNow}>
          {text.passNow}
        </button>
        <button type="button" className="button" disabled={busy} onClick={sealNow}>
          {text.sealNow}
        </button>
        <a className="button" href="./api/integrity/report.pdf" download>
          {text.reportPdf}
        </a>
        <a className="button" href="./api/integrity/report.csv" download>
          {text.report}
        </a>
        <button type="button" className="button" onClick={() => print()}>
          {text.print}
        </button>
        <span aria-live="polite">{sentence}</span>
      </div>
      {[failure, problem].filter(Boolean).map((sentence) => (
        <p key={sentence} className="notice notice-bad">
          {text.failed(sentence)}
        </p>
      ))}
      <Cards answer={value} />
      <Findings
        counts={value.findings}
        onChanged={async () => {
          await Promise.all([load(), repairs.load()]);
        }}
      />
      {repairs.value && <Repairs rows={repairs.value} />}
      <RetentionSection />
      <OpenStudy />
    </>
  );
}

function Verdict({ answer: { findings, lastPass, totals } }: { answer: IntegrityAnswer }) {
  const read = lastPass ? lastPass.sound + lastPass.errors + lastPass.notChecked : 0;
  const since = Math.max(0, totals.instances - read);
  const whole = (pass: PassRow) =>
    [
      pass.errors + pass.notChecked > 0 ? text.verdict.repairedSince : text.verdict.wholeSince(pass),
      since > 0 && text.verdict.cameSince(since),
    ]
      .filter(Boolean)
      .join(' ');
  const [level, title, hint] =
    findings.open > 0
      ? ['bad', text.verdict.wrong(findings.open), text.verdict.wrongHint]
      : findings.notChecked > 0
        ? ['warn', text.verdict.notChecked(findings.notChecked), text.verdict.notCheckedHint]
        : lastPass && read >= since
          ? ['good', text.verdict.whole, whole(lastPass)]
          : ['warn', text.verdict.never, text.verdict.neverHint];
  return (
    <section className={`integrity-verdict integrity-${level}`}>
      <h1>{title}</h1>
      <p>{hint}</p>
    </section>
  );
}

function Cards({ answer }: { answer: IntegrityAnswer }) {
  const { totals, lastPass, findings, seal, space } = answer;
  return (
    <div className="integrity-cards">
      <Card title={text.archive} value={formatBytes(totals.bytes)}>
        <p>{text.totals(totals)}</p>
      </Card>
      <Card
        title={text.lastPass}
        level={!lastPass ? 'warn' : lastPass.errors > 0 ? 'bad' : lastPass.notChecked > 0 ? 'warn' : 'good'}
        value={lastPass ? formatInstant(lastPass.endedAt) : text.passNone}
      >
        {lastPass && (
          <>
            <p>{text.passFound(lastPass)}</p>
            <p className="soft">
              {text.passWhat(lastPass)}, {text.passBy[lastPass.by]}
            </p>
          </>
        )}
      </Card>
      <ScrubCard scrub={answer.scrub} />
      <Card title={text.findings} level={findings.open > 0 ? 'bad' : 'good'} value={text.open(findings.open)}>
        <p>{text.repaired(findings.repaired)}</p>
        {findings.notes > 0 && <p className="soft">{text.notes(findings.notes)}</p>}
      </Card>
      <SealCard seal={seal} />
      <ReplicaCard replica={answer.replica} />
      <LockCards />
      <LifeboatCard />
      <Card
        title={text.space}
        level={space && (space.daysUntilFull ?? 1000) < 30 ? 'bad' : ''}
        value={space ? text.free(space.freeBytes, space.totalBytes) : text.spaceUnknown}
      >
        {space && <p>{text.full(space.daysUntilFull)}</p>}
      </Card>
      <section className="integrity-card integrity-wide">
        <h2>{text.growth}</h2>
        <GrowthChart points={answer.growth} />
      </section>
    </div>
  );
}

function SealCard({ seal }: { seal: SealState }) {
  const { newest, failure, keyId } = seal;
  return (
    <Card
      title={text.seal}
      level={failure ? 'bad' : newest ? 'good' : 'warn'}
      value={newest ? formatInstant(newest.createdAt) : text.sealNone}
    >
      {failure && <p>{text.sealFailing(failure.message)}</p>}
      {newest && (
        <>
          <p>{text.sealOver(newest.treeSize)}</p>
          <p className="soft">{text.sealKeep}</p>
          <p className="integrity-hash">
            {newest.sequence}:{newest.sha256}
          </p>
        </>
      )}
      <p className="soft integrity-hash">{text.sealKey(keyId)}</p>
    </Card>
  );
}
