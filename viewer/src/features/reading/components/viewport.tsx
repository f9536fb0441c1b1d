import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { messages } from '../../../shared/messages.en.ts';
import { removeFirstImage } from '../first-image.ts';
import type { ToolName, ViewportController } from '../viewport/controller.ts';
import { bindPointer } from '../viewport/pointer.ts';
import { MeasurementLayer } from './measurement-layer.tsx';
import { Overlays } from './overlays.tsx';

export const dragType = 'application/x-lifeboat-stack';

interface Props {
  controller: ViewportController;
  active: boolean;
  tool: ToolName;
  textShown: boolean;
  onActivate: () => void;
  onDropStack: (stackId: string) => void;
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

  const waiting = controller.picture && controller.shown?.picture.id !== controller.picture.id && !controller.error;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the reading page reach the active pane
    <div
      ref={pane}
      className={`pane${active ? ' pane-active' : ''}`}
      data-testid="pane"
      onPointerDownCapture={props.onActivate}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const id = event.dataTransfer.getData(dragType);
        if (id) props.onDropStack(id);
      }}
    >
      <canvas ref={canvas} className="picture" />
      <MeasurementLayer controller={controller} />
      <Overlays controller={controller} textShown={props.textShown} />
      {waiting && (
        <div className="pane-note" role="status">
          {messages.reading.frameLoading(controller.index + 1, controller.stack?.pictures.length ?? 0)}
        </div>
      )}
      {controller.error && (
        <div className="pane-error" role="alert">
          <p>{messages.reading.frameFailed(controller.error)}</p>
          <button type="button" className="button" onClick={() => controller.retry()}>
            {messages.reading.retry}
          </button>
          {controller.picture?.instance.url && (
            <a
              className="button"
              href={controller.picture.instance.url}
              download={`${controller.picture.instance.sopInstanceUID}.dcm`}
            >
              {messages.reading.downloadOriginal}
            </a>
          )}
        </div>
      )}
    </div>
  );
}
