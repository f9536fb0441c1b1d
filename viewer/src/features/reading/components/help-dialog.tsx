import { messages } from '../../../shared/messages.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import { keyHelp } from '../viewport/keys.ts';
import type { Preset } from '../viewport/presets.ts';

function Rows(props: { title: string; rows: { keys: readonly string[]; does: string }[] }) {
  return (
    <section>
      <h3>{props.title}</h3>
      <dl>
        {props.rows.map(({ keys, does }) => (
          <div key={keys.join()}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Every key and every gesture of the mouse that works, in two columns. */
export function HelpDialog(props: { presets: Preset[]; onClose: () => void }) {
  const presets = props.presets.map(({ key, name }) => ({
    keys: [key],
    does: `${messages.tools.window}: ${name}`,
  }));
  return (
    <Dialog wide title={messages.reading.helpTitle} onClose={props.onClose}>
      <div className="help">
        <Rows
          title={messages.reading.helpMouseTitle}
          rows={messages.reading.helpMouse.map(([gesture, does]) => ({ keys: [gesture], does }))}
        />
        <Rows title={messages.reading.helpKeysTitle} rows={[...keyHelp(), ...presets]} />
      </div>
    </Dialog>
  );
}
