import type { HangingProtocol, PaneRule, SeriesWish } from '../../../../../contract/preferences.ts';
import { preference } from '../../../shared/preferences.ts';
import { numbersOf, textOf, textsOf } from '../study/dicom-json.ts';
import { normalOf } from '../study/split.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import { layoutFor } from './layouts.ts';

const mammogram = (laterality: 'R' | 'L', view: string): PaneRule => ({
  study: 'current',
  series: [{ laterality, view }],
});
const beside: PaneRule[] = [{ study: 'current' }, { study: 'prior', like: 1 }];

/** What holds where nobody has made a table. */
export const defaultProtocols: readonly HangingProtocol[] = [
  {
    name: 'Mammography, four views',
    modality: ['MG'],
    prior: false,
    layout: '2x2',
    panes: [mammogram('R', 'CC'), mammogram('L', 'CC'), mammogram('R', 'ML'), mammogram('L', 'ML')],
    links: ['window'],
  },
  { name: 'Beside the prior', prior: true, layout: '1x2', panes: beside },
];

/** The table in force: the person's own, the site's, or the standard. */
export function protocolTable(): readonly HangingProtocol[] {
  return preference('hanging') ?? defaultProtocols;
}

function has(text: string, part: string | undefined): boolean {
  return part === undefined || text.toLowerCase().includes(part.toLowerCase());
}

/** The protocol for a study that is opened together with `studies - 1` others. */
export function protocolFor(model: StudyModel | undefined, studies: number): HangingProtocol {
  const picture = model?.stacks[0]?.pictures[0];
  const fallback: HangingProtocol = { name: '', layout: layoutFor(studies) };
  if (!picture || studies > 2) return fallback;
  const modality = textOf(picture.attributes, '00080060');
  const part = `${textOf(picture.attributes, '00180015')} ${textOf(picture.attributes, '00081030')}`;
  const fits = (protocol: HangingProtocol) =>
    (!protocol.modality || protocol.modality.includes(modality)) &&
    has(part, protocol.bodyPart) &&
    (protocol.prior === undefined || protocol.prior === studies > 1);
  return protocolTable().find(fits) ?? fallback;
}

function planeNameOf(stack: Stack): string {
  const cosines = numbersOf(stack.pictures[0]!.attributes, '00200037');
  if (cosines.length !== 6) return '';
  const [x, y, z] = normalOf(cosines).map(Math.abs) as [number, number, number];
  return z >= x && z >= y ? 'axial' : y >= x ? 'coronal' : 'sagittal';
}

function meets(stack: Stack, wish: SeriesWish): boolean {
  const { attributes } = stack.pictures[0]!;
  const laterality = textOf(attributes, '00200062') || textOf(attributes, '00200060');
  return (
    (!wish.modality || stack.modality === wish.modality) &&
    has(stack.description, wish.description) &&
    has(textOf(attributes, '00180015'), wish.bodyPart) &&
    (!wish.laterality || laterality === wish.laterality) &&
    (!wish.view || textsOf(attributes, '00185101').join(' ').toUpperCase().startsWith(wish.view.toUpperCase())) &&
    (!wish.plane || planeNameOf(stack) === wish.plane)
  );
}

/** The stack of a study that meets the first wish that any meets; undefined where none does. */
export function wishedFor(
  model: StudyModel,
  wishes: readonly SeriesWish[],
  used: ReadonlySet<string>,
): Stack | undefined {
  for (const wish of wishes) {
    const found = model.stacks.find((stack) => !used.has(stack.id) && meets(stack, wish));
    if (found) return found;
  }
  return undefined;
}
