import type { ScheduleFields } from '../../contract/ris.ts';
import type { PacsStudy } from './pacs-source.ts';

/** Words of a description that say nothing of the body. */
const EMPTY_WORDS = new Set([
  'and',
  'with',
  'without',
  'of',
  'the',
  'mit',
  'ohne',
  'und',
  'kontrolle',
  'followup',
  'scan',
]);
const MODALITY_SCORE = 4;
const WORD_SCORE = 2;
const MOST_WORDS = 2;

const wordsOf = (text: string) =>
  new Set(
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word.length > 2 && !EMPTY_WORDS.has(word)),
  );

/**
 * The earlier studies that matter most for an order: of the same modality first, then of the same part of the body as far as
 * descriptions say, then the newest; at most `limit`.
 */
export function choosePriors(
  order: Pick<ScheduleFields, 'modality' | 'description' | 'requestedProcedure' | 'studyInstanceUID'>,
  studies: readonly PacsStudy[],
  limit: number,
): PacsStudy[] {
  const wanted = wordsOf(`${order.description} ${order.requestedProcedure}`);
  const score = (study: PacsStudy) => {
    const words = [...wordsOf(study.description)].filter((word) => wanted.has(word)).length;
    const sameModality = study.modalities.includes(order.modality) ? MODALITY_SCORE : 0;
    return sameModality + Math.min(words, MOST_WORDS) * WORD_SCORE;
  };
  return studies
    .filter(({ studyInstanceUID }) => studyInstanceUID !== order.studyInstanceUID)
    .map((study) => ({ study, score: score(study) }))
    .sort((a, b) => b.score - a.score || (a.study.studyDate < b.study.studyDate ? 1 : -1))
    .slice(0, limit)
    .map(({ study }) => study);
}
