import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import { messages } from '../../../shared/messages.en.ts';
import type { ReadFinding } from '../annotations/read-report.ts';
import { removeFirstImage } from '../first-image.ts';
import { OverlayLayer } from '../overlays/overlay-layer.tsx';
import { patientText } from '../study/patient.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { ToolName, ViewportController } from '../viewport/controller.ts';
import { bindPointer, isMeasuring } from '../viewport/pointer.ts';
import { MeasurementLayer } from './measurement-layer.tsx';
import { Overlays } from './overlays.tsx';
import { ReferenceLines } from './reference-lines.tsx';

export const dragType = 'application/x-lifeboat-stack';

interface Props {
  controller: ViewportController;
  /** Of the stack in the pane. */
  study?: OpenedStudy;
  /** Provisional findings of the study. */
  findings?: ReadFinding[];
  /** Place of the pane in the layout, from 1, and how many there are. */
  place: number;
  places: number;
  active: boolean;
  tool: ToolName;
  textShown: boolean;
  onActivate: () => void;
  onDropStack: (stackId: string) => void;
  /** The pane alone, or all of them again. */
  onEnlarge: () => void;
  /** The pane whose plane is drawn in this one; absent: none. */
  lineFrom?: ViewportController;
}

/** Which image is on its way, and for how long already where that is long. */
function Fetching(props: { n: number; of: number }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="pane-note" role="status">
      {messages.reading.frameLoading(props.n, props.of)}
      {seconds > 1 && ` ${messages.reading.soFar(seconds)}`}
    </div>
  );
}

function paneName({ controller, place, places }: Props): string {
  const { stack } = controller;
  const what = stack ? `${stack.modality} ${stack.seriesNumber && `#${stack.seriesNumber}`} ${stack.description}` : '';
  return messages.reading.paneName(place, places, what.trim());
}

function pictureName({ onScreen, stack }: ViewportController): string {
  if (!onScreen || !stack) return messages.reading.emptyPane;
  const place = `${onScreen.index + 1} / ${stack.pictures.length}`;
  return `${patientText(onScreen.picture.attributes)}, ${place}`;
}

/** One pane of the layout: the picture, what is written on it, and the hand that works on it. */
export function Viewport(props: Props) {
  const { controller, active, tool } = props;
  useSyncExternalStore(controller.subscribe, () => controller.version);
  const canvas = useRef<HTMLCanvasElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  const currentTool = useRef(tool);
  currentTool.current = tool;

  useLayoutEffect(() => {
    controller.attach(canvas.current);
    const observer = new ResizeObserver(() => controller.resize());
    observer.observe(canvas.current!);
    return () => {
      observer.disconnect();
      controller.attach(null);
    };
  }, [controller]);
  useEffect(() => bindPointer(pane.current!, controller, () => currentTool.current), [controller]);
  useLayoutEffect(() => {
    if (controller.shown || controller.error) removeFirstImage();
  });

  const { picture } = controller;
  const place = { n: controller.index + 1, of: controller.stack?.pictures.length ?? 0 };
  const waiting = picture && controller.shown?.picture.id !== picture.id && !controller.error;
  return (
    <section
      ref={pane}
      className={`pane${active ? ' pane-active' : ''}`}
      aria-label={paneName(props)}
      aria-current={active || undefined}
      data-testid="pane"
      onPointerDownCapture={props.onActivate}
      onDoubleClick={(event) => {
        if (!(event.target as Element).closest('button, a, input') && !isMeasuring(tool)) props.onEnlarge();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const id = event.dataTransfer.getData(dragType);
        if (id) props.onDropStack(id);
      }}
    >
      <canvas ref={canvas} className="picture" role="img" aria-label={pictureName(controller)} />
      {props.lineFrom && <ReferenceLines controller={controller} source={props.lineFrom} />}
      <OverlayLayer controller={controller} />
      <MeasurementLayer controller={controller} />
      <Overlays controller={controller} study={props.study} textShown={props.textShown} findings={props.findings} />
      {!controller.stack && props.places > 1 && <div className="pane-empty">{messages.reading.fillPane}</div>}
      {waiting && <Fetching key={picture.id} {...place} />}
      {controller.error && (
        <div className="pane-error" role="alert">
          <p>{messages.reading.frameFailed(place.n, place.of, controller.error)}</p>
          <button type="button" className="button" onClick={() => controller.retry()}>
            {messages.reading.retry}
          </button>
          {picture?.instance.url && (
            <a className="button" href={picture.instance.url} download={`${picture.instance.sopInstanceUID}.dcm`}>
              {messages.reading.downloadOriginal}
            </a>
          )}
        </div>
      )}
    </section>
  );
}
