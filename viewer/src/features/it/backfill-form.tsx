import { type FormEvent, useState } from 'react';
import type { BackfillPlan, BackfillStatus } from '../../../../contract/backfill.ts';
import { formatDate } from '../../shared/format.ts';
import { historyMessages } from '../../shared/messages.history.en.ts';

const text = historyMessages.backfill;

/** A plan to start, in place of the present one. */
export function BackfillForm(props: {
  status: BackfillStatus;
  busy: boolean;
  onStart: (plan: Partial<BackfillPlan>) => void;
}) {
  const { sources, plan } = props.status;
  const ways = sources.filter((via) => via !== 'folder');
  const [from, setFrom] = useState(formatDate(plan?.from));
  const [to, setTo] = useState('');
  const [modalities, setModalities] = useState((plan?.modalities ?? []).join(', '));
  const [order, setOrder] = useState<BackfillPlan['order']>(plan?.order ?? 'newest');
  const [window, setWindow] = useState(plan?.window ?? '');
  const [rate, setRate] = useState(String(plan?.rate ?? 0));
  const [via, setVia] = useState<BackfillPlan['via']>(ways[0] ?? 'dimse');
  if (ways.length === 0) return <p className="notice notice-warn">{text.noSource}</p>;
  const start = (event: FormEvent) => {
    event.preventDefault();
    props.onStart({
      via,
      order,
      window: window.trim(),
      rate: Number(rate) || 0,
      modalities: modalities
        .toUpperCase()
        .split(/[\s,]+/)
        .filter(Boolean),
      ...(from && { from: from.replaceAll('-', '') }),
      ...(to && { to: to.replaceAll('-', '') }),
    });
  };
  return (
    <>
      <h2 className="it-pages">{text.newPlan}</h2>
      {plan && <p className="soft">{text.replaces}</p>}
      <form className="it-form" onSubmit={start}>
        <label className="field">
          {text.from}
          <input className="input" type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
        </label>
        <label className="field">
          {text.to}
          <input className="input" type="date" value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
        <label className="field">
          {text.modalities}
          <input className="input" value={modalities} onChange={(event) => setModalities(event.target.value)} />
        </label>
        <label className="field">
          {text.order}
          <select
            className="input"
            value={order}
            onChange={(event) => setOrder(event.target.value as BackfillPlan['order'])}
          >
            {Object.entries(text.orders).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          {text.window}
          <input className="input" value={window} onChange={(event) => setWindow(event.target.value)} />
        </label>
        <label className="field">
          {text.rateLimit}
          <input
            className="input"
            type="number"
            min={0}
            value={rate}
            onChange={(event) => setRate(event.target.value)}
          />
        </label>
        {ways.length > 1 && (
          <label className="field">
            {text.via}
            <select
              className="input"
              value={via}
              onChange={(event) => setVia(event.target.value as BackfillPlan['via'])}
            >
              {ways.map((one) => (
                <option key={one} value={one}>
                  {text.vias[one]}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="submit" className="button button-primary" disabled={props.busy}>
          {text.start}
        </button>
      </form>
    </>
  );
}
