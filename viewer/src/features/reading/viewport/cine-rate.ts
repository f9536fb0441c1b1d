import { numberOf, numbersOf } from '../study/dicom-json.ts';
import type { Picture } from '../study/study-model.ts';

const fallback = 15;

export interface CineRate {
  /** Frames a second, 1 to 60. */
  rate: number;
  /** False where the object does not say and the rate is ours. */
  told: boolean;
}

/**
 * Frames a second as the object says (PS3.3 C.7.6.5): Recommended Display Frame Rate, Frame Time (ms), Cine Rate, or the
 * mean of Frame Time Vector (its first value is the time before the first frame).
 */
export function cineRateOf(picture: Picture): CineRate {
  const { attributes } = picture;
  const recommended = numberOf(attributes, '00082144');
  const frameTime = numberOf(attributes, '00181063');
  const cineRate = numberOf(attributes, '00180040');
  const vector = numbersOf(attributes, '00181065').slice(1);
  const mean = vector.length > 0 ? vector.reduce((sum, ms) => sum + ms, 0) / vector.length : 0;
  const rate = recommended || (frameTime ? 1000 / frameTime : 0) || cineRate || (mean ? 1000 / mean : 0) || 0;
  return rate > 0 ? { rate: Math.min(60, Math.max(1, rate)), told: true } : { rate: fallback, told: false };
}
