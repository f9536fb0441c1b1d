import { queryString } from '../../shared/api/client.ts';

/** What the worklist is asked for; lives in the page's address so that it can be bookmarked and the back button works. */
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

export function filtersFrom(query: URLSearchParams): Filters {
  return {
    search: query.get('search') ?? '',
    from: query.get('from') ?? '',
    to: query.get('to') ?? '',
    modality: query.get('modality') ?? '',
    ae: query.get('ae') ?? '',
    conflicts: query.get('conflicts') === '1',
    sort: query.get('sort') ?? DEFAULT_SORT,
    offset: Math.max(0, Number(query.get('offset')) || 0),
  };
}

/** Query string of the page's own address. */
export function addressOf(filters: Filters): string {
  return `./${queryString({
    ...filters,
    sort: filters.sort === DEFAULT_SORT ? '' : filters.sort,
    offset: filters.offset || '',
  })}`;
}

/** Query string of the API call. */
export function apiQuery(filters: Filters): string {
  return queryString({ ...filters, limit: PAGE_SIZE });
}

/** Local date as DA, `days` before `now`. */
export function daysAgo(days: number, now = new Date()): string {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
}
