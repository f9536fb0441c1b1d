import { numbersOf, textOf } from './dicom-json.ts';
import { holderOf } from './frame-value.ts';
import type { Picture } from './study-model.ts';

/** Pictures of one place at several times, laid out. */
export interface Phases {
  /**
   * - `phase`: each part is one instant, in the order of its positions
   * - `loop`: each part is one place through the heart's cycle
   * - `repetition`: as `phase`, but nothing in the images tells the instants apart
   * - `various`: too many or too uneven to part; one part, which is no volume
   */
  kind: 'phase' | 'loop' | 'repetition' | 'various';
  parts: { pictures: Picture[]; value: string }[];
}

interface Clock {
  tag: string;
  macros: string[];
  unit: string;
  /** Times within the heart's cycle. */
  cardiac?: boolean;
}

/** What tells instants apart, most trusted first (PS3.3 C.7.6.16.2.2, C.7.6.18.1, C.8.9.4, C.7.6.1). */
const clocks: Clock[] = [
  { tag: '00200100', macros: [], unit: '' },
  { tag: '00209128', macros: ['00209111'], unit: '' },
  { tag: '00209241', macros: ['00189118'], unit: '%', cardiac: true },
  { tag: '00209153', macros: ['00189118'], unit: 'ms', cardiac: true },
  { tag: '00181060', macros: [], unit: 'ms', cardiac: true },
  { tag: '00541300', macros: [], unit: 'ms' },
  { tag: '00200012', macros: [], unit: '' },
  { tag: '00189074', macros: ['00209111'], unit: '' },
  { tag: '0008002A', macros: [], unit: '' },
  { tag: '00080032', macros: [], unit: '' },
];

/** More parts than this help nobody: they stay together. */
const mostParts = 32;
/** A slice seen at as many instants of a heartbeat is a film. */
const leastLoop = 8;

function compare(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isFinite(x) && Number.isFinite(y) && x !== y) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Position of a picture in the patient as a name that rounding does not change; null where it has none. */
function placeOf(picture: Picture): string | null {
  const position = numbersOf(holderOf(picture, '00200032', ['00209113']), '00200032');
  return position.length === 3 ? position.map((value) => Math.round(value * 50)).join(' ') : null;
}

function groupsBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

interface Timed {
  picture: Picture;
  place: string;
  time: string;
}

const distinct = (values: readonly string[]) => new Set(values).size === values.length;

/** Instants by a clock whose values are those of whole volumes, or, where each slice has its own, by their rank at each place. */
function instantsOf(timed: Timed[]): Timed[][] | null {
  const byTime = groupsBy(timed, ({ time }) => time);
  const exact = [...byTime].sort(([a], [b]) => compare(a, b)).map(([, group]) => group);
  const volumes = exact.every((group) => distinct(group.map(({ place }) => place)));
  if (exact.length > 1 && volumes && exact.length * 2 <= timed.length) return exact;
  const places = [...groupsBy(timed, ({ place }) => place).values()];
  const count = places[0]!.length;
  if (count < 2 || places.some((group) => group.length !== count || !distinct(group.map(({ time }) => time))))
    return null;
  for (const group of places) group.sort((a, b) => compare(a.time, b.time));
  return Array.from({ length: count }, (_, i) => places.map((group) => group[i]!));
}

function rounded(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? String(Number(number.toFixed(1))) : value;
}

function withClock(pictures: Picture[], places: string[], clock: Clock): Phases | null {
  const timed = pictures.map((picture, i) => {
    const holder = holderOf(picture, clock.tag, clock.macros);
    return { picture, place: places[i]!, time: textOf(holder, clock.tag) };
  });
  if (timed.some(({ time }) => time === '')) return null;
  const instants = instantsOf(timed);
  if (!instants) return null;
  const count = instants.length;
  if (clock.cardiac && count >= leastLoop && textOf(pictures[0]!.attributes, '00080060') !== 'CT') {
    const loops = [...groupsBy(instants.flat(), ({ place }) => place).values()];
    if (loops.length <= mostParts)
      return {
        kind: 'loop',
        parts: loops.map((loop, i) => ({
          pictures: loop.map(({ picture }) => picture),
          value: `${i + 1}/${loops.length}`,
        })),
      };
  }
  const all = instants.flat().map(({ picture }) => picture);
  if (count > mostParts) return { kind: 'various', parts: [{ pictures: all, value: 'various' }] };
  return {
    kind: 'phase',
    parts: instants.map((instant, i) => {
      const [first] = instant;
      const same = clock.unit !== '' && instant.every(({ time }) => time === first!.time);
      const detail = same ? `/${rounded(first!.time)} ${clock.unit}` : '';
      return { pictures: instant.map(({ picture }) => picture), value: `${i + 1}/${count}${detail}` };
    }),
  };
}

/**
 * Lays out pictures of one geometry of which several lie in one place: instants of a heartbeat or of a contrast's way, or
 * plain repetitions. Null where each has a place of its own, all have the same, or they have none.
 * @param pictures in the order of acquisition
 */
export function phasesOf(pictures: Picture[]): Phases | null {
  const found = pictures.map(placeOf);
  const places = found.filter((place) => place !== null);
  const count = new Set(places).size;
  if (places.length !== pictures.length || count === pictures.length || count < 2) return null;
  for (const clock of clocks) {
    const phases = withClock(pictures, places, clock);
    if (phases) return phases;
  }
  const at = [...groupsBy([...pictures.keys()], (i) => places[i]!).values()];
  const times = at[0]!.length;
  if (times > mostParts || at.some((members) => members.length !== times))
    return { kind: 'various', parts: [{ pictures, value: 'various' }] };
  return {
    kind: 'repetition',
    parts: Array.from({ length: times }, (_, k) => ({
      pictures: at.map((members) => pictures[members[k]!]!),
      value: `${k + 1}/${times}`,
    })),
  };
}
