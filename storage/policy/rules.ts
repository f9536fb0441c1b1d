import { parseDocument } from 'yaml';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import type { InstanceEntry } from '../format/manifest.ts';
import { contentId } from '../merge.ts';

/** The words with which a rule lets go of images that the PACS has not been proven to hold. */
export const IN_SO_MANY_WORDS = 'yes, even if this is the only copy in the world';

const rule = z.strictObject({
  name: z.string().min(1),
  /** Counted from the study's date and from the last image received, whichever is later. */
  olderThanDays: z.number().int().min(1),
  /** Every series of the study is of one of these; absent: any. */
  modalities: z.array(z.string().min(1)).min(1).optional(),
  removeWithoutProof: z.literal(IN_SO_MANY_WORDS).optional(),
});

const rules = z.strictObject({ rules: z.array(rule) });

/** When a study may go. */
export type RetentionRule = z.infer<typeof rule>;

/** @throws CONFIG_INVALID with one sentence that says what is wrong */
export function parseRules(text: string, file: string): RetentionRule[] {
  const document = parseDocument(text);
  if (document.errors[0])
    throw new LifeboatError(
      'CONFIG_INVALID',
      `${file} is not valid YAML: ${document.errors[0].message.split('\n')[0]}`,
    );
  const parsed = rules.safeParse(document.toJS() ?? { rules: [] });
  if (parsed.success) return parsed.data.rules;
  const { path, message } = parsed.error.issues[0]!;
  const words = path.at(-1) === 'removeWithoutProof' ? `it must say "${IN_SO_MANY_WORDS}", word for word` : message;
  throw new LifeboatError('CONFIG_INVALID', `${file}: ${path.join('.') || 'it'}: ${words}.`);
}

export type RuleVerdict =
  | { goes: true; rule: RetentionRule; because: string }
  /** A rule wants it to go and something forbids it. */
  | { goes: false; rule: RetentionRule; because: string }
  /** No rule is about it. */
  | { goes: false };

const DAY_MS = 86_400_000;

/**
 * What the rules say of a study. Nothing goes that the PACS has not been proven to hold, content by content, unless the rule says
 * so in as many words.
 */
export function judgeStudy(
  all: readonly RetentionRule[],
  entries: readonly InstanceEntry[],
  confirmed: ReadonlySet<string>,
  nowMs = Date.now(),
): RuleVerdict {
  const unproven = entries.filter((entry) => !confirmed.has(contentId(entry))).length;
  let kept: RuleVerdict = { goes: false };
  for (const one of all) {
    if (!isAbout(one, entries, nowMs)) continue;
    if (unproven === 0) return { goes: true, rule: one, because: 'the PACS has confirmed every image' };
    if (one.removeWithoutProof !== undefined)
      return {
        goes: true,
        rule: one,
        because: `the rule removes also what the PACS has not confirmed (${unproven} of ${entries.length} images)`,
      };
    if (!('rule' in kept))
      kept = { goes: false, rule: one, because: `the PACS has not confirmed ${unproven} of ${entries.length} images` };
  }
  return kept;
}

function isAbout(
  { olderThanDays, modalities }: RetentionRule,
  entries: readonly InstanceEntry[],
  nowMs: number,
): boolean {
  if (entries.length === 0 || youngestMs(entries) > nowMs - olderThanDays * DAY_MS) return false;
  return !modalities || entries.every((entry) => modalities.includes(textOf(entry, '00080060')));
}

/** The latest receipt, or the study's date where that is later. A date that cannot be read makes nothing older. */
function youngestMs(entries: readonly InstanceEntry[]): number {
  return Math.max(
    ...entries.map((entry) => {
      const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(textOf(entry, '00080020')) ?? [];
      const studied = year ? Date.UTC(Number(year), Number(month) - 1, Number(day)) : 0;
      return Math.max(Date.parse(entry.receivedAt), studied);
    }),
  );
}

function textOf(entry: InstanceEntry, tag: string): string {
  const value = entry.attributes[tag]?.Value?.[0];
  return typeof value === 'string' ? value : '';
}
