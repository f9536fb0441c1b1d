import { messages } from '../../../shared/messages.en.ts';
import type { ToolName, ViewportController } from '../viewport/controller.ts';
import { toolKeys } from '../viewport/keys.ts';
import { type LayoutName, layouts } from '../viewport/layouts.ts';
import type { Preset } from '../viewport/presets.ts';

const tools = Object.entries(toolKeys) as [ToolName, string][];

interface Props {
  controller: ViewportController;
  tool: ToolName;
  presets: Preset[];
  layout: LayoutName;
  textShown: boolean;
  onTool: (tool: ToolName) => void;
  onLayout: (layout: LayoutName) => void;
  onText: () => void;
  onCine: () => void;
  onHelp: () => void;
}

function Button(props: { label: string; hint: string; pressed?: boolean; onClick: () => void }) {
  return (
    <button type="button" className="tool" aria-pressed={props.pressed} title={props.hint} onClick={props.onClick}>
      {props.label}
    </button>
  );
}

/** What can be done with the active pane; each button tells its key. */
export function Toolbar(props: Props) {
  const { controller } = props;
  return (
    <div className="toolbar" role="toolbar" aria-label="Reading tools">
      {tools.map(([name, key]) => (
        <Button
          key={name}
          label={messages.tools[name]}
          hint={`${messages.tools[name]} (${key.toUpperCase()})`}
          pressed={props.tool === name}
          onClick={() => props.onTool(name)}
        />
      ))}
      <span className="toolbar-gap" />
      <select
        className="tool"
        aria-label={messages.tools.presets}
        value=""
        onChange={(event) => {
          const preset = props.presets.find(({ key }) => key === event.target.value);
          if (preset) controller.setWindow(preset.choice);
          event.target.blur();
        }}
      >
        <option value="">{messages.tools.presets}</option>
        {props.presets.map((preset) => (
          <option key={preset.key} value={preset.key}>
            {preset.key} {preset.name}
          </option>
        ))}
      </select>
      <Button
        label={messages.tools.invert}
        hint="Invert (I)"
        pressed={controller.invert}
        onClick={() => controller.toggleInvert()}
      />
      <Button label={messages.tools.rotate} hint="Rotate a quarter (R)" onClick={() => controller.rotate()} />
      <Button
        label={messages.tools.flip}
        hint="Mirror left and right (F)"
        pressed={controller.placement.flipped}
        onClick={() => controller.flip()}
      />
      <Button label={messages.tools.reset} hint="Reset (0)" onClick={() => controller.reset()} />
      <Button
        label={messages.tools.clear}
        hint="Erase the measurements of this image (Delete)"
        onClick={() => controller.eraseMeasurements()}
      />
      <span className="toolbar-gap" />
      <Button
        label={messages.tools.cine}
        hint="Play and stop (Space)"
        pressed={controller.cine > 0}
        onClick={props.onCine}
      />
      <select
        className="tool"
        aria-label={messages.tools.layout}
        value={props.layout}
        onChange={(event) => props.onLayout(event.target.value as LayoutName)}
      >
        {layouts.map((name) => (
          <option key={name} value={name}>
            {name.replace('x', ' × ')}
          </option>
        ))}
      </select>
      <Button
        label={messages.tools.overlays}
        hint="Text on the image (T)"
        pressed={props.textShown}
        onClick={props.onText}
      />
      <Button label={`${messages.tools.help} ?`} hint="Keys and mouse (?)" onClick={props.onHelp} />
    </div>
  );
}
