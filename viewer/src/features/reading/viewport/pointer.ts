import type { Point } from '../study/geometry.ts';
import type { ToolName, ViewportController } from './controller.ts';
import { type Measurement, type MeasurementKind, pointsOf } from './measurements.ts';
import { mapPoint } from './view-transform.ts';

type Drag =
  | { tool: Exclude<ToolName, MeasurementKind>; last: Point; start: Point; carry: number }
  | { tool: 'measure'; id: number; handle: number; fresh?: boolean }
  | { tool: 'trace'; id: number };

const grabRadius = 9;

function at(event: PointerEvent | WheelEvent, element: HTMLElement): Point {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left - element.clientLeft, y: event.clientY - box.top - element.clientTop };
}

function handleAt(controller: ViewportController, point: Point): { id: number; handle: number } | null {
  const matrix = controller.matrix();
  const id = controller.shown?.picture.id;
  if (!matrix || !id) return null;
  for (const measurement of controller.measurements) {
    if (measurement.pictureId !== id) continue;
    // The points of a line drawn by hand are too many to be taken hold of.
    if (measurement.kind === 'freehand') continue;
    const handle = measurement.points.findIndex((p) => {
      const seen = mapPoint(matrix, p);
      return Math.hypot(seen.x - point.x, seen.y - point.y) < grabRadius;
    });
    if (handle >= 0) return { id: measurement.id, handle };
  }
  return null;
}

/** Whether the tool draws measurements. */
export function isMeasuring(tool: ToolName): tool is MeasurementKind {
  return tool in pointsOf;
}

/** A click without a drag draws nothing, but where one point is enough or the second stroke is done. */
function isDrawn({ kind, points }: Measurement): boolean {
  const [a, b] = points;
  if (!a || pointsOf[kind] === 1) return a !== undefined;
  if (kind === 'freehand') return points.length >= pointsOf.freehand;
  if (!b || points.length > 2) return b !== undefined;
  if (kind === 'ellipse' || kind === 'rectangle') return Math.abs(a.x - b.x) > 0.5 && Math.abs(a.y - b.y) > 0.5;
  return Math.hypot(a.x - b.x, a.y - b.y) > 0.5;
}

function toolOf(event: PointerEvent, left: ToolName): ToolName {
  if (event.button === 1 || event.shiftKey) return 'pan';
  if (event.button === 2) return event.ctrlKey ? 'zoom' : 'window';
  if (event.ctrlKey || event.metaKey) return 'zoom';
  return left;
}

/**
 * Mouse, pen and touch on a viewport: left button the chosen tool, right button window, middle (or Shift) pan, Ctrl zoom,
 * wheel scrolls, Ctrl and wheel zooms.
 * @returns function that lets go of the element
 */
export function bindPointer(
  element: HTMLElement,
  controller: ViewportController,
  leftTool: () => ToolName,
): () => void {
  let drag: Drag | null = null;
  let wheelCarry = 0;

  /** Measurements of two strokes: after the first they wait for the second. */
  const waiting = (kind: MeasurementKind) =>
    controller.measurements.find(
      (m) =>
        m.kind === kind &&
        m.points.length === 2 &&
        m.points.length < pointsOf[kind] &&
        m.pictureId === controller.shown?.picture.id,
    );

  const startMeasuring = (kind: MeasurementKind, point: Point): Drag | null => {
    const image = controller.toImage(point);
    if (!image) return null;
    const open = waiting(kind);
    if (open) {
      controller.measuring.change(open.id, [...open.points, ...(kind === 'angle' ? [image] : [image, image])]);
      return { tool: 'measure', id: open.id, handle: pointsOf[kind] - 1 };
    }
    controller.annotations.checkpoint();
    const single = pointsOf[kind] === 1 || kind === 'freehand';
    const made = controller.measuring.add(kind, single ? [image] : [image, image]);
    if (!made) return null;
    if (kind === 'freehand') return { tool: 'trace', id: made.id };
    return { tool: 'measure', id: made.id, handle: single ? 0 : 1, fresh: true };
  };

  const down = (event: PointerEvent) => {
    // A captured pointer's click would go to the pane: buttons in it must get their own.
    if ((event.target as Element).closest('button, a, input')) return;
    const point = at(event, element);
    const tool = toolOf(event, leftTool());
    const grabbed = event.button === 0 ? handleAt(controller, point) : null;
    if (grabbed) {
      controller.annotations.checkpoint();
      drag = { tool: 'measure', ...grabbed };
    } else if (isMeasuring(tool)) drag = startMeasuring(tool, point);
    else drag = { tool, last: point, start: point, carry: 0 };
    if (tool === 'magnify' && !grabbed) controller.holdLens(point);
    if (drag) element.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault();
  };

  const move = (event: PointerEvent) => {
    if (!drag) return;
    const point = at(event, element);
    if (drag.tool === 'measure') {
      const { id, handle } = drag;
      const image = controller.toImage(point);
      const measurement = controller.measurements.find((m) => m.id === id);
      if (image && measurement)
        controller.measuring.change(
          id,
          measurement.points.map((p, i) => (i === handle ? image : p)),
        );
      return;
    }
    if (drag.tool === 'trace') {
      const { id } = drag;
      const image = controller.toImage(point);
      const measurement = controller.measurements.find((m) => m.id === id);
      const last = measurement?.points.at(-1);
      if (image && measurement && last && Math.hypot(image.x - last.x, image.y - last.y) > 0.25)
        controller.measuring.change(id, [...measurement.points, image]);
      return;
    }
    const dx = point.x - drag.last.x;
    const dy = point.y - drag.last.y;
    drag.last = point;
    if (drag.tool === 'window') controller.dragWindow(dx, dy);
    else if (drag.tool === 'pan')
      controller.place({ panX: controller.placement.panX + dx, panY: controller.placement.panY + dy });
    else if (drag.tool === 'magnify') controller.holdLens(point);
    else if (drag.tool === 'zoom') controller.zoomAt(Math.exp(-dy / 150), drag.start);
    else {
      const length = controller.stack?.pictures.length ?? 1;
      const step = Math.max(1, Math.min(12, element.clientHeight / length));
      drag.carry += dy;
      const steps = Math.trunc(drag.carry / step);
      drag.carry -= steps * step;
      if (steps !== 0) controller.scroll(steps);
    }
  };

  const up = (event: PointerEvent) => {
    if (drag?.tool === 'measure' || drag?.tool === 'trace') {
      const { id } = drag;
      controller.measuring.keep((m) => m.id !== id || isDrawn(m));
      const made = controller.measurements.find((m) => m.id === id);
      if (made && 'fresh' in drag && drag.fresh && (made.kind === 'arrow' || made.kind === 'text'))
        controller.measuring.write(id);
      controller.annotations.settle();
    }
    if (drag?.tool === 'magnify') controller.holdLens(null);
    drag = null;
    if (element.hasPointerCapture(event.pointerId)) element.releasePointerCapture(event.pointerId);
  };

  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    if (event.ctrlKey) {
      controller.zoomAt(Math.exp(-event.deltaY / 400), at(event, element));
      return;
    }
    wheelCarry += event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 33 : event.deltaY;
    const steps = Math.trunc(wheelCarry / 50);
    if (steps !== 0) {
      wheelCarry -= steps * 50;
      controller.scroll(Math.sign(steps) * Math.max(1, Math.floor(Math.abs(steps) / 2)));
    }
  };

  const noMenu = (event: Event) => event.preventDefault();
  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', up);
  element.addEventListener('wheel', wheel, { passive: false });
  element.addEventListener('contextmenu', noMenu);
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('pointercancel', up);
    element.removeEventListener('wheel', wheel);
    element.removeEventListener('contextmenu', noMenu);
  };
}
