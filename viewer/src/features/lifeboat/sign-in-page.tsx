import { useEffect, useState } from 'react';
import type { BucketBoot } from '../../../../contract/lifeboat.ts';
import { DEFAULT_ENVELOPE } from '../../../../storage/format/break-glass-envelope.ts';
import { lookAtStore } from '../../../../storage/format/lifeboat-store.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';
import { useTitle } from '../../shared/use-title.ts';
import { CredentialFields, type TypedKey } from './credential-fields.tsx';
import { asRequestError } from './store-door.ts';
import { type StoreLook, Visit } from './visit.ts';
import './lifeboat.css';

const text = lifeboatMessages.signIn;
const retryMs = 5000;

/** The folder above the viewer's own is the archive, wherever it is served from. */
export function storeBase(): string {
  return new URL('../', location.origin + location.pathname).href;
}

/** Asks the store what it is until it answers. */
function useLook(boot: BucketBoot): { look: StoreLook | null; problem: string } {
  const [look, setLook] = useState<StoreLook | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (look) return;
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const base = storeBase();
    const ask = async () => {
      try {
        const found = await lookAtStore(base);
        if (!over) setLook({ base, boot, ...found });
      } catch (error) {
        if (over) return;
        setProblem(asRequestError(error).message);
        timer = setTimeout(ask, retryMs);
      }
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [boot, look]);
  return { look, problem };
}

/** Name, reason and break-glass credential; and in words why the store did not open. */
export function LifeboatSignIn(props: { boot: BucketBoot; notice: string; onBegun: (visit: Visit) => void }) {
  const { look, problem } = useLook(props.boot);
  const [person, setPerson] = useState('');
  const [reason, setReason] = useState('');
  const [key, setKey] = useState<TypedKey>({ envelope: DEFAULT_ENVELOPE, password: '' });
  const [error, setError] = useState('');
  const [working, setWorking] = useState(false);
  useTitle(text.title);
  const submit = async () => {
    if (!look) return;
    setWorking(true);
    setError('');
    try {
      props.onBegun(await Visit.begin(look, { person, reason, key: look.open ? undefined : key }));
    } catch (failure) {
      setError(asRequestError(failure).message);
      setKey('password' in key ? { ...key, password: '' } : { ...key, secretKey: '' });
      setWorking(false);
    }
  };
  const standsAgainst =
    window.top !== window ? text.framed : look && !look.open && !isSecureContext ? text.insecure : '';
  return (
    <main className="lifeboat-sign-in">
      <form
        className="lifeboat-card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1 className="lifeboat-brand">
          <img src="./lifeboat.svg" alt="" width="40" height="40" />
          {lifeboatMessages.mode}
        </h1>
        <p className="soft">{text.lead}</p>
        {props.notice && <p className="notice">{props.notice}</p>}
        <label className="field">
          {text.person}
          <input
            className="input"
            name="person"
            autoComplete="off"
            maxLength={100}
            // biome-ignore lint/a11y/noAutofocus: the page has one purpose and this field is its start
            autoFocus
            required
            value={person}
            onChange={(event) => setPerson(event.target.value)}
          />
        </label>
        <label className="field">
          {text.reason}
          <input
            className="input"
            name="reason"
            autoComplete="off"
            maxLength={300}
            required
            aria-describedby="reason-hint"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
          <small id="reason-hint">{text.reasonHint}</small>
        </label>
        {look && !look.open && <CredentialFields value={key} onChange={setKey} />}
        {look?.open && <p className="soft">{text.open}</p>}
        <div aria-live="assertive">
          {standsAgainst && <p className="notice notice-bad">{standsAgainst}</p>}
          {!look && problem && <p className="notice notice-bad">{text.notThere(problem)}</p>}
          {error && <p className="notice notice-bad">{text.failed(error)}</p>}
        </div>
        <button
          type="submit"
          className="button button-primary lifeboat-submit"
          disabled={working || !look || standsAgainst !== ''}
        >
          {look ? (working ? text.working : text.submit) : text.looking}
        </button>
        {look && !look.open && <p className="lifeboat-small">{text.where}</p>}
        <p className="lifeboat-small">{text.disclaimer}</p>
      </form>
    </main>
  );
}
