import { useEffect, useRef, useState } from 'react';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';
import { dayBefore, EMPTY, objection, type Question } from './question.ts';

const text = lifeboatMessages.find;
const modalities = ['CR', 'CT', 'DX', 'ES', 'MG', 'MR', 'NM', 'OT', 'PT', 'PX', 'RF', 'US', 'XA'];
const spans = [
  { label: text.today, days: 0 },
  { label: text.days(3), days: 2 },
  { label: text.days(7), days: 6 },
];

const toInput = (da: string) => (da.length === 8 ? `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}` : '');
const fromInput = (value: string) => value.replaceAll('-', '');

/** Each search costs requests to the store, so it is asked for, not guessed at while typing. */
export function SearchForm(props: { asked: Question | null; busy: boolean; onSearch: (question: Question) => void }) {
  const { onSearch } = props;
  const [question, setQuestion] = useState(props.asked ?? EMPTY);
  const [problem, setProblem] = useState('');
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const inField = /^(INPUT|SELECT|TEXTAREA)$/.test((event.target as HTMLElement).tagName);
      if (event.key !== '/' || inField || event.ctrlKey || event.altKey || event.metaKey) return;
      first.current?.focus();
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const set = (change: Partial<Question>) => {
    setQuestion((before) => ({ ...before, ...change }));
    setProblem('');
  };
  const submit = () => {
    const against = objection(question);
    setProblem(against);
    if (!against) onSearch(question);
  };
  const words = (name: 'patientID' | 'accessionNumber' | 'familyName', label: string, hint: string) => (
    <label className="field lifeboat-wide">
      <span>
        {label} <small>({hint})</small>
      </span>
      <input
        ref={name === 'patientID' ? first : undefined}
        className="input"
        name={name}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        // biome-ignore lint/a11y/noAutofocus: whoever opens the page wants to find a patient
        autoFocus={name === 'patientID'}
        value={question[name]}
        onChange={(event) => set({ [name]: event.target.value })}
      />
    </label>
  );
  return (
    <search>
      <form
        className="lifeboat-find"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {words('patientID', text.patientID, text.patientIDHint)}
        {words('accessionNumber', text.accessionNumber, text.accessionHint)}
        {words('familyName', text.familyName, text.familyHint)}
        <fieldset className="lifeboat-dates">
          <legend>{text.dates}</legend>
          <span className="row">
            {spans.map(({ label, days }) => (
              <button
                key={label}
                type="button"
                className="button"
                aria-pressed={question.from === dayBefore(days) && question.to === ''}
                onClick={() => set({ from: dayBefore(days), to: '' })}
              >
                {label}
              </button>
            ))}
            <input
              className="input"
              type="date"
              aria-label={`${text.dates} ${text.from}`}
              value={toInput(question.from)}
              onChange={(event) => set({ from: fromInput(event.target.value) })}
            />
            <span className="soft">{text.to}</span>
            <input
              className="input"
              type="date"
              aria-label={`${text.dates} ${text.to}`}
              value={toInput(question.to)}
              onChange={(event) => set({ to: fromInput(event.target.value) })}
            />
          </span>
        </fieldset>
        <label className="field">
          {text.modality}
          <select
            className="input"
            value={question.modality}
            onChange={(event) => set({ modality: event.target.value })}
          >
            <option value="">{text.any}</option>
            {modalities.map((modality) => (
              <option key={modality}>{modality}</option>
            ))}
          </select>
        </label>
        <span className="row">
          <button type="submit" className="button button-primary lifeboat-submit" disabled={props.busy}>
            {text.submit}
          </button>
          <button
            type="button"
            className="button lifeboat-submit"
            onClick={() => {
              setQuestion(EMPTY);
              setProblem('');
              first.current?.focus();
            }}
          >
            {text.clear}
          </button>
        </span>
      </form>
      <div role="status">{problem && <p className="notice notice-warn">{problem}</p>}</div>
    </search>
  );
}
