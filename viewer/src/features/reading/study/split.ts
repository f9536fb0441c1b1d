import { numberOf, numbersOf, textOf, textsOf } from './dicom-json.ts';
import { frameTypeMacros, holderOf } from './frame-value.ts';
import { phasesOf } from './phases.ts';
import type { Picture } from './study-model.ts';

/** In what the parts of a series differ. */
export type Difference =
  | 'plane'
  | 'scout'
  | 'frameOfReference'
  | 'size'
  | 'orientation'
  | 'spacing'
  | 'thickness'
  | 'echo'
  | 'bValue'
  | 'frameType'
  | 'biplane'
  | 'phase'
  | 'loop'
  | 'repetition';

/** What sets a part of a series apart: in words of messages.en.ts. */
export interface PartTrait {
  difference: Difference;
  /** Of this part; '' where it has none, 'various' where its pictures differ among themselves. */
  value: string;
}

/** Pictures of one geometry and one contrast. */
export interface Part {
  /** The same whenever the series is laid out again. */
  key: string;
  pictures: Picture[];
  /** Empty when the series is whole and one volume. */
  traits: PartTrait[];
}

/** What pictures of one place at several times are told apart by, once all else is the same. */
type Temporal = 'biplane' | 'phase' | 'loop' | 'repetition';
type Static = Exclude<Difference, Temporal>;

const differences: Static[] = [
  'scout',
  'plane',
  'frameOfReference',
  'size',
  'orientation',
  'spacing',
  'thickness',
  'echo',
  'bValue',
  'frameType',
];

/** What makes a volume impossible when it differs from picture to picture. */
const geometry: Static[] = ['frameOfReference', 'size', 'orientation', 'spacing'];

type Vector = [number, number, number];

/** Row and column direction of a picture, or null when it has no plane in the patient. */
function cosinesOf(picture: Picture): number[] | null {
  const cosines = numbersOf(holderOf(picture, '00200037', ['00209116']), '00200037');
  const position = numbersOf(holderOf(picture, '00200032', ['00209113']), '00200032');
  return cosines.length === 6 && position.length === 3 ? cosines : null;
}

/** Normal of a plane. */
export function normalOf(cosines: number[]): Vector {
  const [rx, ry, rz, cx, cy, cz] = cosines as [number, number, number, number, number, number];
  return [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
}

/** Name of a plane by the axis of the patient that its normal is nearest to. */
function planeName(cosines: number[]): string {
  const [x, y, z] = normalOf(cosines).map(Math.abs) as Vector;
  const greatest = Math.max(x, y, z);
  const name = greatest === z ? 'axial' : greatest === y ? 'coronal' : 'sagittal';
  return greatest > 0.98 ? name : `oblique ${name}`;
}

function frameTypeOf(picture: Picture): string[] {
  const holder = holderOf(picture, '00089007', frameTypeMacros);
  const type = textsOf(holder, '00089007');
  return (type.length > 0 ? type : textsOf(picture.attributes, '00080008')).map((value) => value.toUpperCase());
}

function rounded(value: number | undefined, digits: number): string {
  return value === undefined ? '' : String(Number(value.toFixed(digits)));
}

/** Gives alike values one name, that of the first of them. */
function clusters(alike: (a: number, b: number) => boolean, nameOf: (values: number[]) => string) {
  const known: { values: number[]; name: string }[] = [];
  return (values: number[]): string => {
    if (values.length === 0) return '';
    const found = known.find(
      (one) => one.values.length === values.length && one.values.every((value, i) => alike(value, values[i]!)),
    );
    if (found) return found.name;
    const name = nameOf(values);
    known.push({ values, name });
    return name;
  };
}

/** Reads what sets pictures apart; of each kind of number a little difference is none. */
function traitReader(): (picture: Picture) => Record<Static, string> {
  const relative = (part: number) => (a: number, b: number) =>
    Math.abs(a - b) <= part * Math.max(Math.abs(a), Math.abs(b));
  const numbers = (digits: number) => (values: number[]) => values.map((value) => rounded(value, digits)).join(' × ');
  const orientation = clusters(
    (a, b) => Math.abs(a - b) < 0.02,
    (cosines) => `${planeName(cosines)} ${cosines.map((value) => rounded(value, 2)).join(' ')}`,
  );
  const spacing = clusters(relative(0.002), numbers(3));
  const thickness = clusters(relative(0.01), numbers(2));
  const echoTime = clusters(relative(0.02), numbers(1));
  const bValue = clusters((a, b) => Math.abs(a - b) <= 1, numbers(0));
  return (picture) => {
    const { attributes } = picture;
    const cosines = cosinesOf(picture);
    const type = frameTypeOf(picture);
    const of = (tag: string, ...macros: string[]) => numbersOf(holderOf(picture, tag, macros), tag);
    const echo = of('00189082', '00189114');
    return {
      plane: cosines ? 'yes' : '',
      scout: type.includes('LOCALIZER') ? 'yes' : '',
      frameOfReference: cosines ? textOf(attributes, '00200052') : '',
      size: `${numberOf(attributes, '00280011')} × ${numberOf(attributes, '00280010')}`,
      orientation: orientation(cosines ?? []),
      spacing: spacing(of('00280030', '00289110')),
      thickness: thickness(of('00180050', '00289110')),
      echo: `${textOf(attributes, '00180086')}/${echoTime(echo.length > 0 ? echo : of('00180081'))}`,
      bValue: bValue(of('00189087', '00189117')),
      frameType: type.filter((value) => value !== 'LOCALIZER').join(' '),
    };
  };
}

/**
 * Values that single pictures have for themselves are no parts of a series: a radial scan turns from slice to slice. Where
 * there are more than three of them they become one part, 'various'.
 */
function gatherSingles(values: string[]): string[] {
  const count = new Map<string, number>();
  for (const value of values) count.set(value, (count.get(value) ?? 0) + 1);
  const singles = [...count.values()].filter((n) => n === 1).length;
  return singles > 3 ? values.map((value) => (count.get(value) === 1 ? 'various' : value)) : values;
}

/** Distance along the normal of the first, where no two lie in one place; in the order of acquisition, as the manifest's. */
function byPosition(pictures: Picture[]): Picture[] {
  const cosines = cosinesOf(pictures[0]!);
  if (!cosines || pictures.length < 2) return pictures;
  const normal = normalOf(cosines);
  const distances = pictures.map((picture) => {
    const position = numbersOf(holderOf(picture, '00200032', ['00209113']), '00200032');
    return normal.reduce((sum, value, i) => sum + value * (position[i] ?? Number.NaN), 0);
  });
  if (new Set(distances.map((distance) => Math.round(distance * 1000))).size !== pictures.length) return pictures;
  const order = pictures.map((_, i) => i).sort((i, j) => distances[i]! - distances[j]!);
  if (order.indexOf(0) > order.indexOf(pictures.length - 1)) order.reverse();
  return order.map((i) => pictures[i]!);
}

/** Words of an image type that not all parts share. */
function ownWords(value: string, all: string[]): string {
  const words = value.split(' ').filter((word) => !all.every((other) => other.split(' ').includes(word)));
  return words.join(' ');
}

/** Of projections taken by two tubes at once (PS3.3 C.8.7.1.1.1), those of each tube for themselves; null for all others. */
function biplaneParts(pictures: Picture[]): Part[] | null {
  const tubes = pictures.map((picture) => /^BIPLANE ([AB])$/.exec(frameTypeOf(picture)[2] ?? '')?.[1]);
  if (tubes.every((tube) => tube === undefined)) return null;
  return [...new Set(tubes)].map((tube) => ({
    key: `biplane ${tube ?? ''}`,
    pictures: pictures.filter((_, i) => tubes[i] === tube),
    traits: [{ difference: 'biplane', value: tube ?? '' }],
  }));
}

/**
 * Splits the pictures of a series, or the frames of an object, into parts that may be scrolled through and thought of as one:
 * one orientation, grid and frame of reference, one echo, b-value and frame type, scouts apart. Pictures without a plane in
 * the patient (ultrasound, projections) are no volume anyway and stay together.
 */
export function splitPictures(pictures: Picture[]): Part[] {
  const planes = biplaneParts(pictures);
  if (planes) return planes;
  const traits = pictures.map(traitReader());
  if (traits.every(({ plane, scout }) => plane === '' && scout === traits[0]!.scout))
    return [{ key: '', pictures, traits: [] }];
  const columns = new Map(
    differences.map((difference) => [difference, gatherSingles(traits.map((trait) => trait[difference]))]),
  );
  const varying = differences.filter((difference) => new Set(columns.get(difference)).size > 1);
  const groups = new Map<string, number[]>();
  for (let i = 0; i < pictures.length; i += 1) {
    const key = varying.map((difference) => columns.get(difference)![i]).join('|');
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  const named = groups.size > 1 ? varying : geometry.filter((difference) => columns.get(difference)![0] === 'various');
  return [...groups.values()].flatMap((members) => {
    const at = members[0]!;
    const own = members.map((i) => pictures[i]!);
    const part: Part = {
      key: differences.map((difference) => columns.get(difference)![at]).join('|'),
      pictures: groups.size > 1 ? byPosition(own) : own,
      traits: named.map((difference) => ({
        difference,
        value:
          difference === 'frameType'
            ? ownWords(columns.get(difference)![at]!, columns.get(difference)!)
            : columns.get(difference)![at]!,
      })),
    };
    return inTime(part, own);
  });
}

/** Parts a part once more where several of its pictures lie in one place. @param acquired its pictures as they were acquired */
function inTime(part: Part, acquired: Picture[]): Part[] {
  if (part.traits.some(({ value }) => value === 'various')) return [part];
  const phases = phasesOf(acquired);
  if (!phases) return [part];
  const difference = phases.kind === 'various' ? 'phase' : phases.kind;
  return phases.parts.map(({ pictures, value }) => ({
    key: phases.kind === 'various' ? part.key : `${part.key}|${difference} ${value.split('/')[0]}`,
    pictures: difference === 'loop' || value === 'various' ? pictures : byPosition(pictures),
    traits: [...part.traits, { difference, value }],
  }));
}
