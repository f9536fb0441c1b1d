import { useState } from 'react';
import type { HoldAnswer } from '../../../../contract/retention.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { integrityMessages } from '../../shared/messages.integrity.en.ts';
import { retentionMessages as text } from '../../shared/messages.retention.en.ts';
import { useAnswer, useCall } from './use-integrity.ts';

/** Legal hold of one study: whether it must not be removed, why, and the button that changes it. */
export function HoldSection({ uid }: { uid: string }) {
  const path = `api/retention/holds/${encodeURIComponent(uid)}`;
  const { value, setValue, failure } = useAnswer<HoldAnswer>(path, false);
  const { call, busy, sentence, failure: problem } = useCall();
  const [reason, setReason] = useState('');
  if (!value) return failure ? <p className="notice notice-bad">{integrityMessages.failed(failure)}</p> : null;
  const { held, history } = value;
  const change = () =>
    call(async () => {
      const state = held ? 'released' : 'placed';
      const body = { state, reason: reason.trim() };
      const answer = await request<HoldAnswer>(path, { method: 'POST', body });
      setValue(answer);
      setReason('');
      return answer.store ?? '';
    });
  return (
    <section className="integrity-section">
      <h2>{text.holdTitle}</h2>
      <p>{held ? text.held(held) : text.notHeld}</p>
      <form
        className="row integrity-screen"
        onSubmit={(event) => {
          event.preventDefault();
          void change();
        }}
      >
        <input
          className="input integrity-uid"
          aria-label={text.holdReason}
          placeholder={text.holdReason}
          maxLength={500}
          required
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <button type="submit" className="button" disabled={busy || reason.trim() === ''}>
          {held ? text.release : text.hold}
        </button>
        <span aria-live="polite">{sentence}</span>
      </form>
      {problem && <p className="notice notice-bad">{integrityMessages.failed(problem)}</p>}
      {history.map((row) => (
        <p key={row.at} className="soft">
          {formatInstant(row.at)} {text.holdWas[row.state]}, {row.by}: {row.reason}
        </p>
      ))}
    </section>
  );
}
