import { useMemo } from 'react';
import type { GrowthPoint } from '../../../../contract/integrity.ts';
import { formatBytes } from '../../shared/format.ts';
import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';

const width = 720;
const height = 150;
const left = 74;
const bottom = 22;
const top = 8;

/** The next of 1, 2, 5, 10… times a power of 1024 that holds the greatest value. */
function niceTop(greatest: number): number {
  let unit = 1;
  while (greatest / unit >= 1024) unit *= 1024;
  for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024]) if (greatest <= step * unit) return step * unit;
  return greatest;
}

/** Bytes kept at the end of each day, from the first known day to today. */
export function GrowthChart({ points }: { points: GrowthPoint[] }) {
  const shape = useMemo(() => {
    const first = points[0];
    const last = points.at(-1);
    if (!first || !last || points.length < 2) return null;
    const begin = Date.parse(first.day);
    const span = Date.parse(last.day) - begin;
    const most = niceTop(Math.max(...points.map(({ bytes }) => bytes), 1));
    const x = (day: string) => left + ((Date.parse(day) - begin) / span) * (width - left - 8);
    const y = (bytes: number) => top + (1 - bytes / most) * (height - top - bottom);
    const line = points.map(({ day, bytes }) => `${x(day).toFixed(1)},${y(bytes).toFixed(1)}`).join(' ');
    return { first, last, most, x, y, line };
  }, [points]);
  if (!shape) return <p className="soft">{text.growthNone}</p>;
  const { first, last, most, x, y, line } = shape;
  return (
    <figure className="integrity-growth">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={text.growthPoint(last.day, last.bytes, last.instances)}
      >
        {[0, most / 2, most].map((bytes) => (
          <g key={bytes}>
            <line x1={left} x2={width - 8} y1={y(bytes)} y2={y(bytes)} className="integrity-grid" />
            <text x={left - 6} y={y(bytes) + 4} textAnchor="end">
              {formatBytes(bytes)}
            </text>
          </g>
        ))}
        <polygon points={`${x(first.day)},${y(0)} ${line} ${x(last.day)},${y(0)}`} className="integrity-area" />
        <polyline points={line} className="integrity-line" />
        {points.map(({ day, bytes, instances }) => (
          <circle key={day} cx={x(day)} cy={y(bytes)} r={points.length > 60 ? 1.5 : 3} className="integrity-dot">
            <title>{text.growthPoint(day, bytes, instances)}</title>
          </circle>
        ))}
        <text x={left} y={height - 6}>
          {first.day}
        </text>
        <text x={width - 8} y={height - 6} textAnchor="end">
          {last.day}
        </text>
      </svg>
      <figcaption className="soft">{text.growthHint}</figcaption>
    </figure>
  );
}
