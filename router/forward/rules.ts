import { DISPLAY_ATTRIBUTES, type Selection } from '../../storage/format/display-attributes.ts';
import type { DicomJson, DicomJsonElement, InstanceEntry } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import { PRIORITIES, type Priority, type TagChange } from './forward-types.ts';
import type { AttributeCondition, Routes, Rule } from './routes.ts';

/** One way out of an instance. */
export interface Route {
  destination: string;
  priority: Priority;
  changes: TagChange[];
  /** Names of the rules that led there; empty: it goes there without a rule. */
  rules: string[];
}

/** Everything an instance has, read when a rule asks for more than its manifest entry knows. */
export type ReadAll = (entry: InstanceEntry) => Promise<DicomJson>;

/**
 * Where an instance goes: to every destination in `always`, and as the rules say (without rules: to every destination of the
 * file). Rules that name one destination add up: changes in their order, the most urgent priority.
 */
export async function routesOf(
  entry: InstanceEntry,
  routes: Routes,
  always: readonly string[],
  readAll: ReadAll,
): Promise<Route[]> {
  const found = new Map<string, Route>();
  const add = (destination: string, rule?: Rule) => {
    const route = found.get(destination) ?? {
      destination,
      priority: rule?.priority ?? 'normal',
      changes: [],
      rules: [],
    };
    found.set(destination, route);
    if (!rule) return;
    route.rules.push(rule.name);
    route.changes.push(...rule.changes);
    if (PRIORITIES.indexOf(rule.priority) < PRIORITIES.indexOf(route.priority)) route.priority = rule.priority;
  };
  for (const name of always) add(name);
  if (routes.rules.length === 0) for (const { name } of routes.destinations) add(name);
  let all: Promise<DicomJson> | undefined;
  for (const rule of routes.rules) {
    if (!matchesEntry(rule, entry)) continue;
    const known = rule.when.attributes.every(({ path }) => isInManifest(path));
    all ??= known ? undefined : readAll(entry);
    const attributes = all ? await all : entry.attributes;
    if (!rule.when.attributes.every((condition) => holds(condition, attributes))) continue;
    for (const destination of rule.to) add(destination, rule);
  }
  return [...found.values()];
}

function matchesEntry(rule: Rule, entry: InstanceEntry): boolean {
  const { callingAE, modality, sopClass, time } = rule.when;
  if (callingAE && !callingAE.includes(entry.source.callingAE ?? '')) return false;
  if (modality && !modality.includes(String(entry.attributes['00080060']?.Value?.[0] ?? ''))) return false;
  if (sopClass && !sopClass.includes(entry.sopClassUID)) return false;
  return !time || isWithin(new Date(entry.receivedAt), time);
}

/** Over midnight where `from` is not before `to`. */
export function isWithin(at: Date, { from, to }: { from: number; to: number }): boolean {
  const minute = at.getHours() * 60 + at.getMinutes();
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function isInManifest(path: readonly string[]): boolean {
  let selection: true | Selection | undefined = DISPLAY_ATTRIBUTES;
  for (const tag of path) {
    if (selection === true) return true;
    selection = selection[tag];
    if (selection === undefined) return false;
  }
  return selection === true;
}

function holds({ path, equals, matches, exists }: AttributeCondition, attributes: DicomJson): boolean {
  const values = valuesAt(attributes, path);
  if (exists !== undefined && exists !== values.length > 0) return false;
  if (equals && !values.some((value) => equals.includes(value))) return false;
  return !matches || values.some((value) => matches.test(value));
}

/** Values of an attribute as text, of all items of the sequences on the way. An attribute without a value has ''. */
export function valuesAt(attributes: DicomJson, path: readonly string[]): string[] {
  const [tag, ...rest] = path;
  const element = attributes[tag!];
  if (!element) return [];
  if (rest.length === 0) return textsOf(element);
  return (element.Value ?? []).flatMap((item) => valuesAt((item ?? {}) as DicomJson, rest));
}

function textsOf(element: DicomJsonElement): string[] {
  const values = (element.Value ?? []).map((value) => {
    if (value === null || value === undefined) return '';
    return typeof value === 'object' ? joinPersonName(value as PersonName) : String(value);
  });
  return values.length > 0 ? values : [''];
}
