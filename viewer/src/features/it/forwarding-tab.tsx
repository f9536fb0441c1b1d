import { useState } from 'react';
import type {
  ForwardingAction,
  ForwardingCommitment,
  ForwardingDestination,
  ForwardingStatus,
} from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatAgo, formatInstant, formatPersonName } from '../../shared/format.ts';
import { forwardingMessages as text } from '../../shared/messages.forwarding.en.ts';
import { ForwardingRules } from './forwarding-rules.tsx';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

type Which = { id?: number; studyInstanceUID?: string; priority?: 'stat' | 'normal' };
type Act = (destination: string, action: ForwardingAction['action'], which?: Which) => void;

function stateOf(destination: ForwardingDestination): { badge: string; words: string } {
  const { paused, trouble, person, waiting, sending } = destination;
  if (paused) return { badge: 'badge badge-warn', words: text.paused };
  if (trouble) return { badge: 'badge badge-bad', words: text.held };
  if (person > 0) return { badge: 'badge badge-bad', words: text.needsPerson };
  if (waiting > 0 || sending > 0) return { badge: 'badge', words: text.sending };
  return { badge: 'badge badge-good', words: text.allSent };
}

/** What the destination has said of what it took. */
export function Commitment({ commitment }: { commitment: ForwardingCommitment }) {
  const { confirmed, open, refused, person, trouble } = commitment;
  return (
    <>
      <p>
        {text.commitment(confirmed, open)} {refused > 0 && text.commitmentRefused(refused)}{' '}
        {person > 0 && text.commitmentPerson(person)}
      </p>
      {trouble && <p className="soft">{text.commitmentTrouble(trouble)}</p>}
    </>
  );
}

function StudyButtons(props: {
  study: string;
  busy: boolean;
  act: (action: ForwardingAction['action'], which: Which) => void;
}) {
  const { study, busy, act } = props;
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={busy}
        onClick={() => act('retry', { studyInstanceUID: study })}
      >
        {text.retryStudy}
      </button>
      <button
        type="button"
        className="button"
        disabled={busy}
        onClick={() => act('prioritise', { studyInstanceUID: study, priority: 'stat' })}
      >
        {text.stat}
      </button>
    </>
  );
}

/** Any study, also one that only waits: named by its UID. */
function OneStudy(props: { busy: boolean; act: (action: ForwardingAction['action'], which: Which) => void }) {
  const [study, setStudy] = useState('');
  const uid = study.trim();
  return (
    <div className="it-form">
      <label>
        {text.oneStudy}
        <input className="input" maxLength={64} value={study} onChange={(event) => setStudy(event.target.value)} />
      </label>
      <StudyButtons busy={props.busy || uid === ''} study={uid} act={props.act} />
    </div>
  );
}

function Destination(props: { destination: ForwardingDestination; busy: boolean; act: Act }) {
  const { destination, busy, act } = props;
  const { name, waiting, sent, person, skipped, oldest, lastSentAt, paused, trouble, problems } = destination;
  const { badge, words } = stateOf(destination);
  return (
    <section className="it-destination" aria-label={name}>
      <h2>
        {name} <span className={badge}>{words}</span>
      </h2>
      {trouble && <p className="notice notice-bad">{text.trouble(trouble)}</p>}
      <p>
        {text.counts(sent, waiting)}
        {skipped > 0 && ` ${text.skipped(skipped)}`}
      </p>
      {destination.commitment && <Commitment commitment={destination.commitment} />}
      <p className="soft">
        {oldest && `${text.oldest(formatAgo(oldest))} `}
        {lastSentAt && text.last(formatInstant(lastSentAt))}
      </p>
      <div className="row">
        <button type="button" className="button" disabled={busy} onClick={() => act(name, paused ? 'resume' : 'pause')}>
          {paused ? text.resume : text.pause}
        </button>
        {problems.length > 0 && (
          <button type="button" className="button" disabled={busy} onClick={() => act(name, 'retry')}>
            {text.retryAll}
          </button>
        )}
      </div>
      {waiting > 0 && <OneStudy busy={busy} act={(...args) => act(name, ...args)} />}
      {problems.length > 0 && (
        <>
          <h3>{text.problems(person, problems.length)}</h3>
          <ListTable heads={text.heads} empty={false}>
            {problems.map((problem) => (
              <tr key={problem.id}>
                <td className="it-when">{formatInstant(problem.receivedAt)}</td>
                <td>
                  <strong dir="auto">{formatPersonName(problem.patientName)}</strong>{' '}
                  <span className="soft">{problem.patientID}</span>{' '}
                  <a href={`./viewer?StudyInstanceUIDs=${encodeURIComponent(problem.studyInstanceUID)}`}>{text.open}</a>
                  <div className="soft it-uid">{problem.sopInstanceUID}</div>
                </td>
                <td>
                  {problem.message}
                  <div className="soft">
                    {problem.state === 'person' ? text.waitsForYou : text.triedAgain(problem.attempts)}
                  </div>
                </td>
                <td className="row">
                  <button
                    type="button"
                    className="button"
                    disabled={busy}
                    onClick={() => act(name, 'retry', { id: problem.id })}
                  >
                    {text.retry}
                  </button>
                  <StudyButtons busy={busy} study={problem.studyInstanceUID} act={(...args) => act(name, ...args)} />
                  <AskButton
                    label={text.skip}
                    question={text.skipQuestion}
                    disabled={busy}
                    onYes={() => act(name, 'skip', { id: problem.id })}
                  />
                </td>
              </tr>
            ))}
          </ListTable>
          {problems.length < destination.person + destination.retrying && <p className="soft">{text.notAll}</p>}
        </>
      )}
    </section>
  );
}

/** What is owed to which destination, what it would not take, and the hand on it. */
export function ForwardingTab() {
  const { value, failure, load } = useList<ForwardingStatus>('api/forwarding');
  const { act, problem, busy } = useAction(load);
  const send: Act = (destination, action, which) =>
    void act(() => request('api/forwarding', { method: 'POST', body: { destination, action, ...which } }));
  return (
    <>
      <p className="soft">{text.lead}</p>
      <Sentences failures={[failure, problem]} />
      {value?.destinations.length === 0 && <p className="notice">{text.none}</p>}
      {value?.destinations.map((destination) => (
        <Destination key={destination.name} destination={destination} busy={busy} act={send} />
      ))}
      <ForwardingRules />
    </>
  );
}
