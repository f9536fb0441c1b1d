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

const toolKeys: Record<string, ToolName> = { s: 'scroll', w: 'window', p: 'pan', z: 'zoom', l: 'length', a: 'angle' };

/** Does what the key stands for. @returns false when the key means nothing here */
export function handleKey(event: KeyboardEvent, context: KeyContext): boolean {
  const { controller } = context;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const tool = toolKeys[key];
  if (tool) {
    context.setTool(tool);
    return true;
  }
  const preset = context.presets.find((candidate) => candidate.key === key);
  if (preset) {
    controller.setWindow(preset.choice);
    return true;
  }
  const actions = new Map<string, () => void>([
    ['ArrowDown', () => controller.scroll(1)],
    ['ArrowUp', () => controller.scroll(-1)],
    ['PageDown', () => controller.scroll(10)],
    ['PageUp', () => controller.scroll(-10)],
    ['Home', () => controller.goTo(0)],
    ['End', () => controller.goTo(Number.MAX_SAFE_INTEGER)],
    ['ArrowRight', () => context.stepSeries(1)],
    ['ArrowLeft', () => context.stepSeries(-1)],
    ['i', () => controller.toggleInvert()],
    ['r', () => controller.rotate()],
    ['f', () => controller.flip()],
    ['0', () => controller.reset()],
    ['Escape', () => controller.reset()],
    ['+', () => controller.place({ zoom: Math.min(40, controller.placement.zoom * 1.2) })],
    ['-', () => controller.place({ zoom: Math.max(0.1, controller.placement.zoom / 1.2) })],
    ['Delete', () => controller.removeMeasurements((m) => m.pictureId !== controller.picture?.id)],
    [' ', context.toggleCine],
    ['o', () => controller.toggleOverlays()],
    ['t', context.toggleText],
    ['?', context.showHelp],
  ]);
  const action = actions.get(key);
  action?.();
  return action !== undefined;
}
