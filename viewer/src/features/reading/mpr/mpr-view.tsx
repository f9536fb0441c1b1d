import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { mprMessages, noVolumeText, planeMeasureMessages, volumeMessages } from '../../../shared/messages.mpr.en.ts';
import { partText } from '../study/part-text.ts';
import { patientText } from '../study/patient.ts';
import type { Vector } from '../study/plane.ts';
import type { Picture, Stack } from '../study/study-model.ts';
import { draggedWindow, voiOf, type WindowChoice, windowOf } from '../viewport/window-choice.ts';
import { centreOf, extentAlong, inside, startingAxes, turnOthers, type ViewName, views } from './frame-of-planes.ts';
import { PlaneMeasurementList, PlaneToolChoice } from './measure/measure-bar.tsx';
import type { PlaneTool } from './measure/plane-measurement.ts';
import { usePlaneMeasurements } from './measure/use-plane-measurements.ts';
import { MprPane } from './mpr-pane.tsx';
import { MprSession } from './mpr-session.ts';
import './mpr.css';
import './volume/volume.css';
import type { SlabMode } from './reslice.ts';
import { VolumePane } from './volume/volume-pane.tsx';
import { type VolumeGeometry, volumeOf } from './volume-geometry.ts';

const modes: SlabMode[] = ['none', 'maximum', 'minimum', 'average'];
const thicknesses = [2, 5, 10, 20, 40, 80];

function SlabChoice(props: {
  mode: SlabMode;
  thickness: number;
  onChange: (mode: SlabMode, thickness: number) => void;
}) {
  const { mode, thickness } = props;
  return (
    <>
      <label>
        {mprMessages.slab}{' '}
        <select value={mode} onChange={(event) => props.onChange(modes[event.target.selectedIndex]!, thickness)}>
          {modes.map((name) => (
            <option key={name} value={name}>
              {mprMessages.modes[name]}
            </option>
          ))}
        </select>
      </label>
      <label>
        {mprMessages.thickness}{' '}
        <select
          value={thickness}
          disabled={mode === 'none'}
          onChange={(event) => props.onChange(mode, thicknesses[event.target.selectedIndex]!)}
        >
          {thicknesses.map((mm) => (
            <option key={mm} value={mm}>
              {mm} mm
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function useSession(geometry: VolumeGeometry, pictures: readonly Picture[]): MprSession | null {
  const [session, setSession] = useState<MprSession | null>(null);
  useEffect(() => {
    const made = new MprSession(geometry, pictures);
    setSession(made);
    return () => {
      setSession(null);
      made.stop();
    };
  }, [geometry, pictures]);
  return session;
}

function Planes(props: {
  stack: Stack;
  geometry: VolumeGeometry;
  pictures: readonly Picture[];
  window: WindowChoice;
  onClose: () => void;
}) {
  const { geometry, stack } = props;
  const session = useSession(geometry, props.pictures);
  useSyncExternalStore(
    (listener) => session?.subscribe(listener) ?? (() => undefined),
    () => session?.version ?? 0,
  );
  const middle = useMemo(() => centreOf(geometry), [geometry]);
  const [axes, setAxes] = useState(startingAxes);
  const [cross, setCross] = useState<Vector>(middle);
  const [zoom, setZoom] = useState(1);
  const [slab, setSlab] = useState<{ mode: SlabMode; thickness: number }>({ mode: 'none', thickness: 10 });
  const [choice, setChoice] = useState<WindowChoice>(props.window);
  const [tool, setTool] = useState<PlaneTool>('cross');
  const measurements = usePlaneMeasurements(session, planeMeasureMessages.outside);
  const [volume, setVolume] = useState<'off' | 'beside' | 'large'>('off');
  const [grayscale, range] = [session?.grayscale, session?.range];
  const voi = useMemo(
    () => grayscale && range && voiOf(choice, grayscale, range, 'LINEAR'),
    [choice, grayscale, range],
  );
  if (!session || !voi) return null;
  const extent = Math.max(
    ...(
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ] as Vector[]
    ).map((axis) => extentAlong(geometry, axis)),
  );
  const window = windowOf(voi);
  const all = props.pictures.length;
  const reset = () => {
    setAxes(startingAxes());
    setCross(middle);
    setZoom(1);
    setChoice(props.window);
  };
  const slices = session.done;
  const dragWindow = (dx: number, dy: number) =>
    setChoice(draggedWindow(voi, session.grayscale, session.range, dx, dy));
  const layout = { off: '', beside: ' mpr-with-volume', large: ' mpr-with-volume mpr-volume-large' }[volume];
  return (
    <section className="mpr" aria-label={mprMessages.title} data-slices={slices}>
      <div className="mpr-bar">
        <strong>{patientText(stack.pictures[0]!.attributes)}</strong>
        <span>
          {[stack.modality, stack.seriesNumber && `#${stack.seriesNumber}`, stack.description, partText(stack)]
            .filter(Boolean)
            .join(' ')}
        </span>
        <PlaneToolChoice tool={tool} onChange={setTool} />
        <SlabChoice {...slab} onChange={(mode, thickness) => setSlab({ mode, thickness })} />
        <button type="button" className="button" title={mprMessages.resetHint} onClick={reset}>
          {mprMessages.reset}
        </button>
        <button
          type="button"
          className="button"
          aria-pressed={volume !== 'off'}
          title={volumeMessages.buttonHint}
          onClick={() => setVolume(volume === 'off' ? 'beside' : 'off')}
        >
          {volumeMessages.button}
        </button>
        <span className="mpr-window">
          C {window.center.toFixed(0)} W {window.width.toFixed(0)}
        </span>
        <button type="button" className="button mpr-close" onClick={props.onClose}>
          {mprMessages.close}
        </button>
      </div>
      {session.failed > 0 && (
        <div className="desk-notice desk-notice-bad" role="alert">
          {mprMessages.failed(session.failed, session.problem)}
        </div>
      )}
      <div className={`mpr-panes${layout}`}>
        {slices + session.failed < all && (
          <div className="desk-notice mpr-loading" role="status">
            {mprMessages.loading(slices, all)}
          </div>
        )}
        {views.map((view) => (
          <MprPane
            key={view}
            session={session}
            view={view}
            axes={axes}
            cross={cross}
            centre={zoom < 1 ? cross : middle}
            extent={extent * zoom}
            {...slab}
            voi={voi}
            version={slices}
            tool={tool}
            measurements={measurements}
            onCross={(point) => setCross(inside(geometry, point))}
            onTurn={(about: ViewName, angle) => setAxes((before) => turnOthers(before, about, angle))}
            onWindow={dragWindow}
            onZoom={(factor) => setZoom((before) => Math.min(1.5, Math.max(0.1, before * factor)))}
          />
        ))}
        {volume !== 'off' && (
          <VolumePane
            session={session}
            modality={stack.modality}
            voi={voi}
            centre={middle}
            extent={extent}
            large={volume === 'large'}
            onLarge={(large) => setVolume(large ? 'large' : 'beside')}
            onWindow={dragWindow}
          />
        )}
      </div>
      {(tool !== 'cross' || measurements.list.length > 0) && (
        <PlaneMeasurementList
          list={measurements.list}
          onShow={(measurement) => {
            setAxes(measurement.axes);
            setCross(measurement.cross);
          }}
          onRemove={measurements.remove}
        />
      )}
      <p className="mpr-words">
        {planeMeasureMessages.hints[tool]} {mprMessages.hand} {mprMessages.computed}
      </p>
    </section>
  );
}

/** Three planes through a series, or in plain words why there are none. */
export default function MprView(props: { stack: Stack; window: WindowChoice; onClose: () => void }) {
  const check = volumeOf(props.stack);
  if ('why' in check)
    return (
      <section className="mpr mpr-none" aria-label={mprMessages.title}>
        <p role="alert">{noVolumeText(check)}</p>
        <button type="button" className="button" onClick={props.onClose}>
          {mprMessages.close}
        </button>
      </section>
    );
  return (
    <Planes
      key={props.stack.id}
      stack={props.stack}
      geometry={check.geometry}
      pictures={check.pictures}
      window={props.window}
      onClose={props.onClose}
    />
  );
}
