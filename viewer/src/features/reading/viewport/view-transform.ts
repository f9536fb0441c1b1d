import type { Point } from '../study/geometry.ts';

/** How the picture lies in the view. Lengths in CSS pixels. */
export interface Placement {
  /** 1 fits the picture into the view. */
  zoom: number;
  panX: number;
  panY: number;
  /** Quarter turns clockwise. */
  turns: number;
  flipped: boolean;
}

export const initialPlacement: Placement = { zoom: 1, panX: 0, panY: 0, turns: 0, flipped: false };

export interface Geometry {
  columns: number;
  rows: number;
  /** Width of a pixel over its height. */
  aspect: number;
  viewWidth: number;
  viewHeight: number;
}

/** CSS pixels a row takes when the picture fits. */
export function fitScale(geometry: Geometry, turns: number): number {
  const width = geometry.columns * geometry.aspect;
  const [w, h] = turns % 2 === 0 ? [width, geometry.rows] : [geometry.rows, width];
  return Math.min(geometry.viewWidth / w, geometry.viewHeight / h);
}

/** The placement enlarged by `factor` so that the view's point `at` stays where it is. */
export function zoomedAt(placement: Placement, view: Geometry, factor: number, at: Point): Placement {
  const zoom = Math.max(0.1, Math.min(40, placement.zoom * factor));
  const real = zoom / placement.zoom;
  const cx = at.x - view.viewWidth / 2;
  const cy = at.y - view.viewHeight / 2;
  return { ...placement, zoom, panX: cx - (cx - placement.panX) * real, panY: cy - (cy - placement.panY) * real };
}

/** From image coordinates (column, row; pixel corners are whole numbers) to the view. */
export function imageToView(geometry: Geometry, placement: Placement): DOMMatrix {
  const scale = fitScale(geometry, placement.turns) * placement.zoom;
  return new DOMMatrix()
    .translate(geometry.viewWidth / 2 + placement.panX, geometry.viewHeight / 2 + placement.panY)
    .rotate(90 * placement.turns)
    .scale((placement.flipped ? -1 : 1) * scale * geometry.aspect, scale)
    .translate(-geometry.columns / 2, -geometry.rows / 2);
}

/** Applies a matrix to a point. */
export function mapPoint(matrix: DOMMatrix, point: Point): Point {
  const { x, y } = matrix.transformPoint(new DOMPoint(point.x, point.y));
  return { x, y };
}

/** Directions of the view's right and bottom edges in the image, unit length. */
export function edgeDirections(placement: Placement): { right: Point; down: Point } {
  const angle = (-placement.turns * Math.PI) / 2;
  const flip = placement.flipped ? -1 : 1;
  const turn = (x: number, y: number): Point => ({
    x: flip * Math.round(x * Math.cos(angle) - y * Math.sin(angle)),
    y: Math.round(x * Math.sin(angle) + y * Math.cos(angle)),
  });
  return { right: turn(1, 0), down: turn(0, 1) };
}

/** Draws a picture into a view, in device pixels. Smooth when enlarged a little, plain squares when much. */
export function drawPicture(
  context: CanvasRenderingContext2D,
  picture: CanvasImageSource,
  geometry: Geometry,
  placement: Placement,
  devicePixelRatio: number,
): void {
  const matrix = new DOMMatrix().scale(devicePixelRatio).multiply(imageToView(geometry, placement));
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = '#000';
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(matrix);
  context.imageSmoothingEnabled = Math.hypot(matrix.a, matrix.b) < 6;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0);
}

/** Draws a round lens over a picture: what is under `at` (CSS pixels of the view) stays there and is `factor` times larger. */
export function drawLens(
  context: CanvasRenderingContext2D,
  picture: CanvasImageSource,
  geometry: Geometry,
  placement: Placement,
  devicePixelRatio: number,
  at: Point,
  factor: number,
): void {
  const radius = Math.min(150, Math.min(geometry.viewWidth, geometry.viewHeight) / 3);
  const circle = () => {
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  };
  context.save();
  circle();
  context.clip();
  drawPicture(context, picture, geometry, zoomedAt(placement, geometry, factor, at), devicePixelRatio);
  context.restore();
  context.save();
  circle();
  context.lineWidth = 2;
  context.strokeStyle = '#ff9c63';
  context.stroke();
  context.restore();
}
