import { messages } from '../../../shared/messages.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import type { Preset } from '../viewport/presets.ts';

/** Keys and mouse, in two columns. */
export function HelpDialog(props: { presets: Preset[]; onClose: () => void }) {
  return (
    <Dialog wide title={messages.reading.helpTitle} onClose={props.onClose}>
      <div className="help">
        <dl>
          {messages.reading.helpMouse.map(([keys, does]) => (
            <div key={keys}>
              <dt>{keys}</dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <dl>
          {messages.reading.helpKeys.map(([keys, does]) => (
            <div key={keys}>
              <dt>{keys}</dt>
              <dd>{does}</dd>
            </div>
          ))}
          {props.presets.map((preset) => (
            <div key={preset.key}>
              <dt>{preset.key}</dt>
              <dd>
                {messages.tools.window}: {preset.name}
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
