import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import { preference } from '../../../shared/preferences.ts';
import type { ToolName, ViewportController } from './controller.ts';
import type { Preset } from './presets.ts';

export interface KeyContext {
  controller: ViewportController;
  presets: Preset[];
  setTool: (tool: ToolName) => void;
  toggleText: () => void;
  toggleCine: () => void;
  showHelp: () => void;
  /** Next (1) or previous (-1) series in the active pane. */
  stepSeries: (step: number) => void;
  toggleLinks: () => void;
  toggleLines: () => void;
  toggleEnlarged: () => void;
  toggleFullScreen: () => void;
  openPlanes: () => void;
}

/** The chosen tool is what the left mouse button does. */
const toolKeys: Record<ToolName, string> = {
  scroll: 's',
  window: 'w',
  pan: 'p',
  zoom: 'z',
  magnify: 'm',
  length: 'l',
  angle: 'a',
  bidirectional: 'd',
  cobb: 'c',
  ellipse: 'e',
  rectangle: 'q',
  freehand: 'h',
  probe: 'x',
  arrow: 'j',
  text: 'n',
};
/** Tools with a button of their own, and those in the list behind it. */
export const toolNames: readonly ToolName[] = ['scroll', 'window', 'pan', 'zoom', 'magnify', 'length', 'angle'];
export const moreTools = (Object.keys(toolKeys) as ToolName[]).filter((name) => !toolNames.includes(name));

/** Something a key does. Its name is what a reader's own keys are kept under. */
interface Action {
  name: string;
  /** As in KeyboardEvent, letters small. */
  key: string;
  run: (context: KeyContext) => void;
}

interface KeyGroup {
  /** What the keys do, for the help. */
  does: string;
  actions: Action[];
}

const { keys: words } = messages.reading;
const { keys: deskWords } = deskMessages;

const action = (name: string, key: string, run: (context: KeyContext) => void): Action => ({ name, key, run });
const scroll = (name: string, key: string, steps: number) =>
  action(name, key, ({ controller }) => controller.scroll(steps));
const zoom = (name: string, key: string, factor: number) =>
  action(name, key, ({ controller }) => controller.zoomBy(factor));

/** Every key there is but those of the presets; the help lists exactly these. */
const groups: KeyGroup[] = [
  { does: words.image, actions: [scroll('next', 'ArrowDown', 1), scroll('previous', 'ArrowUp', -1)] },
  { does: words.ten, actions: [scroll('ten-on', 'PageDown', 10), scroll('ten-back', 'PageUp', -10)] },
  {
    does: words.ends,
    actions: [
      action('first', 'Home', ({ controller }) => controller.goTo(0)),
      action('last', 'End', ({ controller }) => controller.goTo(Number.MAX_SAFE_INTEGER)),
    ],
  },
  {
    does: words.series,
    actions: [
      action('next-series', 'ArrowRight', (context) => context.stepSeries(1)),
      action('previous-series', 'ArrowLeft', (context) => context.stepSeries(-1)),
    ],
  },
  {
    does: words.tools,
    actions: toolNames.map((name) => action(name, toolKeys[name], (context) => context.setTool(name))),
  },
  {
    does: deskWords.measure,
    actions: moreTools.map((name) => action(name, toolKeys[name], (context) => context.setTool(name))),
  },
  {
    does: words.turns,
    actions: [
      action('invert', 'i', ({ controller }) => controller.toggleInvert()),
      action('rotate', 'r', ({ controller }) => controller.rotate()),
      action('flip', 'f', ({ controller }) => controller.flip()),
    ],
  },
  { does: words.zoom, actions: [zoom('larger', '+', 1.2), zoom('smaller', '-', 1 / 1.2)] },
  { does: words.play, actions: [action('cine', ' ', (context) => context.toggleCine())] },
  { does: words.reset, actions: [action('reset', '0', ({ controller }) => controller.reset())] },
  { does: words.cancel, actions: [action('cancel', 'Escape', ({ controller }) => controller.measuring.cancel())] },
  { does: words.erase, actions: [action('erase', 'Delete', ({ controller }) => controller.measuring.erase())] },
  {
    does: deskWords.undo,
    actions: [
      action('undo', 'u', ({ controller }) => controller.measuring.undo()),
      action('redo', 'y', ({ controller }) => controller.measuring.redo()),
    ],
  },
  {
    does: deskWords.keyImage,
    actions: [action('key-image', 'b', ({ controller }) => controller.measuring.toggleKeyImage())],
  },
  { does: deskWords.link, actions: [action('link', 'k', (context) => context.toggleLinks())] },
  { does: deskWords.lines, actions: [action('lines', 'g', (context) => context.toggleLines())] },
  { does: deskWords.enlarge, actions: [action('enlarge', 'Enter', (context) => context.toggleEnlarged())] },
  { does: deskWords.fullScreen, actions: [action('full-screen', 'v', (context) => context.toggleFullScreen())] },
  { does: words.planes, actions: [action('planes', '.', (context) => context.openPlanes())] },
  { does: words.text, actions: [action('text-on-image', 't', (context) => context.toggleText())] },
  { does: words.overlays, actions: [action('overlays', 'o', ({ controller }) => controller.toggleOverlays())] },
  { does: words.help, actions: [action('help', '?', (context) => context.showHelp())] },
];
const actions = new Map(groups.flatMap((group) => group.actions).map((one) => [one.name, one]));

const printed: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowRight: '→',
  ArrowLeft: '←',
  PageDown: 'Page ↓',
  PageUp: 'Page ↑',
  ' ': 'Space',
};

/** A key as it is printed on a keyboard. */
export function printedKey(key: string): string {
  return printed[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

/** The key of an action as it is printed: the reader's own where there is one. */
export function keyOf(name: string): string {
  return printedKey(preference('keys')?.[name] ?? actions.get(name)?.key ?? '');
}

/** For the help: the keys of each group and what they do. */
export function keyHelp(): { keys: string[]; does: string }[] {
  return groups.map((group) => ({ does: group.does, keys: group.actions.map(({ name }) => keyOf(name)) }));
}

/** Every action with its key and what its group does, for whoever wants other keys. */
export function allKeys(): { name: string; key: string; standard: string; does: string }[] {
  const own = preference('keys') ?? {};
  return groups.flatMap(({ does, actions: all }) =>
    all.map(({ name, key }) => ({ name, key: own[name] ?? key, standard: key, does })),
  );
}

/** The key of an event as keys are kept: letters small. */
export function keyOfEvent(event: Pick<KeyboardEvent, 'key'>): string {
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function actionOf(key: string): Action | undefined {
  const own = preference('keys') ?? {};
  for (const one of actions.values()) if ((own[one.name] ?? one.key) === key) return one;
  return undefined;
}

/** Does what the key stands for. @returns false when the key means nothing here */
export function handleKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  context: KeyContext,
): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = keyOfEvent(event);
  const preset = context.presets.find((candidate) => candidate.key === key);
  if (preset) context.controller.setWindow(preset.choice);
  const found = preset ? undefined : actionOf(key);
  found?.run(context);
  return preset !== undefined || found !== undefined;
}
