import { paint } from '../paint/painted-picture.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { pixelAspectOf } from '../study/geometry.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { shapeOf, wordsAt } from '../viewport/measurement-shape.ts';
import { measurementLines } from '../viewport/measurements.ts';
import { drawPicture, imageToView, initialPlacement, mapPoint } from '../viewport/view-transform.ts';

/** Pictures with marks are enlarged until the words on them can be read. */
const readable = 900;

/**
 * The picture of a pane as it is windowed and turned, whole. Without marks a pixel of the image is a pixel of the canvas.
 * Null while nothing is shown.
 */
export function pictureCanvas(controller: ViewportController, marks: boolean): HTMLCanvasElement | null {
  const { shown } = controller;
  if (!shown) return null;
  const { columns, rows } = shown.frame;
  const attributes = frameAttributesOf(shown.picture);
  const aspect = pixelAspectOf(attributes);
  const mine = marks ? controller.measurements.filter(({ pictureId }) => pictureId === shown.picture.id) : [];
  const factor = mine.length > 0 ? Math.max(1, Math.ceil(readable / Math.max(rows, columns * aspect))) : 1;
  const [width, height] = [Math.round(columns * aspect * factor), rows * factor];
  const { turns, flipped } = controller.placement;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = turns % 2 === 0 ? [width, height] : [height, width];
  const source = document.createElement('canvas');
  source.width = columns;
  source.height = rows;
  source.getContext('2d')!.putImageData(paint(shown, controller.look()), 0, 0);
  const context = canvas.getContext('2d', { alpha: false })!;
  const geometry = { columns, rows, aspect, viewWidth: canvas.width, viewHeight: canvas.height };
  const placement = { ...initialPlacement, turns, flipped };
  drawPicture(context, source, geometry, placement, 1);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.strokeStyle = '#ffe066';
  context.fillStyle = '#ffe066';
  context.lineWidth = 1.5;
  context.font = '600 14px system-ui, sans-serif';
  const matrix = imageToView(geometry, placement);
  for (const measurement of mine) {
    const points = measurement.points.map((point) => mapPoint(matrix, point));
    context.stroke(new Path2D(shapeOf(measurement.kind, points)));
    const { x, y } = wordsAt(measurement.kind, points);
    for (const [i, line] of measurementLines(measurement, attributes, shown).entries()) {
      context.save();
      context.strokeStyle = '#000';
      context.lineWidth = 3;
      context.strokeText(line, x + 8, y - 6 + 18 * i);
      context.restore();
      context.fillText(line, x + 8, y - 6 + 18 * i);
    }
  }
  return canvas;
}

/** Lets the browser save a canvas as PNG. */
export function savePng(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const address = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }, 'image/png');
}
