import { useEffect, useState } from 'react';
import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { documentMessages } from '../../../shared/messages.documents.en.ts';
import { bulkValueOf } from '../decode/bulk-value.ts';
import { itemsOf } from '../study/dicom-json.ts';
import type { WholeObject } from './stored-object.ts';
import { type MultiplexGroup, type Waveform, waveformOf } from './waveform.ts';
import { layOut, type Trace } from './waveform-layout.ts';

const words = documentMessages.waveform;
const speeds = [12.5, 25, 50];
const gains = [5, 10, 20];

async function readWaveform({ metadata, bytes }: WholeObject, bigEndian: boolean): Promise<Waveform> {
  const data = new Map<DicomJson, Uint8Array | undefined>();
  for (const item of itemsOf(metadata, '54000100'))
    data.set(item, await bulkValueOf(item, '54001010', bigEndian, async (start, end) => bytes.subarray(start, end)));
  return waveformOf(metadata, (item) => data.get(item));
}

/** Ruled paper: thin lines each mm, thick ones each 5 mm. */
function Paper(props: { id: string; width: number; height: number }) {
  const { id, width, height } = props;
  return (
    <>
      <defs>
        <pattern id={`${id}-small`} width="1" height="1" patternUnits="userSpaceOnUse">
          <path d="M1 0H0V1" fill="none" stroke="#f0b5ad" strokeWidth="0.06" />
        </pattern>
        <pattern id={`${id}-large`} width="5" height="5" patternUnits="userSpaceOnUse">
          <rect width="5" height="5" fill={`url(#${id}-small)`} />
          <path d="M5 0H0V5" fill="none" stroke="#d9776b" strokeWidth="0.14" />
        </pattern>
      </defs>
      <rect width={width} height={height} fill={`url(#${id}-large)`} />
    </>
  );
}

function TraceLine({ trace }: { trace: Trace }) {
  return (
    <g transform={`translate(${trace.x} ${trace.y})`}>
      <path data-lead={trace.label} d={trace.path} fill="none" stroke="#10131a" strokeWidth="0.28" />
      <text x="1" y={-trace.above + 4} fontSize="3.6" fontWeight="600" fill="#10131a">
        {trace.label}
      </text>
    </g>
  );
}

function Group(props: { id: string; group: MultiplexGroup; speed: number; gain: number; columns: boolean }) {
  const { group, speed, gain } = props;
  if (group.problem) return <p className="document-note">{words.problem(group.label, group.problem)}</p>;
  const page = layOut(group, speed, gain, props.columns ? 4 : 1);
  const seconds = ((group.channels[0]?.values.length ?? 0) / group.frequency).toFixed(1);
  return (
    <figure>
      <figcaption>
        {words.group(group.label, group.channels.length, group.frequency, seconds)}{' '}
        {page.units.map(({ unit, perUnit }) => words.perUnit(unit, perUnit.toPrecision(2))).join('; ')}
      </figcaption>
      <div className="ecg">
        <svg
          role="img"
          aria-label={group.channels.map(({ label }) => label).join(', ')}
          viewBox={`0 0 ${page.width} ${page.height}`}
          width="100%"
          data-mm={page.width}
        >
          <Paper id={props.id} width={page.width} height={page.height} />
          {page.traces.map((trace) => (
            <TraceLine key={`${trace.label} ${trace.x} ${trace.y}`} trace={trace} />
          ))}
          {page.pulse && (
            <path data-lead="calibration" d={page.pulse} fill="none" stroke="#10131a" strokeWidth="0.28" />
          )}
        </svg>
      </div>
    </figure>
  );
}

function Choice<T extends number | string>(props: {
  label: string;
  value: T;
  options: readonly T[];
  text: (value: T) => string;
  onChange: (value: T) => void;
}) {
  return (
    <label>
      {props.label}{' '}
      <select value={props.value} onChange={(event) => props.onChange(props.options[event.target.selectedIndex]!)}>
        {props.options.map((option) => (
          <option key={option} value={option}>
            {props.text(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** An ECG or another recording on ruled paper whose millimetres are the scale written beside it. */
export function WaveformView(props: { object: WholeObject; bigEndian: boolean }) {
  const [waveform, setWaveform] = useState<Waveform | null>(null);
  const [speed, setSpeed] = useState(25);
  const [gain, setGain] = useState(10);
  const [layout, setLayout] = useState<'rows' | 'columns'>('rows');
  useEffect(() => {
    let gone = false;
    void readWaveform(props.object, props.bigEndian).then((read) => {
      if (!gone) setWaveform(read);
    });
    return () => {
      gone = true;
    };
  }, [props.object, props.bigEndian]);
  if (!waveform) return null;
  const twelve = waveform.groups.some(({ channels }) => channels.length === 12);
  return (
    <>
      {waveform.groups.length === 0 && <p className="document-note">{words.none}</p>}
      <div className="document-actions">
        <Choice label={words.speed} value={speed} options={speeds} text={(v) => `${v} mm/s`} onChange={setSpeed} />
        <Choice label={words.gain} value={gain} options={gains} text={(v) => `${v} mm/mV`} onChange={setGain} />
        {twelve && (
          <Choice
            label={words.layout}
            value={layout}
            options={['rows', 'columns'] as const}
            text={(v) => words[v]}
            onChange={setLayout}
          />
        )}
        <span>
          {words.scale(speed, gain)}. {words.unfiltered}
        </span>
      </div>
      {waveform.annotations.length > 0 && (
        <details>
          <summary>{words.said}</summary>
          <ul className="ecg-annotations">
            {waveform.annotations.map(([name, value]) => (
              <li key={`${name} ${value}`}>{name ? `${name}: ${value}` : value}</li>
            ))}
          </ul>
        </details>
      )}
      {waveform.groups.map((group, i) => (
        <Group
          // biome-ignore lint/suspicious/noArrayIndexKey: a group is its place in the object
          key={i}
          id={`paper-${i}`}
          group={group}
          speed={speed}
          gain={gain}
          columns={layout === 'columns' && group.channels.length === 12}
        />
      ))}
    </>
  );
}
