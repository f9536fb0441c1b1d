import type { Point } from '../study/geometry.ts';
import type { ToolName, ViewportController } from './controller.ts';
import { mapPoint } from './view-transform.ts';

type Drag =
  | { tool: Exclude<ToolName, 'length' | 'angle'>; last: Point; start: Point; carry: number }
  | { tool: 'measure'; id: number; handle: number };

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
    const handle = measurement.points.findIndex((p) => {
      const seen = mapPoint(matrix, p);
      return Math.hypot(seen.x - point.x, seen.y - point.y) < grabRadius;
    });
    if (handle >= 0) return { id: measurement.id, handle };
  }
  return null;
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

  const startMeasuring = (tool: 'length' | 'angle', point: Point): Drag | null => {
    const image = controller.toImage(point);
    if (!image) return null;
    const open = controller.measurements.find(
      (m) => m.kind === 'angle' && m.points.length === 2 && m.pictureId === controller.shown?.picture.id,
    );
    if (tool === 'angle' && open) {
      controller.changeMeasurement(open.id, [...open.points, image]);
      return { tool: 'measure', id: open.id, handle: 2 };
    }
    const made = controller.addMeasurement(tool, [image, image]);
    return made && { tool: 'measure', id: made.id, handle: 1 };
  };

  const down = (event: PointerEvent) => {
    // A captured pointer's click would go to the pane: buttons in it must get their own.
    if ((event.target as Element).closest('button, a')) return;
    const point = at(event, element);
    const tool = toolOf(event, leftTool());
    const grabbed = event.button === 0 ? handleAt(controller, point) : null;
    if (grabbed) drag = { tool: 'measure', ...grabbed };
    else if (tool === 'length' || tool === 'angle') drag = startMeasuring(tool, point);
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
        controller.changeMeasurement(
          id,
          measurement.points.map((p, i) => (i === handle ? image : p)),
        );
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
    if (drag?.tool === 'measure') {
      const { id } = drag;
      controller.removeMeasurements(
        (m) =>
          m.id !== id ||
          m.points.length === 3 ||
          Math.hypot(m.points[0]!.x - m.points[1]!.x, m.points[0]!.y - m.points[1]!.y) > 0.5,
      );
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
