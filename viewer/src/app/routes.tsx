import { type ComponentType, lazy } from 'react';

/**
 * Pages by convention: a feature's `page.tsx` exports its page as default. The name of the folder is the path segment;
 * the worklist is the root and reading is `viewer`, or what IHE calls it (RAD-106).
 */
const modules = import.meta.glob<{ default: ComponentType }>('../features/*/page.tsx');
const folderOf: Record<string, string> = { '': 'worklist', viewer: 'reading', IHEInvokeImageDisplay: 'reading' };
const pages = new Map(
  Object.entries(modules).map(([path, load]) => [/features\/([^/]+)\//.exec(path)![1]!, lazy(load)]),
);

/** The page for a path segment, or undefined when there is none. */
export function pageFor(segment: string): ComponentType | undefined {
  const folder = folderOf[segment] ?? segment;
  return folder === 'worklist' && segment !== '' ? undefined : pages.get(folder);
}
