import { fullRangeVoi, type Grayscale, type Voi, type VoiFunction, windowVoi } from '../paint/grayscale.ts';

/**
 * The window the reader has chosen. `function`: how values between its ends become light; 'TABLE': the image's own VOI LUT,
 * stretched; absent: as the image says.
 */
export type WindowChoice =
  | { kind: 'default' }
  | { kind: 'full' }
  | { kind: 'window'; center: number; width: number; function?: VoiFunction | 'TABLE' };

/** The VOI transformation that a choice means for an image. @param own VOI LUT Function of the image */
export function voiOf(choice: WindowChoice, grayscale: Grayscale, range: [number, number], own: VoiFunction): Voi {
  if (choice.kind === 'default') return grayscale.voi;
  if (choice.kind === 'full') return fullRangeVoi(grayscale, range);
  const { center, width } = choice;
  if (choice.function === 'TABLE') {
    if (grayscale.voi.kind === 'table') return { ...grayscale.voi, center, width };
    return windowVoi(center, width, own);
  }
  return windowVoi(center, width, choice.function ?? own);
}

/** Centre and width in force; for a VOI LUT the values that it maps. */
export function windowOf(voi: Voi): { center: number; width: number } {
  if (voi.kind === 'window') return { center: voi.center, width: voi.width };
  const { firstMapped, data } = voi.table;
  return { center: voi.center ?? firstMapped + (data.length - 1) / 2, width: voi.width ?? data.length - 1 };
}

/**
 * The window after a drag of `dx` (wider) and `dy` (brighter values in its middle) view pixels, in steps that fit the
 * image's range. The function in force stays.
 */
export function draggedWindow(
  voi: Voi,
  grayscale: Grayscale,
  range: [number, number],
  dx: number,
  dy: number,
): WindowChoice {
  const current = windowOf(voi);
  const full = windowOf(fullRangeVoi(grayscale, range)).width;
  const integer = full > 8 ? 1 : full / 1000;
  const step = Math.max(Math.min(full, current.width * 2, 4000) / 400, integer / 4);
  const name = voi.kind === 'table' ? 'TABLE' : voi.function;
  const least = name === 'LINEAR' ? Math.max(1, integer) : integer;
  return {
    kind: 'window',
    center: current.center + dy * step,
    width: Math.max(least, current.width + dx * step),
    function: name,
  };
}
