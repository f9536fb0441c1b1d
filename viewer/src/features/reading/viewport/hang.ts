import type { HangingProtocol, PaneRule } from '../../../../../contract/preferences.ts';
import { textOf } from '../study/dicom-json.ts';
import type { Stack, StudyModel } from '../study/study-model.ts';
import type { ViewportController } from './controller.ts';
import { wishedFor } from './hanging.ts';
import { panesOf } from './layouts.ts';
import { bestMatch } from './match-series.ts';
import { fillEmpty } from './panes.ts';

/** The study to compare with: the newest of the others. */
export function priorAmong(models: readonly StudyModel[]): StudyModel | undefined {
  const dateOf = (model: StudyModel) => textOf(model.attributes, '00080020') + textOf(model.attributes, '00080030');
  return models.slice(1).toSorted((a, b) => dateOf(b).localeCompare(dateOf(a)))[0];
}

function stackFor(
  rule: PaneRule,
  panes: readonly ViewportController[],
  models: readonly StudyModel[],
  used: ReadonlySet<string>,
): Stack | undefined {
  const model = rule.study === 'prior' ? priorAmong(models) : models[0];
  if (!model) return undefined;
  const like = rule.like === undefined ? null : panes[rule.like - 1]?.stack;
  if (like) return bestMatch(like, model) ?? undefined;
  if (rule.series) return wishedFor(model, rule.series, used);
  return model.stacks.find((stack) => !used.has(stack.id));
}

/**
 * Puts series into panes as a protocol says.
 * @param untouched panes that may be filled anew; of the others only empty ones are filled
 */
export function hang(
  protocol: HangingProtocol,
  panes: readonly ViewportController[],
  models: readonly StudyModel[],
  untouched: (pane: ViewportController) => boolean,
): void {
  const seen = panes.slice(0, panesOf(protocol.layout));
  const used = new Set<string>();
  for (const [i, rule] of (protocol.panes ?? []).entries()) {
    const pane = seen[i];
    if (!pane) break;
    if (pane.stack && !untouched(pane)) {
      used.add(pane.stack.id);
      continue;
    }
    // Any series of the study will do: what is there, the first image, stays.
    const anyOfIt = !rule.series && rule.like === undefined;
    const wanted = rule.study === 'prior' ? priorAmong(models) : models[0];
    if (anyOfIt && pane.stack && pane.stack.studyInstanceUID === wanted?.studyInstanceUID) {
      used.add(pane.stack.id);
      continue;
    }
    const stack = stackFor(rule, seen, models, used) ?? (rule.series ? undefined : pane.stack);
    if (stack) used.add(stack.id);
    if (stack !== pane.stack && (stack || rule.series)) pane.open(stack ?? null);
  }
  if (!protocol.panes) fillEmpty(seen, models);
}
