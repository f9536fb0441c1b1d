import type { AuditAnswer } from '../../../../contract/api.ts';
import { queryString } from '../../shared/api/client.ts';
import { formatInstant } from '../../shared/format.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { ListTable, Sentences } from './parts.tsx';
import { useList } from './use-list.ts';

const text = pageMessages.it;
const pageSize = 50;
const dayMs = 86_400_000;
const actions = [
  'login',
  'login-refused',
  'logout',
  'query',
  'view',
  'upload',
  'export',
  'refusal',
  'user-change',
  'token-change',
  'ae-change',
  'forwarding',
];
const badge = { ok: 'badge badge-good', refused: 'badge badge-warn', error: 'badge badge-bad' };

/** Start of a local day as UTC, `days` later; the reader thinks in local days. */
function instant(date: string, days = 0): string {
  const start = date ? new Date(`${date}T00:00:00`) : null;
  return start && !Number.isNaN(start.getTime()) ? new Date(start.getTime() + days * dayMs).toISOString() : '';
}

/** Who did what; the filters live in the page's address. */
export function AuditTab() {
  const { query } = useLocation();
  const filters = {
    from: query.get('from') ?? '',
    to: query.get('to') ?? '',
    user: query.get('user') ?? '',
    action: query.get('action') ?? '',
  };
  const offset = Math.max(0, Number(query.get('offset')) || 0);
  const api = queryString({
    ...filters,
    from: instant(filters.from),
    to: instant(filters.to, 1),
    limit: pageSize,
    offset,
  });
  const { value, failure, load } = useList<AuditAnswer>(`api/audit${api}`, { live: false });
  const go = (change: Partial<typeof filters> & { offset?: number }) =>
    navigate(`./it${queryString({ tab: 'audit', ...filters, offset: 0, ...change })}`, { replace: true });
  return (
    <>
      <p className="soft">{text.auditLead}</p>
      <Sentences failures={[failure]} />
      <search className="it-form">
        <label className="field">
          {text.from}
          <input
            className="input"
            type="date"
            value={filters.from}
            onChange={(event) => go({ from: event.target.value })}
          />
        </label>
        <label className="field">
          {text.to}
          <input
            className="input"
            type="date"
            value={filters.to}
            onChange={(event) => go({ to: event.target.value })}
          />
        </label>
        <label className="field">
          {text.user}
          <input
            className="input"
            spellCheck={false}
            value={filters.user}
            onChange={(event) => go({ user: event.target.value })}
          />
        </label>
        <label className="field">
          {text.action}
          <select className="input" value={filters.action} onChange={(event) => go({ action: event.target.value })}>
            <option value="">{text.anyAction}</option>
            {actions.map((action) => (
              <option key={action}>{action}</option>
            ))}
          </select>
        </label>
        <button type="button" className="button" onClick={() => void load()}>
          {text.reload}
        </button>
      </search>
      {value && (
        <ListTable
          heads={[text.when, text.who, text.what, text.object, text.detail, text.outcome, text.address]}
          empty={value.rows.length === 0}
        >
          {value.rows.map((row) => (
            <tr key={row.id}>
              <td className="it-when">{formatInstant(row.at)}</td>
              <td>{row.user}</td>
              <td className="it-when">{row.action}</td>
              <td>{row.object}</td>
              <td className="soft">{row.detail}</td>
              <td>
                <span className={badge[row.outcome]}>{row.outcome}</span>
              </td>
              <td className="soft">{row.address}</td>
            </tr>
          ))}
        </ListTable>
      )}
      <div className="row it-pages">
        <button
          type="button"
          className="button"
          disabled={offset === 0}
          onClick={() => go({ offset: Math.max(0, offset - pageSize) })}
        >
          {text.newer}
        </button>
        <button
          type="button"
          className="button"
          disabled={!value?.more}
          onClick={() => go({ offset: offset + pageSize })}
        >
          {text.older}
        </button>
      </div>
    </>
  );
}
