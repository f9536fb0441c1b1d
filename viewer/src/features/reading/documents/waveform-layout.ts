import { type Channel, type MultiplexGroup, tracePath } from './waveform.ts';

/** One trace on the paper; lengths in mm. */
export interface Trace {
  label: string;
  path: string;
  /** Where its first sample and its zero line lie. */
  x: number;
  y: number;
  /** Room above the zero line. */
  above: number;
}

/** A group of channels laid out on ruled paper; lengths in mm, whole multiples of 5. */
export interface Paper {
  width: number;
  height: number;
  traces: Trace[];
  /** Calibration pulse of 1 mV and 200 ms; '' where no channel is in mV. */
  pulse: string;
  /** mm a unit, by unit, for what is not in mV. */
  units: { unit: string; perUnit: number }[];
}

const margin = 10;
/** Of channels that have no agreed gain: their whole range takes this much. */
const otherRange = 20;

function ceil5(value: number): number {
  return Math.ceil(value / 5) * 5;
}

function rangeOf({ values }: Channel): [number, number] {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The part of a channel that one of several columns shows. */
function part(channel: Channel, column: number, columns: number): Channel {
  const length = Math.floor(channel.values.length / columns);
  return { ...channel, values: channel.values.subarray(column * length, (column + 1) * length) };
}

/**
 * Lays a group out, each channel in a row of its own or, in several columns, each column one after the other in time as on
 * printed 12-lead ECGs. Rows are as high as their traces: nothing is cut off.
 * @param speed mm a second
 * @param gain mm a mV
 */
export function layOut(group: MultiplexGroup, speed: number, gain: number, columns: number): Paper {
  const { frequency, channels } = group;
  const rows = Math.ceil(channels.length / columns);
  const units = new Map<string, number>();
  const perUnitOf = (channel: Channel): number => {
    if (channel.unit === 'mV') return gain;
    const known = units.get(channel.unit);
    if (known !== undefined) return known;
    const alike = channels.filter(({ unit }) => unit === channel.unit).map(rangeOf);
    const range = Math.max(...alike.map(([low, high]) => high - low)) || 1;
    units.set(channel.unit, otherRange / range);
    return otherRange / range;
  };
  const samples = Math.floor((channels[0]?.values.length ?? 0) / columns);
  const columnWidth = (samples / frequency) * speed;
  const traces: Trace[] = [];
  let y = 5;
  for (let row = 0; row < rows; row += 1) {
    const line = Array.from({ length: columns }, (_, column) => channels[column * rows + row]).map((channel, column) =>
      channel ? part(channel, column, columns) : undefined,
    );
    const extents = line.flatMap((channel) => (channel ? [rangeOf(channel).map((v) => v * perUnitOf(channel))] : []));
    const above = ceil5(Math.max(10, ...extents.map(([, high]) => high! + 1)));
    const below = ceil5(Math.max(5, ...extents.map(([low]) => 1 - low!)));
    for (const [column, channel] of line.entries())
      if (channel)
        traces.push({
          label: channel.label,
          path: tracePath(channel, frequency, speed, perUnitOf(channel)),
          x: margin + column * columnWidth,
          y: y + above,
          above,
        });
    y += above + below;
  }
  const millivolts = channels.some(({ unit }) => unit === 'mV');
  const base = traces[0]?.y ?? 0;
  return {
    width: ceil5(margin + columnWidth * columns + 5),
    height: ceil5(y),
    traces,
    pulse: millivolts ? `M2 ${base}h1v${-gain}h${0.2 * speed}v${gain}h1` : '',
    units: [...units].map(([unit, perUnit]) => ({ unit, perUnit })),
  };
}
