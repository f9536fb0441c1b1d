import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf, textOf } from '../study/dicom-json.ts';

/** One channel of a recording, in its physical unit. */
export interface Channel {
  /** `II`, `aVR`; else the source as it is named. */
  label: string;
  /** Electrical channels in mV; others as they come, '' where they have none. */
  unit: string;
  values: Float32Array;
}

/** Channels that were sampled together (PS3.3 C.10.9). */
export interface MultiplexGroup {
  label: string;
  /** Samples a second of each channel. */
  frequency: number;
  channels: Channel[];
  /** Why it cannot be drawn; '' when it can. */
  problem: string;
}

export interface Waveform {
  groups: MultiplexGroup[];
  /** What the device wrote of it: measurements and statements, name and value. */
  annotations: [name: string, value: string][];
}

/** Factor to mV of the units an ECG comes in. */
const toMillivolt: Record<string, number> = { uV: 1e-3, mV: 1, V: 1000, nV: 1e-6 };

type ReadSample = (view: DataView, offset: number) => number;

/** G.711 8-bit companded samples are those of recorded voice: no waveform that is read by eye. */
const readers: Record<string, { bytes: number; read: ReadSample }> = {
  SB: { bytes: 1, read: (view, at) => view.getInt8(at) },
  UB: { bytes: 1, read: (view, at) => view.getUint8(at) },
  SS: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  US: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  SL: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  UL: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
};

/** Standard names of leads: `Lead aVR`, `aVR`, `Lead I (Einthoven)`. */
function leadName(name: string): string {
  const match = /^(?:lead\s+)?(I{1,3}|aV[RLF]|V\d{1,2}[R]?)(?:\s*\(.*\))?$/i.exec(name.trim());
  if (!match) return name;
  const found = match[1]!;
  return /^av/i.test(found) ? `aV${found.at(-1)!.toUpperCase()}` : found.toUpperCase();
}

interface ChannelScale {
  label: string;
  unit: string;
  factor: number;
  offset: number;
}

/** Channel Sensitivity, Correction Factor and Baseline (PS3.3 C.10.9.1.4). */
function scaleOf(definition: DicomJson, i: number): ChannelScale {
  const source = itemsOf(definition, '003A0208')[0];
  const unitItem = itemsOf(definition, '003A0211')[0];
  const name = textOf(definition, '003A0203') || (source ? textOf(source, '00080104') : '') || `channel ${i + 1}`;
  const sensitivity = numberOf(definition, '003A0210');
  const factor = (sensitivity ?? 1) * (numberOf(definition, '003A0212') ?? 1);
  const offset = numberOf(definition, '003A0213') ?? 0;
  const unit = sensitivity === undefined || !unitItem ? '' : textOf(unitItem, '00080100');
  const millivolts = toMillivolt[unit];
  return {
    label: leadName(name),
    unit: millivolts === undefined ? unit : 'mV',
    factor: factor * (millivolts ?? 1),
    offset: offset * (millivolts ?? 1),
  };
}

/** One item of Waveform Sequence: channels take turns in its data, sample by sample (PS3.3 C.10.9.1). */
function groupOf(item: DicomJson, bytes: Uint8Array | undefined): MultiplexGroup {
  const count = numberOf(item, '003A0005') ?? 0;
  const samples = numberOf(item, '003A0010') ?? 0;
  const interpretation = textOf(item, '54001006');
  const reader = readers[interpretation];
  const definitions = itemsOf(item, '003A0200');
  const group: MultiplexGroup = {
    label: textOf(item, '003A0020'),
    frequency: numberOf(item, '003A001A') ?? 0,
    channels: [],
    problem: '',
  };
  if (!reader) group.problem = `its samples (${interpretation || 'not named'}) cannot be drawn here`;
  else if (!(group.frequency > 0)) group.problem = 'it does not say how often it was sampled';
  else if (!bytes || bytes.length < count * samples * reader.bytes) group.problem = 'it has fewer samples than it says';
  if (group.problem || !reader || !bytes) return group;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let channel = 0; channel < count; channel += 1) {
    const { label, unit, factor, offset } = scaleOf(definitions[channel] ?? {}, channel);
    const values = new Float32Array(samples);
    for (let i = 0; i < samples; i += 1)
      values[i] = reader.read(view, (i * count + channel) * reader.bytes) * factor + offset;
    group.channels.push({ label, unit, values });
  }
  return group;
}

function annotationOf(item: DicomJson): [string, string] | null {
  const concept = itemsOf(item, '0040A043')[0];
  const name = concept ? textOf(concept, '00080104') : '';
  const unit = itemsOf(item, '004008EA')[0];
  const number = textOf(item, '0040A30A');
  const coded = itemsOf(item, '0040A168')[0];
  const value = number
    ? [number, unit && textOf(unit, '00080100')].filter(Boolean).join(' ')
    : textOf(item, '00700006') || (coded ? textOf(coded, '00080104') : '');
  return value ? [name, value] : null;
}

/**
 * Reads Waveform Sequence and Waveform Annotation Sequence (PS3.3 C.10.9, C.10.10).
 * @param dataOf little-endian Waveform Data of an item
 */
export function waveformOf(metadata: DicomJson, dataOf: (item: DicomJson) => Uint8Array | undefined): Waveform {
  const groups = itemsOf(metadata, '54000100').map((item) => groupOf(item, dataOf(item)));
  const annotations = itemsOf(metadata, '0040B020').flatMap((item) => {
    const annotation = annotationOf(item);
    return annotation ? [annotation] : [];
  });
  const seen = new Set<string>();
  return {
    groups,
    annotations: annotations.filter(([name, value]) => {
      const key = `${name}=${value}`;
      return !seen.has(key) && seen.add(key);
    }),
  };
}

/**
 * A channel as an SVG path, in mm: least and greatest value of each 1/20 mm, so that no spike is lost.
 * @param perSecond mm a second
 * @param perUnit mm a unit, upwards
 */
export function tracePath(channel: Channel, frequency: number, perSecond: number, perUnit: number): string {
  const { values } = channel;
  const perSample = perSecond / frequency;
  const step = Math.max(1, Math.floor(0.05 / perSample));
  const points: string[] = [];
  const add = (i: number) => points.push(`${(i * perSample).toFixed(2)} ${(-values[i]! * perUnit).toFixed(2)}`);
  for (let from = 0; from < values.length; from += step) {
    const to = Math.min(values.length, from + step);
    let [low, high] = [from, from];
    for (let i = from + 1; i < to; i += 1) {
      if (values[i]! < values[low]!) low = i;
      if (values[i]! > values[high]!) high = i;
    }
    add(Math.min(low, high));
    if (low !== high) add(Math.max(low, high));
  }
  return points.length > 0 ? `M${points.join('L')}` : '';
}
