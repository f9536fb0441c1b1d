import { textOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { dot, planeOf } from '../study/plane.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';

/** Words of a description; numbers count too, for they tell series apart. */
function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** Share of common words, 0 to 1; 0 where one has none. */
function likeness(a: string, b: string): number {
  const [one, two] = [wordsOf(a), wordsOf(b)];
  if (one.size === 0 || two.size === 0) return 0;
  let common = 0;
  for (const word of one) if (two.has(word)) common += 1;
  return common / Math.max(one.size, two.size);
}

/** 1 where both say the same, -1 where they contradict each other, 0 where one is silent. */
function agreement(a: string, b: string): number {
  if (!a || !b) return 0;
  return a.toUpperCase() === b.toUpperCase() ? 1 : -1;
}

/**
 * How well a stack compares with another: modality (a must), orientation, laterality and view, body part, scout or not,
 * description, number of images and contrast. The greater the better; -Infinity: not comparable.
 */
export function comparability(a: Stack, b: Stack): number {
  if (a.modality !== b.modality) return Number.NEGATIVE_INFINITY;
  const [one, two] = [a.pictures[0]!, b.pictures[0]!];
  const [first, second] = [frameAttributesOf(one), frameAttributesOf(two)];
  const agree = (tag: string) => agreement(textOf(first, tag), textOf(second, tag));
  let score = 0;
  const [plane, other] = [planeOf(one), planeOf(two)];
  if (plane && other) score += Math.abs(dot(plane.normal, other.normal)) > 0.9 ? 4 : -4;
  else if (plane || other) score -= 4;
  score += 5 * (agree('00200062') || agree('00200060'));
  score += 4 * agree('00185101');
  score += 3 * agree('00180015');
  const scout = (stack: Stack) => /LOCALIZER/i.test(JSON.stringify(stack.pictures[0]!.attributes['00080008'] ?? ''));
  if (scout(a) !== scout(b)) score -= 8;
  score += 4 * likeness(a.description, b.description);
  if (a.multiFrame !== b.multiFrame) score -= 1;
  const [few, many] = [a.pictures.length, b.pictures.length].sort((p, q) => p - q) as [number, number];
  score += 2 * (few / many);
  score += agreement(textOf(first, '00180010'), textOf(second, '00180010'));
  score += agree('00181210');
  return score;
}

/** The stack of another study that compares best with `stack`; null where none has its modality. */
export function bestMatch(stack: Stack, model: StudyModel): Stack | null {
  let best: Stack | null = null;
  let most = Number.NEGATIVE_INFINITY;
  for (const candidate of model.stacks) {
    const score = comparability(stack, candidate);
    if (score > most) [best, most] = [candidate, score];
  }
  return best;
}
