import { useState } from 'react';
import { keepPreference } from '../../../shared/api/preferences.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import { allKeys, keyOfEvent, printedKey } from '../viewport/keys.ts';

const words = deskMessages.ownKeys;
/** The keys of the window presets, and those that the browser needs. */
const taken = /^([1-9]|Tab|Shift|Control|Alt|Meta|Dead|Unidentified|F\d+)$/;

/** Every key with a field in which another is pressed. */
export default function KeysDialog(props: { onClose: () => void }) {
  const [rows, setRows] = useState(allKeys);
  const [problem, setProblem] = useState('');
  const keep = async (keys: Record<string, string> | undefined) => {
    try {
      await keepPreference('keys', keys);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const change = (name: string, key: string) => {
    const other = rows.find((row) => row.key === key && row.name !== name);
    if (taken.test(key)) setProblem(words.reserved(printedKey(key)));
    else if (other) setProblem(words.used(printedKey(key), words.nameOf(other.name)));
    else {
      const next = rows.map((row) => (row.name === name ? { ...row, key } : row));
      setRows(next);
      setProblem('');
      void keep(Object.fromEntries(next.filter((row) => row.key !== row.standard).map((row) => [row.name, row.key])));
    }
  };
  return (
    <Dialog wide title={words.title} onClose={props.onClose}>
      <p className="soft">{words.help}</p>
      {problem && <p role="alert">{problem}</p>}
      <div className="own-keys">
        {rows.map(({ name, key, does }) => (
          <label key={name} title={does}>
            <span>{words.nameOf(name)}</span>
            <input
              value={printedKey(key)}
              readOnly
              onKeyDown={(event) => {
                if (event.key === 'Tab' || event.key === 'Shift') return;
                event.preventDefault();
                event.stopPropagation();
                change(name, keyOfEvent(event));
              }}
            />
          </label>
        ))}
      </div>
      <button
        type="button"
        className="button"
        onClick={() => {
          setProblem('');
          void keep(undefined).then(() => setRows(allKeys()));
        }}
      >
        {words.standard}
      </button>
    </Dialog>
  );
}
