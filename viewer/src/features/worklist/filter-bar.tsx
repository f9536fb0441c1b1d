import { useEffect, useRef, useState } from 'react';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { CLEARED, daysAgo, type Filters, narrowed } from './filters.ts';

const text = pageMessages.worklist;
/** Always offered; others when they were seen in the list. */
const common = ['CT', 'MR', 'CR', 'DX', 'US', 'XA', 'RF', 'MG', 'PT', 'NM', 'OT'];

const spans: { label: string; from: () => string; to: () => string }[] = [
  { label: text.any, from: () => '', to: () => '' },
  { label: text.today, from: () => daysAgo(0), to: () => '' },
  { label: text.yesterday, from: () => daysAgo(1), to: () => daysAgo(1) },
  { label: text.threeDays, from: () => daysAgo(2), to: () => '' },
  { label: text.week, from: () => daysAgo(6), to: () => '' },
  { label: text.month, from: () => daysAgo(29), to: () => '' },
];

const toInput = (da: string) => (da.length === 8 ? `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}` : '');
const fromInput = (value: string) => value.replaceAll('-', '');

const focusFirstRow = () => document.querySelector<HTMLElement>('.worklist-open')?.focus();

/** Search as you type, dates, modality, sender, conflicts. */
export function FilterBar(props: {
  filters: Filters;
  senders: string[];
  /** Seen in the list so far. */
  modalities: string[];
  onChange: (change: Partial<Filters>) => void;
  /** Enter in the search box: open the one study that matches. */
  onEnter: () => void;
}) {
  const { filters, onChange } = props;
  const [typed, setTyped] = useState(filters.search);
  const box = useRef<HTMLInputElement>(null);
  const sent = useRef(filters.search);
  useEffect(() => {
    if (filters.search !== sent.current) setTyped(filters.search);
    sent.current = filters.search;
  }, [filters.search]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const toSearch = event.key === '/' || (event.key === 'Escape' && target !== box.current);
      if (event.key === 'ArrowDown' && target === document.body) focusFirstRow();
      else if (toSearch) {
        box.current?.focus();
        box.current?.select();
      } else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const others = [...props.modalities, filters.modality].filter((each) => each && !common.includes(each));
  const modalities = [...common, ...[...new Set(others)].sort()];
  const senders = filters.ae && !props.senders.includes(filters.ae) ? [filters.ae, ...props.senders] : props.senders;
  return (
    <search className="worklist-filters">
      <input
        ref={box}
        className="input worklist-search"
        type="search"
        aria-label={text.search}
        placeholder={`${text.search}   ( / )`}
        title={text.searchHint}
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: whoever opens the list wants to find a patient
        autoFocus
        value={typed}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') focusFirstRow();
          else if (event.key === 'Enter') props.onEnter();
          else return;
          event.preventDefault();
        }}
        onChange={(event) => {
          setTyped(event.target.value);
          sent.current = event.target.value;
          onChange({ search: event.target.value });
        }}
      />
      <fieldset className="worklist-spans" aria-label={text.columns.studyDate}>
        {spans.map((span) => {
          const on = filters.from === span.from() && filters.to === span.to();
          return (
            <button
              key={span.label}
              type="button"
              className="button"
              aria-pressed={on}
              onClick={() => onChange({ from: span.from(), to: span.to() })}
            >
              {span.label}
            </button>
          );
        })}
      </fieldset>
      <span className="row">
        <input
          className="input"
          type="date"
          aria-label={text.from}
          value={toInput(filters.from)}
          onChange={(event) => onChange({ from: fromInput(event.target.value) })}
        />
        <span className="soft">{text.to}</span>
        <input
          className="input"
          type="date"
          aria-label={text.to}
          value={toInput(filters.to)}
          onChange={(event) => onChange({ to: fromInput(event.target.value) })}
        />
      </span>
      <select
        className="input"
        aria-label={text.modality}
        value={filters.modality}
        onChange={(event) => onChange({ modality: event.target.value })}
      >
        <option value="">{text.anyModality}</option>
        {modalities.map((modality) => (
          <option key={modality}>{modality}</option>
        ))}
      </select>
      <select
        className="input"
        aria-label={text.sender}
        value={filters.ae}
        onChange={(event) => onChange({ ae: event.target.value })}
      >
        <option value="">{text.anySender}</option>
        {senders.map((sender) => (
          <option key={sender}>{sender}</option>
        ))}
      </select>
      <label className="row worklist-check">
        <input
          type="checkbox"
          checked={filters.conflicts}
          onChange={(event) => onChange({ conflicts: event.target.checked })}
        />
        {text.conflictsOnly}
      </label>
      {(filters.search || narrowed(filters)) && (
        <button type="button" className="button" onClick={() => onChange(CLEARED)}>
          {text.clear}
        </button>
      )}
    </search>
  );
}
