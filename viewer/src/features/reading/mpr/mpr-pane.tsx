import { type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { mprMessages } from '../../../shared/messages.mpr.en.ts';
import { paintGray, type Voi } from '../paint/grayscale.ts';
import { lettersOf } from '../study/geometry.ts';
import { dot, type Vector } from '../study/plane.ts';
import { type Axes, add, cross, finestStep, scaled, type ViewName, views } from './frame-of-planes.ts';
import { PlaneMarks } from './measure/plane-marks.tsx';
import { liesIn, type PlaneTool } from './measure/plane-measurement.ts';
import type { PlaneMeasurements } from './measure/use-plane-measurements.ts';
import type { MprSession } from './mpr-session.ts';
import type { SlabMode, VolumeValues } from './reslice.ts';

export const viewColours: Record<ViewName, string> = { axial: '#6cc796', coronal: '#64b5ff', sagittal: '#ffca57' };

interface Props {
  session: MprSession;
  view: ViewName;
  axes: Record<ViewName, Axes>;
  cross: Vector;
  /** Middle of what is seen, and mm across the shorter side. */
  centre: Vector;
  extent: number;
  mode: SlabMode;
  thickness: number;
  voi: Voi;
  /** Counts the slices that have come. */
  version: number;
  tool: PlaneTool;
  measurements: PlaneMeasurements;
  onCross: (point: Vector) => void;
  onTurn: (view: ViewName, angle: number) => void;
  onWindow: (dx: number, dy: number) => void;
  onZoom: (factor: number) => void;
}

interface Size {
  width: number;
  height: number;
}

/** Words at the four edges. */
export function Letters(props: { right: Vector; down: Vector }) {
  const opposite = (v: Vector) => lettersOf(scaled(v, -1));
  return (
    <>
      <span className="marker marker-top">{opposite(props.down)}</span>
      <span className="marker marker-right">{lettersOf(props.right)}</span>
      <span className="marker marker-bottom">{lettersOf(props.down)}</span>
      <span className="marker marker-left">{opposite(props.right)}</span>
    </>
  );
}

export function useSize(element: React.RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element.current!;
      setSize((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/** One of the three planes: the cut, the cross, and the hand that moves it. */
export function MprPane(props: Props) {
  const { session, view, axes, mode, thickness, voi } = props;
  const { right, down, normal } = axes[view];
  const pane = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(pane);
  const [cutValues, setCutValues] = useState<{ values: VolumeValues; columns: number; rows: number } | null>(null);
  const busy = useRef(false);
  const wanted = useRef<(() => Promise<void>) | null>(null);
  const perPixel = size.width > 0 ? props.extent / Math.min(size.width, size.height) : 1;
  // Finer than the values themselves shows nothing more.
  const step = Math.max(perPixel, finestStep(session.geometry) / 2);
  const columns = Math.max(1, Math.ceil((size.width * perPixel) / step));
  const rows = Math.max(1, Math.ceil((size.height * perPixel) / step));
  /** The middle of the pane, in the plane of the cross. */
  const middle = add(props.centre, normal, dot(normal, add(props.cross, props.centre, -1)));
  const origin = add(add(middle, right, (-(columns - 1) / 2) * step), down, (-(rows - 1) / 2) * step);

  const key = JSON.stringify([origin, right, down, step, columns, rows, mode, thickness, props.version]);
  // One cut at a time, and always the newest that is wanted.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for all that a cut depends on
  useEffect(() => {
    if (size.width === 0) return;
    const run = async () => {
      const values = await session.cut({
        width: columns,
        height: rows,
        origin,
        right: scaled(right, step),
        down: scaled(down, step),
        normal,
        mode,
        thickness,
      });
      setCutValues({ values, columns, rows });
    };
    wanted.current = run;
    const next = async () => {
      const job = wanted.current;
      if (busy.current || !job) return;
      busy.current = true;
      wanted.current = null;
      await job();
      busy.current = false;
      void next();
    };
    void next();
  }, [key, session]);

  useLayoutEffect(() => {
    const element = canvas.current!;
    if (!cutValues || size.width === 0) return;
    const image = new ImageData(cutValues.columns, cutValues.rows);
    const words = new Uint32Array(image.data.buffer);
    const pixels = cutValues.values;
    paintGray(
      { kind: 'gray', rows: cutValues.rows, columns: cutValues.columns, pixels },
      { ...session.grayscale, voi },
      words,
    );
    for (let i = 0; i < pixels.length; i += 1) if (pixels[i] === session.empty) words[i] = 0xff000000;
    const source = new OffscreenCanvas(cutValues.columns, cutValues.rows);
    source.getContext('2d')!.putImageData(image, 0, 0);
    element.width = Math.round(size.width * devicePixelRatio);
    element.height = Math.round(size.height * devicePixelRatio);
    const context = element.getContext('2d', { alpha: false })!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, 0, 0, element.width, element.height);
    element.dataset['painted'] = String(props.version);
  }, [cutValues, voi, size, session, props.version]);

  /** Where a point of the patient lies in the pane, CSS pixels. */
  const toView = (point: Vector) => {
    const from = add(point, middle, -1);
    return { x: size.width / 2 + dot(from, right) / perPixel, y: size.height / 2 + dot(from, down) / perPixel };
  };
  const toPatient = (x: number, y: number): Vector =>
    add(add(middle, right, (x - size.width / 2) * perPixel), down, (y - size.height / 2) * perPixel);

  const drag = (
    event: PointerEvent,
    move: (x: number, y: number, dx: number, dy: number) => void,
    done?: () => void,
  ) => {
    const element = pane.current!;
    const box = element.getBoundingClientRect();
    let last = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
    const onMove = (moved: globalThis.PointerEvent) => {
      move(moved.clientX - box.left, moved.clientY - box.top, moved.clientX - last.x, moved.clientY - last.y);
      last = { x: moved.clientX, y: moved.clientY };
    };
    const end = () => {
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', end);
      element.removeEventListener('pointercancel', end);
      done?.();
    };
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', end);
    element.addEventListener('pointercancel', end);
  };
  const onDown = (event: PointerEvent) => {
    const box = pane.current!.getBoundingClientRect();
    if (event.button === 2) drag(event, (_x, _y, dx, dy) => props.onWindow(dx, dy));
    else if (props.tool !== 'cross') {
      const { measurements } = props;
      const slab = mode === 'none' ? '' : mprMessages.slabText(mprMessages.modes[mode], thickness);
      const at = toPatient(event.clientX - box.left, event.clientY - box.top);
      measurements.begin(props.tool, { view, axes, cross: props.cross, slab, mode, thickness }, at);
      drag(event, (x, y) => measurements.move(toPatient(x, y)), measurements.end);
    } else {
      props.onCross(toPatient(event.clientX - box.left, event.clientY - box.top));
      drag(event, (x, y) => props.onCross(toPatient(x, y)));
    }
  };
  const onHandle = (event: PointerEvent) => {
    event.stopPropagation();
    const at = toView(props.cross);
    const box = pane.current!.getBoundingClientRect();
    let before = Math.atan2(event.clientY - box.top - at.y, event.clientX - box.left - at.x);
    drag(event, (x, y) => {
      const angle = Math.atan2(y - at.y, x - at.x);
      // The pane's normal may point towards or away from whoever looks.
      const hand = dot(cross(right, down), normal) > 0 ? 1 : -1;
      props.onTurn(view, hand * (angle - before));
      before = angle;
    });
  };
  useEffect(() => {
    const element = pane.current!;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      if (event.ctrlKey) props.onZoom(event.deltaY < 0 ? 1 / 1.1 : 1.1);
      else props.onCross(add(props.cross, normal, Math.sign(event.deltaY) * finestStep(session.geometry)));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });

  const centre = toView(props.cross);
  const long = size.width + size.height;
  const reach = Math.min(size.width, size.height) * 0.36;
  const straight = [right, down, normal].every((axis) => Math.max(...axis.map(Math.abs)) > 0.9999);
  return (
    <section
      ref={pane}
      className="mpr-pane"
      aria-label={mprMessages.views[view]}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys go through its planes
      tabIndex={0}
      onKeyDown={(event) => {
        const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        props.onCross(add(props.cross, normal, steps * finestStep(session.geometry)));
      }}
      data-view={view}
      style={{ borderColor: viewColours[view] }}
      onPointerDown={onDown}
      onContextMenu={(event) => event.preventDefault()}
    >
      <canvas ref={canvas} role="img" aria-label={mprMessages.views[view]} />
      <svg className="mpr-cross" aria-hidden="true">
        {views
          .filter((other) => other !== view)
          .map((other) => {
            const line = cross(normal, axes[other].normal);
            const length = Math.hypot(...line) || 1;
            const [x, y] = [dot(line, right) / length, dot(line, down) / length];
            const gap = 14;
            const [hx, hy] = [centre.x + x * reach, centre.y + y * reach];
            // On the side of the cross on which it can be seen and caught.
            const side = hx < 8 || hy < 8 || hx > size.width - 8 || hy > size.height - 8 ? -reach : reach;
            return (
              <g key={other} stroke={viewColours[other]} fill={viewColours[other]}>
                <line
                  x1={centre.x - x * long}
                  y1={centre.y - y * long}
                  x2={centre.x - x * gap}
                  y2={centre.y - y * gap}
                />
                <line
                  x1={centre.x + x * gap}
                  y1={centre.y + y * gap}
                  x2={centre.x + x * long}
                  y2={centre.y + y * long}
                />
                <circle
                  className="mpr-handle"
                  cx={centre.x + x * side}
                  cy={centre.y + y * side}
                  r={6}
                  onPointerDown={onHandle}
                />
              </g>
            );
          })}
      </svg>
      <PlaneMarks
        list={props.measurements.list.filter((one) => liesIn(one, normal, props.cross, session.geometry))}
        toView={toView}
      />
      <Letters right={right} down={down} />
      <div className="corner corner-top-left">
        <strong style={{ color: viewColours[view] }}>
          {mprMessages.views[view]}
          {!straight && ` (${mprMessages.oblique})`}
        </strong>
        {mode !== 'none' && <span>{mprMessages.slabText(mprMessages.modes[mode], thickness)}</span>}
      </div>
    </section>
  );
}
