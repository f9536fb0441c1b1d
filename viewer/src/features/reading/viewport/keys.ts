import { messages } from '../../../shared/messages.en.ts';
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
}

/** The chosen tool is what the left mouse button does. */
export const toolKeys: Record<ToolName, string> = {
  scroll: 's',
  window: 'w',
  pan: 'p',
  zoom: 'z',
  magnify: 'm',
  length: 'l',
  angle: 'a',
};

interface KeyGroup {
  /** What the keys do, for the help. */
  does: string;
  keys: Record<string, (context: KeyContext) => void>;
}

const { keys: words } = messages.reading;

const tool = (name: ToolName) => (context: KeyContext) => context.setTool(name);
const scroll = (steps: number) => (context: KeyContext) => context.controller.scroll(steps);
const zoom = (factor: number) => (context: KeyContext) => context.controller.zoomBy(factor);

/** Every key there is but those of the presets; the help lists exactly these. */
const groups: KeyGroup[] = [
  { does: words.image, keys: { ArrowDown: scroll(1), ArrowUp: scroll(-1) } },
  { does: words.ten, keys: { PageDown: scroll(10), PageUp: scroll(-10) } },
  {
    does: words.ends,
    keys: {
      Home: ({ controller }) => controller.goTo(0),
      End: ({ controller }) => controller.goTo(Number.MAX_SAFE_INTEGER),
    },
  },
  {
    does: words.series,
    keys: { ArrowRight: (context) => context.stepSeries(1), ArrowLeft: (context) => context.stepSeries(-1) },
  },
  {
    does: words.tools,
    keys: Object.fromEntries(Object.entries(toolKeys).map(([name, key]) => [key, tool(name as ToolName)])),
  },
  {
    does: words.turns,
    keys: {
      i: ({ controller }) => controller.toggleInvert(),
      r: ({ controller }) => controller.rotate(),
      f: ({ controller }) => controller.flip(),
    },
  },
  { does: words.zoom, keys: { '+': zoom(1.2), '-': zoom(1 / 1.2) } },
  { does: words.play, keys: { ' ': (context) => context.toggleCine() } },
  { does: words.reset, keys: { '0': ({ controller }) => controller.reset() } },
  { does: words.cancel, keys: { Escape: ({ controller }) => controller.cancel() } },
  { does: words.erase, keys: { Delete: ({ controller }) => controller.eraseMeasurements() } },
  { does: words.text, keys: { t: (context) => context.toggleText() } },
  { does: words.overlays, keys: { o: ({ controller }) => controller.toggleOverlays() } },
  { does: words.help, keys: { '?': (context) => context.showHelp() } },
];

const names: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowRight: '→',
  ArrowLeft: '←',
  PageDown: 'Page ↓',
  PageUp: 'Page ↑',
  ' ': 'Space',
};

/** For the help: the keys of each group as they are printed on a keyboard, and what they do. */
export function keyHelp(): { keys: string[]; does: string }[] {
  return groups.map((group) => ({
    does: group.does,
    keys: Object.keys(group.keys).map((key) => names[key] ?? (key.length === 1 ? key.toUpperCase() : key)),
  }));
}

const actions = new Map(groups.flatMap((group) => Object.entries(group.keys)));

/** Does what the key stands for. @returns false when the key means nothing here */
export function handleKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  context: KeyContext,
): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const preset = context.presets.find((candidate) => candidate.key === key);
  if (preset) context.controller.setWindow(preset.choice);
  const action = preset ? undefined : actions.get(key);
  action?.(context);
  return preset !== undefined || action !== undefined;
}
