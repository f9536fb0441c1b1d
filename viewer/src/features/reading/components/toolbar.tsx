import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { MprDoor } from '../mpr/mpr-door.tsx';
import type { SecondWindow } from '../second-window.ts';
import type { Desk } from '../use-desk.ts';
import type { ToolName, ViewportController } from '../viewport/controller.ts';
import { keyOf, moreTools, toolNames } from '../viewport/keys.ts';
import { layoutNamed, layouts } from '../viewport/layouts.ts';
import type { Preset } from '../viewport/presets.ts';
import { CompareMenu } from './compare-menu.tsx';
import { Menu, type MenuItem, MenuItems } from './menu.tsx';

interface Props {
  desk: Desk;
  secondWindow: SecondWindow;
  tool: ToolName;
  presets: Preset[];
  textShown: boolean;
  onTool: (tool: ToolName) => void;
  onText: () => void;
  onCine: () => void;
  onHelp: () => void;
  onFullScreen: () => void;
  onEdit: (what: 'protocols' | 'keys' | 'take-away') => void;
}

function Button(props: { label: string; hint: string; pressed?: boolean; disabled?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      className="tool"
      aria-pressed={props.pressed}
      title={props.hint}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}

function secondWindowItems({ second, there, open, show }: SecondWindow, { stack }: ViewportController): MenuItem[] {
  if (second) return [];
  if (!there) return [{ label: deskMessages.secondWindow, onClick: open }];
  return stack ? [{ label: deskMessages.toSecondWindow, onClick: () => show(stack) }] : [];
}

/** What can be done with the active pane; each button tells its key. */
export function Toolbar(props: Props) {
  const { desk } = props;
  const controller = desk.active;
  return (
    <div className="toolbar" role="toolbar" aria-label="Reading tools">
      {toolNames.map((name) => (
        <Button
          key={name}
          label={deskMessages.tools[name]}
          hint={`${deskMessages.tools[name]} (${keyOf(name)})`}
          pressed={props.tool === name}
          onClick={() => props.onTool(name)}
        />
      ))}
      <Menu
        label={moreTools.includes(props.tool) ? deskMessages.tools[props.tool] : deskMessages.measureMenu}
        pressed={moreTools.includes(props.tool)}
      >
        <MenuItems
          items={moreTools.map((name) => ({
            label: deskMessages.tools[name],
            hint: keyOf(name),
            onClick: () => props.onTool(name),
          }))}
        />
      </Menu>
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
        hint={`Invert (${keyOf('invert')})`}
        pressed={controller.invert}
        onClick={() => controller.toggleInvert()}
      />
      <Button label={messages.tools.reset} hint={`Reset (${keyOf('reset')})`} onClick={() => controller.reset()} />
      <Button
        label={deskMessages.undo}
        hint={`${deskMessages.undoHint} (${keyOf('undo')})`}
        disabled={!desk.annotations.canUndo}
        onClick={() => controller.measuring.undo()}
      />
      <span className="toolbar-gap" />
      <Button
        label={messages.tools.cine}
        hint={`Play and stop (${keyOf('cine')})`}
        pressed={controller.cine > 0}
        onClick={props.onCine}
      />
      <MprDoor controller={controller} />
      <select
        className="tool"
        aria-label={messages.tools.layout}
        value={desk.layout}
        onChange={(event) => {
          const layout = layoutNamed(event.target.value);
          if (layout) desk.chooseLayout(layout);
          event.target.blur();
        }}
      >
        {layouts.map((name) => (
          <option key={name} value={name}>
            {name.replace('x', ' × ')}
          </option>
        ))}
      </select>
      <CompareMenu desk={desk} onEdit={() => props.onEdit('protocols')} />
      <Menu label={deskMessages.more}>
        <MenuItems
          items={[
            { label: messages.tools.rotate, hint: keyOf('rotate'), onClick: () => controller.rotate() },
            {
              label: messages.tools.flip,
              hint: keyOf('flip'),
              pressed: controller.placement.flipped,
              onClick: () => controller.flip(),
            },
            { label: deskMessages.erase, hint: keyOf('erase'), onClick: () => controller.measuring.erase() },
            { label: deskMessages.redo, hint: keyOf('redo'), onClick: () => controller.measuring.redo() },
            {
              label: deskMessages.text,
              hint: keyOf('text-on-image'),
              pressed: props.textShown,
              onClick: props.onText,
            },
            {
              label: deskMessages.enlarge,
              pressed: desk.enlarged !== null,
              hint: keyOf('enlarge'),
              onClick: () => desk.enlarge(desk.enlarged ? null : controller),
            },
            { label: deskMessages.fullScreen, hint: keyOf('full-screen'), onClick: props.onFullScreen },
            ...secondWindowItems(props.secondWindow, controller),
            { label: deskMessages.takeAway.menu, onClick: () => props.onEdit('take-away') },
            { label: deskMessages.ownKeys.menu, onClick: () => props.onEdit('keys') },
          ]}
        />
      </Menu>
      <Button label={`${messages.tools.help} ?`} hint={`Keys and mouse (${keyOf('help')})`} onClick={props.onHelp} />
    </div>
  );
}
