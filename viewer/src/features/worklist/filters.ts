import type { WorklistQuery } from '../../../../contract/api.ts';

/**
 * What the worklist is asked for. It lives in the browser's history entry, not in the address: reload and the back button
 * keep it, and no name or patient ID gets into history, bookmarks or the logs of proxies.
 */
export interface Filters {
  search: string;
  /** YYYYMMDD or empty. */
  from: string;
  to: string;
  modality: string;
  ae: string;
  conflicts: boolean;
  sort: string;
  offset: number;
}

export const PAGE_SIZE = 50;
export const DEFAULT_SORT = '-studyDate';

const NONE: Filters = {
  search: '',
  from: '',
  to: '',
  modality: '',
  ae: '',
  conflicts: false,
  sort: DEFAULT_SORT,
  offset: 0,
};

/** Nothing searched for and nothing filtered; sorting is kept. */
export const CLEARED: Partial<Filters> = { search: '', from: '', to: '', modality: '', ae: '', conflicts: false };

/** Whether anything but the words searched for narrows the list. */
export function narrowed({ from, to, modality, ae, conflicts }: Filters): boolean {
  return Boolean(from || to || modality || ae || conflicts);
}

/** @param state of the history entry: whatever another version or page has left there */
export function filtersFrom(state: unknown): Filters {
  const kept = (state as { worklist?: Partial<Record<keyof Filters, unknown>> } | null)?.worklist ?? {};
  const filters = { ...NONE };
  for (const name of ['search', 'from', 'to', 'modality', 'ae', 'sort'] as const)
    if (typeof kept[name] === 'string') filters[name] = kept[name];
  filters.conflicts = kept.conflicts === true;
  filters.offset = typeof kept.offset === 'number' && kept.offset > 0 ? kept.offset : 0;
  return filters;
}

/** State of the history entry. */
export function stateOf(filters: Filters): { worklist: Filters } {
  return { worklist: filters };
}

/** Body of the API call. */
export function apiQuery({ search, from, to, modality, ae, conflicts, sort, offset }: Filters): WorklistQuery {
  return {
    ...(search && { search }),
    ...(from && { from }),
    ...(to && { to }),
    ...(modality && { modality }),
    ...(ae && { ae }),
    ...(conflicts && { conflicts: true }),
    sort,
    limit: PAGE_SIZE,
    offset,
  };
}

/** Local date as DA, `days` before `now`. */
export function daysAgo(days: number, now = new Date()): string {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
}
