import { type Plane, toPatient, toPicture } from '../study/plane.ts';
import type { Colour, Mask } from './overlay-types.ts';

const fill = 0.32;
const edge = 0.95;

/** How the pixels of one plane lie in a parallel other one. */
export function planeMatrix(from: Plane, to: Plane): Mask['matrix'] {
  const at = (x: number, y: number) => toPicture(to, toPatient(from, { x, y }));
  const [o, x, y] = [at(0, 0), at(1, 0), at(0, 1)];
  return [x.x - o.x, x.y - o.y, y.x - o.x, y.y - o.y, o.x, o.y];
}

/** Colours what belongs to a segment: its inside a little, its edge fully. @param inside 0 to 1 for every pixel */
export function paintMask(
  rgba: Uint8ClampedArray,
  columns: number,
  rows: number,
  inside: (i: number) => number,
  colour: Colour,
): void {
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) {
      const i = row * columns + column;
      const share = inside(i);
      if (share <= 0) continue;
      const isEdge =
        column === 0 ||
        row === 0 ||
        column === columns - 1 ||
        row === rows - 1 ||
        inside(i - 1) <= 0 ||
        inside(i + 1) <= 0 ||
        inside(i - columns) <= 0 ||
        inside(i + columns) <= 0;
      rgba.set([...colour, Math.round(255 * share * (isEdge ? edge : fill))], i * 4);
    }
}
