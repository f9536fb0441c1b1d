import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { messages } from '../../../shared/messages.en.ts';
import type { Point } from '../study/point.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { mapPoint } from '../viewport/view-transform.ts';
import { applyLook } from './apply-look.ts';
import './overlays.css';
import { overlayStore } from './overlay-store.ts';
import type { Colour, Mask, Shape } from './overlay-types.ts';
import { Presentation } from './presentation.ts';

function css([red, green, blue]: Colour): string {
  return `rgb(${red} ${green} ${blue})`;
}

function drawMask(context: CanvasRenderingContext2D, mask: Mask, view: DOMMatrix): void {
  const picture = new OffscreenCanvas(mask.columns, mask.rows);
  picture.getContext('2d')!.putImageData(new ImageData(mask.rgba, mask.columns, mask.rows), 0, 0);
  context.setTransform(
    new DOMMatrix()
      .scale(devicePixelRatio)
      .multiply(view)
      .multiply(new DOMMatrix([...mask.matrix])),
  );
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0);
}

/** Segments, as a picture over the picture. */
function Masks(props: { masks: Mask[]; view: DOMMatrix; width: number; height: number }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = ref.current!;
    canvas.width = Math.round(props.width * devicePixelRatio);
    canvas.height = Math.round(props.height * devicePixelRatio);
    const context = canvas.getContext('2d')!;
    for (const mask of props.masks) drawMask(context, mask, props.view);
  });
  return <canvas ref={ref} className="overlay-masks" />;
}

function pathOf(points: readonly Point[], closed: boolean): string {
  return (
    points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(2)} ${y.toFixed(2)}`).join('') + (closed ? 'Z' : '')
  );
}

/** An ellipse as a polygon of many corners, so that it may lie askew. */
function ellipsePoints(centre: Point, a: Point, b: Point): Point[] {
  return Array.from({ length: 72 }, (_, i) => {
    const angle = (i * Math.PI) / 36;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    return { x: centre.x + a.x * cos + b.x * sin, y: centre.y + a.y * cos + b.y * sin };
  });
}

function ShapeView(props: { shape: Shape; view: DOMMatrix }) {
  const { shape, view } = props;
  const colour = css(shape.colour);
  const map = (points: readonly Point[]) => points.map((point) => mapPoint(view, point));
  switch (shape.kind) {
    case 'text': {
      const at = mapPoint(view, shape.at);
      return (
        <text x={at.x} y={at.y} fill={colour}>
          {shape.lines.map((line, i) => (
            <tspan key={line} x={at.x} dy={i === 0 ? '1em' : '1.25em'}>
              {line}
            </tspan>
          ))}
        </text>
      );
    }
    case 'point': {
      const { x, y } = mapPoint(view, shape.points[0]);
      return <path d={`M${x - 5} ${y}h10M${x} ${y - 5}v10`} stroke={colour} fill="none" />;
    }
    case 'ellipse':
      return (
        <path
          d={pathOf(map(ellipsePoints(shape.centre, shape.a, shape.b)), true)}
          stroke={colour}
          fill={shape.filled ? colour : 'none'}
        />
      );
    default:
      return (
        <path
          d={pathOf(map(shape.points), shape.closed || shape.kind === 'area')}
          stroke={colour}
          fill={shape.kind === 'area' ? colour : 'none'}
        />
      );
  }
}

/** What the overlays that are on have to say about the picture in a pane. */
export function OverlayLayer(props: { controller: ViewportController }) {
  const { controller } = props;
  useSyncExternalStore(overlayStore.subscribe, () => overlayStore.version);
  const picture = controller.onScreen?.picture;
  const active = overlayStore.active.filter(({ overlay }) => overlay !== undefined);
  const keys = active.map(({ source }) => source.key).join();
  const presented = active.find(
    ({ overlay }) => picture && overlay instanceof Presentation && overlay.concerns(picture),
  );
  const presentedKey = presented?.source.key;
  const stackId = controller.stack?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `keys` stands for what fetchFor reads
  useEffect(() => {
    if (picture) overlayStore.fetchFor(picture);
  }, [picture, keys]);
  // Once for each state and stack: the reader may change the look afterwards.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the look is that of the picture it is switched on at
  useEffect(() => {
    const overlay = presented?.overlay;
    if (!picture || !(overlay instanceof Presentation)) return;
    applyLook(controller, overlay.lookOf(picture));
    return () => controller.reset();
  }, [controller, presentedKey, stackId]);
  const view = controller.matrix();
  const geometry = controller.geometry();
  if (!picture || !view || !geometry || active.length === 0) return null;
  const drawings = active.flatMap(({ overlay, hidden }) => overlay?.drawingFor(picture, hidden) ?? []);
  const masks = drawings.flatMap((drawing) => drawing.masks);
  const shapes = drawings.flatMap((drawing) => drawing.shapes);
  return (
    <>
      {masks.length > 0 && <Masks masks={masks} view={view} width={geometry.viewWidth} height={geometry.viewHeight} />}
      {shapes.length > 0 && (
        <svg className="overlay-shapes" role="img" aria-label={messages.reading.onImages}>
          <title>{messages.reading.onImages}</title>
          {shapes.map((shape, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: shapes have no other name than their place
            <ShapeView key={i} shape={shape} view={view} />
          ))}
        </svg>
      )}
    </>
  );
}
