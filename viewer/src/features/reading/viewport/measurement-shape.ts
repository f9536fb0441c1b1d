import type { Point } from '../study/point.ts';
import type { Measurement } from './measurements.ts';

const pathOf = (points: readonly Point[], closed = false) =>
  points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('') + (closed ? 'Z' : '');

/** An arrow's head at `tip`, in view pixels. */
function headPath(tip: Point, tail: Point): string {
  const angle = Math.atan2(tail.y - tip.y, tail.x - tip.x);
  const wing = (turn: number) => ({ x: tip.x + 13 * Math.cos(angle + turn), y: tip.y + 13 * Math.sin(angle + turn) });
  return pathOf([wing(0.42), tip, wing(-0.42)]);
}

/** The lines of a measurement as an SVG path; '' for those that are only points. @param p its points in the view */
export function shapeOf(kind: Measurement['kind'], p: readonly Point[]): string {
  const [a, b, c, d] = p;
  if (!a || !b) return '';
  switch (kind) {
    case 'bidirectional':
    case 'cobb':
      return pathOf([a, b]) + (c && d ? pathOf([c, d]) : '');
    case 'ellipse': {
      const [rx, ry] = [Math.abs(a.x - b.x) / 2, Math.abs(a.y - b.y) / 2];
      const y = (a.y + b.y) / 2;
      const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
      return `M${left} ${y}A${rx} ${ry} 0 1 1 ${right} ${y}A${rx} ${ry} 0 1 1 ${left} ${y}Z`;
    }
    case 'rectangle':
      return pathOf([a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }], true);
    case 'freehand':
      return pathOf(p, true);
    case 'arrow':
      return pathOf([a, b]) + headPath(a, b);
    default:
      return pathOf(p);
  }
}

/** Where the words of a measurement stand: at an arrow's end, else at the point farthest to the right. */
export function wordsAt(kind: Measurement['kind'], points: readonly Point[]): Point {
  if (kind === 'arrow') return points.at(-1)!;
  return points.reduce((best, point) => (point.x > best.x ? point : best), points[0]!);
}
