import { useCallback, useEffect, useState } from 'react';
import type { OwnSession } from '../../../../contract/api.ts';
import { request } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';

const text = pageMessages.account;

/** `Firefox, Windows` out of a User-Agent, as far as it can be told. */
function browserName(agent: string): string {
  const browser = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ].find(([mark]) => agent.includes(mark!))?.[1];
  const system = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS', 'Linux'].find((name) => agent.includes(name));
  return [browser ?? text.unknownBrowser, system].filter(Boolean).join(', ');
}

/** Where the person is signed in, and one button that ends it everywhere else. */
export function OwnSessions() {
  const [sessions, setSessions] = useState<OwnSession[] | null>(null);
  const [error, setError] = useState('');
  const load = useCallback(
    () =>
      request<OwnSession[]>('api/session/all').then(setSessions, (failure: Error) =>
        setError(text.failed(failure.message)),
      ),
    [],
  );
  useEffect(() => void load(), [load]);
  const endOthers = async () => {
    try {
      await request<void>('api/session/others', { method: 'DELETE' });
      await load();
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  const others = sessions?.filter((session) => !session.current).length ?? 0;
  return (
    <section className="account-card account-sessions">
      <h2>{text.sessions}</h2>
      <div aria-live="assertive">{error && <p className="notice notice-bad">{error}</p>}</div>
      {sessions && (
        <table className="table">
          <thead>
            <tr>
              {[text.browser, text.address, text.begun, text.used].map((head) => (
                <th key={head}>{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => (
              <tr key={`${session.begunAt} ${session.usedAt} ${session.address}`}>
                <td>
                  {browserName(session.browser)}
                  {session.current && <span className="badge badge-good account-here">{text.here}</span>}
                </td>
                <td>{session.address}</td>
                <td>{formatInstant(session.begunAt)}</td>
                <td>{formatInstant(session.usedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {sessions && others === 0 && <p className="soft">{text.noOthers}</p>}
      {others > 0 && (
        <button type="button" className="button account-leave" onClick={() => void endOthers()}>
          {text.endOthers}
        </button>
      )}
    </section>
  );
}
