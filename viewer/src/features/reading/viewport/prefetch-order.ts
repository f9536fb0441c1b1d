import type { Picture } from '../study/study-model.ts';

/**
 * What is likely to be wanted next, first things first: the pictures ahead, one behind for every three of them, then the rest.
 * @param direction 1 or -1: which way the reader scrolls
 * @param loops a film: after the last picture comes the first, and none behind is wanted
 */
export function prefetchOrder(
  pictures: readonly Picture[],
  index: number,
  direction: number,
  loops = false,
): Picture[] {
  const { length } = pictures;
  if (loops) return [...pictures.slice(index + 1), ...pictures.slice(0, index)];
  const near: Picture[] = [];
  for (let distance = 1; distance < length; distance += 1) {
    const ahead = pictures[index + distance * direction];
    if (ahead) near.push(ahead);
    const behind = distance % 3 === 0 && pictures[index - (distance / 3) * direction];
    if (behind) near.push(behind);
  }
  for (let distance = Math.floor(length / 3); distance < length; distance += 1) {
    const behind = pictures[index - distance * direction];
    if (behind) near.push(behind);
  }
  return near;
}
