import { useState } from 'react';
import type { Scope, TokenCreate, TokenCreated, TokenRow } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { AskButton, ListTable, Sentences } from './parts.tsx';
import { useAction, useList } from './use-list.ts';

const text = pageMessages.it;
const scopes = Object.keys(text.scopeNames) as Scope[];
const dayMs = 86_400_000;
const heads = [text.tokenName, text.scopes, text.created, text.lastUsed, text.expires, text.actions];

function AddToken(props: { busy: boolean; onAdd: (token: TokenCreate) => Promise<boolean> }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<Scope[]>(['dicomweb:read']);
  const [days, setDays] = useState('365');
  return (
    <form
      className="it-form"
      aria-label={text.addToken}
      onSubmit={async (event) => {
        event.preventDefault();
        const expiresAt = days ? new Date(Date.now() + Number(days) * dayMs).toISOString() : null;
        if (await props.onAdd({ name: name.trim(), scopes: chosen, expiresAt })) setName('');
      }}
    >
      <label className="field">
        {text.tokenName}
        <input className="input" required maxLength={100} value={name} onChange={(e) => setName(e.target.value)} />
      </label>
      <fieldset className="it-scopes">
        <legend>{text.scopes}</legend>
        {scopes.map((scope) => (
          <label key={scope} className="row">
            <input
              type="checkbox"
              checked={chosen.includes(scope)}
              onChange={(event) =>
                setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))
              }
            />
            {text.scopeNames[scope]}
          </label>
        ))}
      </fieldset>
      <label className="field">
        {text.expiresAfter}
        <select className="input" value={days} onChange={(event) => setDays(event.target.value)}>
          {Object.entries(text.validities).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="button" disabled={props.busy || chosen.length === 0}>
        {text.addToken}
      </button>
    </form>
  );
}

function Secret(props: { token: TokenCreated; onDone: () => void }) {
  const [copied, setCopied] = useState(false);
  const [problem, setProblem] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(props.token.secret);
      setCopied(true);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="notice notice-warn" role="status">
      <p>{text.tokenShown(props.token.name)}</p>
      <p className="row">
        <code className="it-secret">{props.token.secret}</code>
        <button type="button" className="button" onClick={() => void copy()}>
          {copied ? text.copied : text.copy}
        </button>
        <button type="button" className="button" onClick={props.onDone}>
          {text.done}
        </button>
      </p>
      <Sentences failures={[problem]} />
    </div>
  );
}

/** Secrets for machines. */
export function TokensTab() {
  const { value, failure, load } = useList<TokenRow[]>('api/tokens');
  const { act, problem, busy } = useAction(load);
  const [made, setMade] = useState<TokenCreated | null>(null);
  return (
    <>
      <p className="soft">{text.tokensLead}</p>
      <Sentences failures={[failure, problem]} />
      <AddToken
        busy={busy}
        onAdd={(token) =>
          act(async () => setMade(await request<TokenCreated>('api/tokens', { method: 'POST', body: token })))
        }
      />
      {made && <Secret key={made.id} token={made} onDone={() => setMade(null)} />}
      {value && (
        <ListTable heads={heads} empty={value.length === 0}>
          {value.map((row) => (
            <tr key={row.id}>
              <td>
                <strong>{row.name}</strong>
              </td>
              <td>{row.scopes.map((scope) => text.scopeNames[scope]).join(', ')}</td>
              <td className="it-when">{formatInstant(row.createdAt)}</td>
              <td className="it-when">{formatInstant(row.lastUsedAt) || text.never}</td>
              <td className="it-when">{formatInstant(row.expiresAt) || text.never}</td>
              <td>
                <AskButton
                  label={text.remove}
                  question={text.removeToken(row.name)}
                  disabled={busy}
                  onYes={() =>
                    void act(() => request(`api/tokens/${encodeURIComponent(row.id)}`, { method: 'DELETE' }))
                  }
                />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
