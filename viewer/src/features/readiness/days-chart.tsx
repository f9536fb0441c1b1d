import type { ReadinessDay } from '../../../../contract/backfill.ts';
import { formatDate } from '../../shared/format.ts';
import { historyMessages } from '../../shared/messages.history.en.ts';

const text = historyMessages.readiness;
const width = 720;
const height = 170;
const left = 40;
const bottom = 24;
const top = 10;
const LABELS = 10;

/** Studies of each day, the oldest at the left: those complete here, and above them those that are not. */
export function DaysChart({ days }: { days: ReadinessDay[] }) {
  const shown = [...days].reverse();
  const most = Math.max(1, ...shown.map(({ studies }) => studies));
  const step = (width - left - 8) / Math.max(1, shown.length);
  const bar = Math.min(46, step * 0.7);
  const scale = (n: number) => (n / most) * (height - top - bottom);
  const every = Math.ceil(shown.length / LABELS);
  return (
    <figure className="readiness-chart">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={text.daysTitle(days.length)}>
        {[...new Set([0, Math.round(most / 2), most])].map((n) => (
          <g key={n}>
            <line x1={left} x2={width - 8} y1={height - bottom - scale(n)} y2={height - bottom - scale(n)} />
            <text x={left - 6} y={height - bottom - scale(n) + 4} textAnchor="end">
              {n}
            </text>
          </g>
        ))}
        {shown.map(({ day, studies, complete }, i) => {
          const x = left + i * step + (step - bar) / 2;
          const whole = scale(complete);
          const open = scale(studies - complete);
          return (
            <g key={day}>
              <title>{text.dayChart(day, complete, studies)}</title>
              <rect className="readiness-whole" x={x} y={height - bottom - whole} width={bar} height={whole} />
              <rect className="readiness-part" x={x} y={height - bottom - whole - open} width={bar} height={open} />
              {i % every === 0 && (
                <text x={x + bar / 2} y={height - 7} textAnchor="middle">
                  {formatDate(day).slice(5)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span className="readiness-key readiness-key-whole" /> {text.legend.complete}{' '}
        <span className="readiness-key readiness-key-part" /> {text.legend.open}
      </figcaption>
    </figure>
  );
}
