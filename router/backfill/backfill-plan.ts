import { z } from 'zod';
import type { BackfillPlan } from '../../contract/backfill.ts';
import { LifeboatError } from '../../contract/errors.ts';
import { dayOf } from '../worklist/worklist-store.ts';

/** More days than that are a typing error. */
const MOST_DAYS = 60 * 366;
const DEFAULT_YEARS = 10;

const day = z
  .string()
  .regex(/^\d{4}-?\d{2}-?\d{2}$/, 'is no date')
  .transform((text) => text.replaceAll('-', ''));
const time = '([01]\\d|2[0-3]):[0-5]\\d';
const given = z.strictObject({
  via: z.enum(['dimse', 'get', 'web', 'folder']).optional(),
  from: day.optional(),
  to: day.optional(),
  modalities: z
    .array(z.string().regex(/^[A-Z0-9]{1,16}$/, 'is no modality like CT'))
    .max(50)
    .optional(),
  order: z.enum(['newest', 'oldest', 'modality']).optional(),
  window: z
    .string()
    .regex(new RegExp(`^(${time}-${time})?$`), 'is not of the form 22:00-06:00')
    .optional(),
  rate: z.number().min(0).max(100_000).optional(),
  parallel: z.number().int().min(1).max(8).optional(),
  folder: z.string().startsWith('/', 'is no absolute path').optional(),
});

/** A plan from what somebody gave; the rest is sensible. @throws BAD_REQUEST naming what is wrong */
export function planOf(input: unknown, sources: readonly BackfillPlan['via'][]): BackfillPlan {
  const parsed = given.safeParse(input);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new LifeboatError('BAD_REQUEST', `${path.join('.')}: ${message}.`);
  }
  const { via = parsed.data.folder ? 'folder' : sources[0], ...rest } = parsed.data;
  if (!via || !sources.includes(via))
    throw new LifeboatError(
      'BAD_REQUEST',
      via === 'web'
        ? 'LIFEBOAT_PACS_DICOMWEB is missing; it is needed to fetch over DICOMweb.'
        : 'LIFEBOAT_PACS is missing; nothing can be fetched without a PACS.',
    );
  if (via === 'folder' && !rest.folder) throw new LifeboatError('BAD_REQUEST', 'folder: is missing.');
  const now = new Date();
  const to = rest.to ?? dayOf(now);
  const from = rest.from ?? dayOf(new Date(now.getFullYear() - DEFAULT_YEARS, now.getMonth(), now.getDate()));
  const plan: BackfillPlan = {
    via,
    from,
    to,
    modalities: [...new Set(rest.modalities ?? [])],
    order: rest.order ?? 'newest',
    window: rest.window ?? '',
    rate: rest.rate ?? 0,
    parallel: rest.parallel ?? 2,
    ...(via === 'folder' && { folder: rest.folder }),
  };
  if (from > to) throw new LifeboatError('BAD_REQUEST', 'The first day is after the last one.');
  if (via !== 'folder' && daysOf(plan).length > MOST_DAYS)
    throw new LifeboatError('BAD_REQUEST', 'That is more than 60 years; give a later first day.');
  return plan;
}

/** Days of a plan, oldest first. */
export function daysOf({ from, to }: Pick<BackfillPlan, 'from' | 'to'>): string[] {
  const days: string[] = [];
  const at = new Date(Number(from.slice(0, 4)), Number(from.slice(4, 6)) - 1, Number(from.slice(6)), 12);
  for (let day = dayOf(at); day <= to && days.length <= MOST_DAYS; day = dayOf(at)) {
    days.push(day);
    at.setDate(at.getDate() + 1);
  }
  return days;
}

/** What is asked of the PACS, in the plan's order. */
export function slicesOf(plan: BackfillPlan): { day: string; modality: string }[] {
  const days = plan.order === 'oldest' ? daysOf(plan) : daysOf(plan).reverse();
  const modalities = plan.modalities.length > 0 ? plan.modalities : [''];
  if (plan.order === 'modality') return modalities.flatMap((modality) => days.map((day) => ({ day, modality })));
  return days.flatMap((day) => modalities.map((modality) => ({ day, modality })));
}

/** Minutes from now until a window `22:00-06:00` opens, local time; 0 within it. */
export function minutesUntil(window: string, now: Date): number {
  if (window === '') return 0;
  const [from, to] = window.split('-').map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));
  const at = now.getHours() * 60 + now.getMinutes();
  const inside = from! <= to! ? at >= from! && at < to! : at >= from! || at < to!;
  if (inside || from === to) return 0;
  return (from! - at + 1440) % 1440;
}

/** Part of a day that a window is open, 0 to 1. */
export function shareOfDay(window: string): number {
  if (window === '') return 1;
  const [from, to] = window.split('-').map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));
  return from === to ? 1 : ((to! - from! + 1440) % 1440) / 1440;
}
