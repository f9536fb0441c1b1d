import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { volumeMessages as words } from '../../../../shared/messages.mpr.en.ts';
import type { Voi } from '../../paint/grayscale.ts';
import { lettersOf } from '../../study/geometry.ts';
import type { Vector } from '../../study/plane.ts';
import { type Axes, scaled } from '../frame-of-planes.ts';
import { Letters, useSize } from '../mpr-pane.tsx';
import type { MprSession } from '../mpr-session.ts';
import { axesFrom, dragged, type Side, sides } from './camera.ts';
import { followsWindow, type VolumePreset, volumePresets } from './presets.ts';
import { type VolumeState, VolumeView } from './volume-view.ts';

interface Props {
  session: MprSession;
  modality: string;
  voi: Voi;
  /** Middle of the volume, and mm across the shorter side of the pane. */
  centre: Vector;
  extent: number;
  large: boolean;
  onLarge: (large: boolean) => void;
  onWindow: (dx: number, dy: number) => void;
}

/** Radians a CSS pixel of dragging, and a key press. */
const turnOfPixel = 0.008;
const turnOfKey = Math.PI / 18;

function useVolumeView(session: MprSession, host: React.RefObject<HTMLElement | null>) {
  const [view, setView] = useState<VolumeView | null>(null);
  const [state, setState] = useState<VolumeState>({ kind: 'waiting' });
  useEffect(() => {
    const canvas = document.createElement('canvas');
    host.current!.append(canvas);
    const made = new VolumeView(canvas, session, setState);
    setState(made.state);
    setView(made);
    return () => {
      made.close();
      canvas.remove();
      setView(null);
    };
  }, [session, host]);
  return { view, state };
}

function stateText(state: VolumeState, { done, pictures }: MprSession): string {
  switch (state.kind) {
    case 'waiting':
      return words.waiting(done, pictures.length);
    case 'filling':
      return words.filling(state.layers, state.of);
    case 'none':
      return state.why === 'failed' ? words.none.failed(state.reason ?? '') : words.none[state.why];
    case 'ready':
      return state.factor.some((n) => n > 1) ? words.coarser(state.factor) : '';
  }
}

function presetText(preset: VolumePreset, modality: string): string {
  return preset === 'mr' && modality === 'MR' ? words.mrPreset : words.presets[preset];
}

/** The whole volume, seen from any side. */
export function VolumePane(props: Props) {
  const { session, modality, voi, centre } = props;
  const pane = useRef<HTMLElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const size = useSize(pane);
  const { view, state } = useVolumeView(session, host);
  const presets = volumePresets(modality);
  const [preset, setPreset] = useState<VolumePreset>(presets[0]!);
  const [axes, setAxes] = useState<Axes>(() => axesFrom('front'));
  const [zoom, setZoom] = useState(1);
  const zoomBy = (factor: number) => setZoom((before) => Math.min(1.5, Math.max(0.1, before * factor)));
  const perPixel = size.width > 0 ? (props.extent * zoom) / Math.min(size.width, size.height) : 1;

  useEffect(() => {
    if (!view || size.width === 0) return;
    const ratio = devicePixelRatio;
    const sight = { centre, axes, perPixel: perPixel / ratio };
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    view.wish({ width, height, sight, preset, voi, grayscale: session.grayscale });
  }, [view, size, centre, axes, perPixel, preset, voi, session.grayscale]);

  useEffect(() => {
    const element = pane.current!;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 1 / 1.1 : 1.1);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });

  const onDown = (event: PointerEvent) => {
    const element = pane.current!;
    let last = { x: event.clientX, y: event.clientY };
    const onMove = (moved: globalThis.PointerEvent) => {
      const [dx, dy] = [moved.clientX - last.x, moved.clientY - last.y];
      last = { x: moved.clientX, y: moved.clientY };
      if (event.button === 2) props.onWindow(dx, dy);
      else setAxes((before) => dragged(before, dx * turnOfPixel, dy * turnOfPixel));
    };
    const end = () => {
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', end);
      element.removeEventListener('pointercancel', end);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', end);
    element.addEventListener('pointercancel', end);
  };
  const see = (side: Side) => setAxes(axesFrom(side));
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const turns: Record<string, [number, number]> = {
      ArrowLeft: [-turnOfKey, 0],
      ArrowRight: [turnOfKey, 0],
      ArrowUp: [0, -turnOfKey],
      ArrowDown: [0, turnOfKey],
    };
    const turn = turns[event.key];
    if (turn) setAxes((before) => dragged(before, ...turn));
    else if (event.key === '+') zoomBy(1 / 1.1);
    else if (event.key === '-') zoomBy(1.1);
    else if (event.key === '0') {
      see('front');
      setZoom(1);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const said = stateText(state, session);
  const ready = state.kind === 'ready';
  const from = lettersOf(scaled(axes.normal, -1));
  const threshold = followsWindow(preset) ? '' : words.threshold[preset as keyof typeof words.threshold];
  return (
    <section
      ref={pane}
      className={`mpr-pane volume-pane${props.large ? ' volume-large' : ''}`}
      aria-label={`${words.title}: ${presetText(preset, modality)}, ${from}`}
      aria-describedby="volume-words"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys turn it
      tabIndex={0}
      data-state={state.kind}
      onKeyDown={onKey}
      onPointerDown={onDown}
      onContextMenu={(event) => event.preventDefault()}
    >
      <div ref={host} aria-hidden="true" hidden={!ready} />
      {ready && <Letters right={axes.right} down={axes.down} />}
      <div className="volume-bar" onPointerDown={(event) => event.stopPropagation()}>
        <label>
          <span className="sr-only">{words.preset}</span>
          <select
            value={preset}
            disabled={state.kind === 'none'}
            onChange={(event) => setPreset(presets[event.target.selectedIndex]!)}
          >
            {presets.map((name) => (
              <option key={name} value={name}>
                {presetText(name, modality)}
              </option>
            ))}
          </select>
        </label>
        {sides.map((side) => (
          <button
            key={side}
            type="button"
            className="button"
            title={words.sideHints[side]}
            aria-label={words.sideHints[side]}
            disabled={!ready}
            onClick={() => see(side)}
          >
            {words.sides[side]}
          </button>
        ))}
        <button type="button" className="button" aria-pressed={props.large} onClick={() => props.onLarge(!props.large)}>
          {props.large ? words.smaller : words.larger}
        </button>
      </div>
      {!ready && (
        <p className="volume-note" role="status">
          {said}
        </p>
      )}
      <p className="volume-words" id="volume-words">
        {ready && session.failed > 0 && <strong>{words.holes(session.failed)} </strong>}
        {ready && said && <strong>{said} </strong>}
        {threshold && `${presetText(preset, modality)}: ${threshold}. `}
        {words.computed} {words.hand}
      </p>
    </section>
  );
}
