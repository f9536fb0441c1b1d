import { type Grayscale, lightOf, type Voi } from '../../paint/grayscale.ts';
import { windowOf } from '../../viewport/window-choice.ts';

export type VolumePreset = 'bone' | 'softTissue' | 'lung' | 'mip' | 'mr';

/** Colour and opacity at a modality value. Opacity: of one millimetre, 0 to 1. */
type Node = readonly [value: number, red: number, green: number, blue: number, opacity: number];

/** Hounsfield units. Nothing is drawn below the first value. */
const nodes: Record<'bone' | 'softTissue' | 'lung', readonly Node[]> = {
  bone: [
    [150, 0.78, 0.55, 0.4, 0],
    [250, 0.87, 0.72, 0.55, 0.35],
    [450, 0.96, 0.9, 0.78, 0.8],
    [1200, 1, 0.98, 0.94, 0.95],
  ],
  softTissue: [
    [-20, 0.6, 0.32, 0.25, 0],
    [40, 0.72, 0.38, 0.3, 0.12],
    [110, 0.85, 0.5, 0.4, 0.3],
    [220, 0.93, 0.75, 0.6, 0.55],
    [500, 1, 0.96, 0.88, 0.9],
  ],
  lung: [
    [-950, 0.35, 0.5, 0.7, 0],
    [-850, 0.45, 0.6, 0.8, 0.008],
    [-650, 0.75, 0.8, 0.88, 0.04],
    [-500, 0.95, 0.85, 0.8, 0.12],
    [-380, 1, 0.9, 0.85, 0],
  ],
};

/** Presets that mean something for a modality: those in Hounsfield units for CT alone. */
export function volumePresets(modality: string): VolumePreset[] {
  if (modality === 'CT') return ['bone', 'softTissue', 'lung', 'mip'];
  return modality === 'MR' ? ['mr', 'mip'] : ['mip', 'mr'];
}

/** Whether a preset follows the window of the planes; the others are tied to Hounsfield units. */
export function followsWindow(preset: VolumePreset): boolean {
  return preset === 'mip' || preset === 'mr';
}

/** How values become light: a table over a span of modality values. */
export interface Transfer {
  low: number;
  high: number;
  /** RGBA bytes, `entries` of them; A is the opacity of one millimetre. */
  table: Uint8Array;
  /** The greatest value along the ray is shown; else light is gathered. */
  greatest: boolean;
}

export const entries = 1024;

function tableOf(low: number, high: number, at: (value: number) => readonly number[]): Uint8Array {
  const table = new Uint8Array(entries * 4);
  for (let n = 0; n < entries; n += 1) {
    const colour = at(low + ((high - low) * n) / (entries - 1));
    for (let part = 0; part < 4; part += 1) table[n * 4 + part] = Math.round(255 * colour[part]!);
  }
  return table;
}

function between(list: readonly Node[], value: number): number[] {
  const next = Math.max(
    1,
    list.findIndex(([at]) => at >= value),
  );
  const [a, b] = [list[next - 1]!, list[next]!];
  const part = (value - a[0]) / (b[0] - a[0]);
  return [1, 2, 3, 4].map((n) => a[n]! + (b[n]! - a[n]!) * part);
}

/** The table of a preset. @param voi the window in force, for those that follow it */
export function transferOf(preset: VolumePreset, grayscale: Grayscale, voi: Voi): Transfer {
  if (preset !== 'mip' && preset !== 'mr') {
    const list = nodes[preset];
    const [low, high] = [list[0]![0], list.at(-1)![0]];
    return { low, high, greatest: false, table: tableOf(low, high, (value) => between(list, value)) };
  }
  const { center, width } = windowOf(voi);
  const reach = voi.kind === 'window' && voi.function === 'SIGMOID' ? 2 : 0.5;
  const [low, high] = [center - width * reach, center + width * reach];
  const light = (value: number) => Math.min(1, Math.max(0, lightOf(voi, value)));
  const table = tableOf(low, high, (value) => {
    const bright = light(value);
    if (preset === 'mr') return [bright, bright, bright, 0.6 * bright ** 3];
    const shown = grayscale.inverted ? 1 - bright : bright;
    return [shown, shown, shown, 1];
  });
  return { low, high, table, greatest: preset === 'mip' };
}
