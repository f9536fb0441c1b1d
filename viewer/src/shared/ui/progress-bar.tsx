/** A bar that always carries its numbers. */
export function ProgressBar(props: { done: number; all: number; label: string }) {
  const percent = props.all > 0 ? Math.min(100, Math.round((props.done / props.all) * 100)) : 0;
  return (
    <div>
      <div className="row" style={{ justifyContent: 'space-between' }}>
        <span>{props.label}</span>
        <span className="soft">{percent} %</span>
      </div>
      <div
        className="progress"
        role="progressbar"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
    </div>
  );
}
