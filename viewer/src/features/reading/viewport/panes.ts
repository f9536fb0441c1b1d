import { firstPictureOf } from '../study/open-study.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import type { ViewportController } from './controller.ts';
import { bestMatch } from './match-series.ts';

/** Empties every pane, seen or not, that holds a study which is not among `uids`: nobody asked for that patient any more. */
export function closeOthers(panes: readonly ViewportController[], uids: readonly string[]): void {
  for (const pane of panes) if (pane.stack && !uids.includes(pane.stack.studyInstanceUID)) pane.open(null);
}

/** What of a study is seen first: the series that compares best with what is seen already, else its first image. */
function firstOf(model: StudyModel, beside: Stack | null | undefined): { stack: Stack; pictureId?: string } | null {
  const match = beside && beside.studyInstanceUID !== model.studyInstanceUID && bestMatch(beside, model);
  if (match) return { stack: match };
  const first = firstPictureOf(model);
  const stack = model.stacks.find((candidate) => first && candidate.pictures.includes(first));
  return stack ? { stack, pictureId: first?.id } : null;
}

/**
 * Opens studies when they first come in: the one named first in the first pane, the others beside it where a pane is empty.
 * @param placed studies that have had their pane; the reader decides about them. Added to.
 * @returns the last pane that was filled, or -1
 */
export function placeNew(
  panes: readonly ViewportController[],
  uids: readonly string[],
  models: readonly StudyModel[],
  placed: Set<string>,
): number {
  let last = -1;
  for (const uid of placed) if (!uids.includes(uid)) placed.delete(uid);
  for (const model of models) {
    if (placed.has(model.studyInstanceUID)) continue;
    const first = firstOf(model, panes[0]?.stack);
    if (!first) continue;
    placed.add(model.studyInstanceUID);
    const own = uids.indexOf(model.studyInstanceUID);
    const free = (pane: number) => panes[pane]?.stack === null;
    const place = free(own) ? own : panes.findIndex((_, i) => (i > 0 || own === 0) && free(i));
    if (place < 0) continue;
    panes[place]!.open(first.stack, first.pictureId);
    last = Math.max(last, place);
  }
  return last;
}

/** Puts stacks into the empty panes, each once: first of studies that no pane shows yet. */
export function fillEmpty(panes: readonly ViewportController[], models: readonly StudyModel[]): void {
  const used = new Set(panes.map((pane) => pane.stack?.id));
  const seen = new Set(panes.map((pane) => pane.stack?.studyInstanceUID));
  const stacks = models.flatMap((model) => model.stacks);
  for (const pane of panes) {
    if (pane.stack) continue;
    const free = stacks.filter((stack) => !used.has(stack.id));
    const next = free.find((stack) => !seen.has(stack.studyInstanceUID)) ?? free[0];
    if (!next) return;
    used.add(next.id);
    seen.add(next.studyInstanceUID);
    pane.open(next);
  }
}

/** Gives every pane the newest state of the stack it holds. */
export function updateStacks(panes: readonly ViewportController[], models: readonly StudyModel[]): void {
  const stacks = models.flatMap((model) => model.stacks);
  for (const pane of panes) {
    const { stack } = pane;
    if (!stack || stacks.includes(stack)) continue;
    const sop = pane.picture?.instance.sopInstanceUID;
    const newer =
      stacks.find((candidate) => candidate.id === stack.id) ??
      stacks.find(
        (candidate) =>
          candidate.studyInstanceUID === stack.studyInstanceUID &&
          candidate.seriesInstanceUID === stack.seriesInstanceUID &&
          candidate.pictures.some((picture) => picture.instance.sopInstanceUID === sop),
      );
    if (newer) pane.replaceStack(newer);
  }
}
