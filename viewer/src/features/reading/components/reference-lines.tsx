import { useSyncExternalStore } from 'react';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { cutOf, planeOf } from '../study/plane.ts';
import type { Point } from '../study/point.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { mapPoint } from '../viewport/view-transform.ts';

/** Where the active pane's picture cuts this one. */
export function ReferenceLines(props: { controller: ViewportController; source: ViewportController }) {
  const { controller, source } = props;
  useSyncExternalStore(source.subscribe, () => source.version);
  const [here, there] = [controller.onScreen?.picture, source.onScreen?.picture];
  const matrix = controller.matrix();
  const [plane, other] = [here && planeOf(here), there && planeOf(there)];
  if (source === controller || !matrix || !plane || !other) return null;
  const cut = cutOf(plane, other);
  if (!cut) return null;
  const [a, b] = cut.map((point) => mapPoint(matrix, point)) as [Point, Point];
  return (
    <svg className="reference-lines" role="img" aria-label={deskMessages.referenceLine}>
      <title>{deskMessages.referenceLine}</title>
      <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
    </svg>
  );
}
