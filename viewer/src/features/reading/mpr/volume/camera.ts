import type { Vector } from '../../study/plane.ts';
import { type Axes, cross, startingAxes, turned } from '../frame-of-planes.ts';

/** Sides that a volume can be seen from. */
export const sides = ['front', 'back', 'left', 'right', 'head', 'feet'] as const;
export type Side = (typeof sides)[number];

/** Directions of the screen in the patient; `normal` points away from who looks. */
export function axesFrom(side: Side): Axes {
  const { axial, coronal, sagittal } = startingAxes();
  switch (side) {
    case 'front':
      return coronal;
    case 'feet':
      return axial;
    case 'left':
      return { ...sagittal, normal: [-1, 0, 0] };
    case 'right':
      return { right: [0, -1, 0], down: [0, 0, -1], normal: [1, 0, 0] };
    case 'back':
      return { right: [-1, 0, 0], down: [0, 0, -1], normal: [0, -1, 0] };
    case 'head':
      return { right: [1, 0, 0], down: [0, -1, 0], normal: [0, 0, -1] };
  }
}

function unit(v: Vector): Vector {
  const length = Math.hypot(...v);
  return v.map((part) => part / length) as Vector;
}

/** Turns what is seen: by `across` to the right and by `along` downwards, radians, as if its near side were dragged. */
export function dragged(axes: Axes, across: number, along: number): Axes {
  const aside = { right: turned(axes.right, axes.down, across), normal: turned(axes.normal, axes.down, across) };
  const normal = unit(turned(aside.normal, aside.right, -along));
  // Made at right angles anew: rounding would shear the picture after some thousand small turns.
  const down = unit(cross(normal, aside.right));
  return { normal, down, right: cross(down, normal) };
}
