import express, { type RequestHandler, type Router } from 'express';

interface Recorded {
  routes: { path: unknown; methods: () => string[] }[];
  mounts: { path: string; child: object }[];
  /** Paths at which plain functions are mounted. */
  functions: string[];
}

type Handler = RequestHandler & { stack?: unknown };
interface RouteLike {
  methods: Record<string, boolean>;
}

const recorded = new Map<object, Recorded>();

function of(router: object): Recorded {
  const found = recorded.get(router) ?? { routes: [], mounts: [], functions: [] };
  recorded.set(router, found);
  return found;
}

/** From now on every router of express remembers what is mounted where; express itself keeps only matchers. */
export function recordRoutes(): void {
  const prototype = (express.Router as unknown as { prototype: Router }).prototype as unknown as {
    use(...args: unknown[]): unknown;
    route(path: unknown): RouteLike;
  };
  const { use, route } = prototype;
  prototype.use = function (this: object, ...args: unknown[]) {
    const flat = args.flat(9);
    const paths = flat.filter((arg): arg is string => typeof arg === 'string');
    for (const path of paths.length > 0 ? paths : ['/']) {
      for (const handler of flat.filter((arg): arg is Handler => typeof arg === 'function')) {
        if (Array.isArray(handler.stack)) of(this).mounts.push({ path, child: handler });
        else of(this).functions.push(path);
      }
    }
    return use.apply(this, args);
  };
  prototype.route = function (this: object, path: unknown) {
    const made = route.call(this, path);
    of(this).routes.push({
      path,
      methods: () => Object.keys(made.methods).map((method) => (method === '_all' ? 'ALL' : method.toUpperCase())),
    });
    return made;
  };
}

const join = (prefix: string, path: string) => `${prefix}${path === '/' ? '' : path}` || '/';

/** `GET /api/users` for every route of every application made since `recordRoutes`, and where functions are mounted. */
export function recordedRoutes(): { routes: string[]; functions: string[] } {
  const children = new Set([...recorded.values()].flatMap(({ mounts }) => mounts.map(({ child }) => child)));
  const routes = new Set<string>();
  const functions = new Set<string>();
  const walk = (router: object, prefix: string) => {
    const { routes: own, mounts, functions: mounted } = of(router);
    for (const { path, methods } of own)
      for (const one of [path].flat())
        for (const method of methods()) routes.add(`${method} ${join(prefix, String(one))}`);
    for (const path of mounted) functions.add(join(prefix, path));
    for (const { path, child } of mounts) walk(child, join(prefix, path).replace(/^\/$/, ''));
  };
  for (const router of recorded.keys()) if (!children.has(router)) walk(router, '');
  return { routes: [...routes].sort(), functions: [...functions].sort() };
}
