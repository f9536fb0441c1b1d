import type { ObjectInfo } from './object-store.ts';

/** Groups a list in key order by `<hh>/<study>/`. */
export async function* byStudy(
  list: AsyncIterable<ObjectInfo>,
  prefix: string,
): AsyncGenerator<{ path: string; items: ObjectInfo[] }, undefined> {
  let group: { path: string; items: ObjectInfo[] } | null = null;
  for await (const info of list) {
    const path = `${info.key.slice(prefix.length).split('/', 2).join('/')}/`;
    if (group && group.path !== path) {
      yield group;
      group = null;
    }
    group ??= { path, items: [] };
    group.items.push(info);
  }
  if (group) yield group;
}
