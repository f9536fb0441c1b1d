/**
 * How people like to read: layouts by kind of study, keys. A person's own are kept under their account; an administrator sets
 * those of the site. Checked alike by the router and, before it is sent, by the viewer.
 */
import { z } from 'zod';

const text = z.string().trim().min(1).max(100);
const seriesWish = z.strictObject({
  modality: text.optional(),
  description: text.optional(),
  bodyPart: text.optional(),
  laterality: z.enum(['R', 'L', 'B']).optional(),
  /** View Position: CC, MLO, PA, LL… */
  view: text.optional(),
  plane: z.enum(['axial', 'coronal', 'sagittal']).optional(),
});
const paneRule = z.strictObject({
  study: z.enum(['current', 'prior']),
  /** The series that compares best with the one of this pane (from 1). */
  like: z.int().min(1).max(16).optional(),
  /** Wishes, the best first; a later one counts where nothing meets an earlier one. */
  series: z.array(seriesWish).max(20).optional(),
});
const count = z.enum(['1', '2', '3', '4']);
const hangingProtocol = z.strictObject({
  name: text,
  /** Modalities; absent: any. */
  modality: z.array(text).max(50).optional(),
  /** Part of Body Part Examined or of the study's description; absent: any. */
  bodyPart: text.optional(),
  /** With another study open beside it, or without; absent: either. */
  prior: z.boolean().optional(),
  /** Rows, `x`, columns. */
  layout: z.templateLiteral([count, 'x', count]),
  /** From the first pane on; panes without a rule take the next series, where there is one. */
  panes: z.array(paneRule).max(16).optional(),
  links: z.array(z.enum(['scroll', 'zoom', 'window'])).optional(),
});

export const hangingProtocols = z.array(hangingProtocol).max(200);
export const preferences = z.strictObject({
  /** The first protocol that fits a study is taken. */
  hanging: hangingProtocols.optional(),
  /** Keys by what they do; those that are not in it are the standard ones. */
  keys: z.record(z.string().max(40), z.string().min(1).max(20)).optional(),
  /** Lossless renditions instead of the objects themselves; absent and 'auto': where the line is so slow that it helps. */
  renditions: z.enum(['auto', 'always', 'never']).optional(),
});

/** Which series a pane wants; every value that is given must be met. Texts are parts of words, case does not matter. */
export type SeriesWish = z.output<typeof seriesWish>;
export type PaneRule = z.output<typeof paneRule>;
/** How studies are laid out. */
export type HangingProtocol = z.output<typeof hangingProtocol>;
export type Preferences = z.output<typeof preferences>;

/** GET /api/preferences, and in the page of whoever reads. */
export interface PreferencesAnswer {
  own: Preferences;
  site: Preferences;
}
