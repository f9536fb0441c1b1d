import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { LifeboatError } from '../../contract/errors.ts';
import { tagOf } from '../dicomweb/dictionary.ts';
import { isChangeable } from './apply-changes.ts';
import {
  type ClientTls,
  type Destination,
  nameOf,
  PRIORITIES,
  type Priority,
  type TagChange,
} from './forward-types.ts';

/** A condition on one attribute; all that are given must hold. */
export interface AttributeCondition {
  /** 8-digit tags, from the data set down into sequence items. */
  path: string[];
  equals?: readonly string[];
  matches?: RegExp;
  exists?: boolean;
}

/** A rule: what it applies to, and where that goes. */
export interface Rule {
  name: string;
  when: {
    callingAE?: readonly string[];
    modality?: readonly string[];
    sopClass?: readonly string[];
    attributes: readonly AttributeCondition[];
    /** Time of receipt, minutes since midnight of this machine's clock; `from` after `to` is over midnight. */
    time?: { from: number; to: number };
  };
  to: readonly string[];
  priority: Priority;
  changes: readonly TagChange[];
}

/** What the forwarding file says. */
export interface Routes {
  destinations: readonly Destination[];
  /** Empty: everything goes to every destination. */
  rules: readonly Rule[];
  /** Rows of what was sent longer ago become one count for each study. */
  keepSentDays: number;
}

export const NO_ROUTES: Routes = { destinations: [], rules: [], keepSentDays: 90 };

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z
    .union([item, z.array(item).min(1)])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]) as z.output<T>[]);

const text = z.string().trim().min(1).max(1024);
const name = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 @.:/_[\]-]{0,99}$/, 'a name has up to 100 letters, digits, spaces and @ . : / _ -');

const tag = z.string().transform((value, issues) => {
  const found = tagOf(value.replace(/[(),\s]/g, ''));
  if (found) return found;
  issues.addIssue({
    code: 'custom',
    message: `"${value}" is neither a tag like 00100020 nor a keyword like PatientID`,
  });
  return z.NEVER;
});

const tagPath = z.string().transform((value, issues) => {
  const path = value.split('.').map((step) => tagOf(step.replace(/[(),\s]/g, '')));
  if (path.every((step) => step !== null) && path.length <= 8) return path as string[];
  issues.addIssue({ code: 'custom', message: `"${value}" is no path of tags or keywords like 00400275.00400007` });
  return z.NEVER;
});

const pattern = z
  .string()
  .max(200)
  .transform((value, issues) => {
    try {
      return new RegExp(value, 'u');
    } catch {
      issues.addIssue({ code: 'custom', message: `"${value}" is no regular expression` });
      return z.NEVER;
    }
  });

const clock = z.string().transform((value, issues) => {
  const parts = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(value.trim());
  if (parts) return Number(parts[1]) * 60 + Number(parts[2]);
  issues.addIssue({ code: 'custom', message: `"${value}" is no time like 22:00` });
  return z.NEVER;
});

const change = z
  .union([
    z.strictObject({ tag, set: z.string().max(1024) }),
    z.strictObject({ tag, remove: z.literal(true) }),
    z.strictObject({ tag, prefix: text }),
    z.strictObject({ tag, map: z.record(z.string(), z.string().max(1024)) }),
  ])
  .refine((value) => isChangeable(value.tag), {
    message: 'only text of the data set itself can be changed, and nothing that says which object it is',
  })
  .refine((value) => !['0020000D', '0020000E'].includes(value.tag) || 'map' in value, {
    message: 'a Study or Series Instance UID can be mapped and not set: all images would become one',
  });

const tls = z.strictObject({
  ca: text.optional(),
  cert: text.optional(),
  key: text.optional(),
  serverName: text.optional(),
});

const shared = {
  name: name.optional(),
  associations: z.int().min(1).max(16).default(2),
  transferSyntax: z.enum(['as-is', 'transcode']).default('transcode'),
  tls: tls.optional(),
};

const dimse = z.strictObject({
  ...shared,
  dimse: z.string().regex(/^[^@\\]{1,16}@(\[[^\]]+\]|[^@:\s]+):\d{1,5}$/, 'is not of the form AETITLE@host:port'),
  callingAE: text.max(16).optional(),
  commitment: z.boolean().optional(),
});

const stow = z.strictObject({
  ...shared,
  stow: z.url({ protocol: /^https?$/ }),
  tokenFile: text.optional(),
  basic: z.strictObject({ user: text, passwordFile: text }).optional(),
  commitment: z.boolean().optional(),
});

const attribute = z
  .strictObject({
    tag: tagPath,
    equals: oneOrMore(z.union([z.string(), z.number()]).transform(String)).optional(),
    matches: pattern.optional(),
    exists: z.boolean().optional(),
  })
  .refine((value) => value.equals || value.matches || value.exists !== undefined, {
    message: 'needs equals, matches or exists',
  });

const rule = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  when: z
    .strictObject({
      callingAE: oneOrMore(text).optional(),
      modality: oneOrMore(text).optional(),
      sopClass: oneOrMore(text).optional(),
      attributes: z.array(attribute).default([]),
      time: z.strictObject({ from: clock, to: clock }).optional(),
    })
    .default({ attributes: [] }),
  to: oneOrMore(name),
  priority: z.enum(PRIORITIES).default('normal'),
  change: z.array(change).default([]),
});

const file = z.strictObject({
  destinations: z.array(z.union([dimse, stow])).default([]),
  rules: z.array(rule).default([]),
  keepSentDays: z.int().min(1).max(3650).default(NO_ROUTES.keepSentDays),
});

const invalid = (sentence: string, cause?: unknown) => new LifeboatError('CONFIG_INVALID', sentence, { cause });

/**
 * Reads the text of a forwarding file (YAML).
 * @param base folder to which names of files in it are relative
 * @param known names of destinations that stand elsewhere (LIFEBOAT_FORWARD_TO)
 * @throws CONFIG_INVALID with one sentence that says where and what
 */
export function parseRoutes(content: string, base: string, known: readonly string[]): Routes {
  const document = parseDocument(content);
  const broken = document.errors[0];
  if (broken) throw invalid(`The forwarding file is not valid YAML: ${broken.message.split('\n')[0]}`, broken);
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const { path, message } = deepest(parsed.error.issues[0]!);
    throw invalid(`The forwarding file is wrong${path.length > 0 ? ` at ${path.join('.')}` : ''}: ${message}.`);
  }
  const { keepSentDays } = parsed.data;
  const destinations = parsed.data.destinations.map((one) => toDestination(one, base));
  const names = [...known, ...destinations.map((one) => one.name)];
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined) throw invalid(`The forwarding file names the destination ${twice} twice.`);
  const rules = parsed.data.rules.map((one, i): Rule => {
    const unknown = one.to.find((to) => !names.includes(to));
    const called = one.name ?? `rule ${i + 1}`;
    if (unknown !== undefined)
      throw invalid(`The forwarding file sends "${called}" to ${unknown}, which is no destination.`);
    const { attributes, ...when } = one.when;
    return {
      name: called,
      when: { ...when, attributes: attributes.map(({ tag: path, ...rest }) => ({ path, ...rest })) },
      to: one.to,
      priority: one.priority,
      changes: one.change,
    };
  });
  return { destinations, rules, keepSentDays };
}

/** Of a choice that none of the alternatives fits: the complaint of the one that fits best. */
function deepest(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union') return { path: [...issue.path], message: issue.message };
  const nearest = issue.errors
    .filter((issues) => issues.length > 0)
    .sort((a, b) => a.length - b.length || b[0]!.path.length - a[0]!.path.length)[0];
  if (!nearest) return { path: [...issue.path], message: issue.message };
  const inner = deepest(nearest[0]!);
  return { path: [...issue.path, ...inner.path], message: inner.message };
}

function toDestination(given: z.output<typeof dimse> | z.output<typeof stow>, base: string): Destination {
  const { associations, transferSyntax } = given;
  const path = (value: string | undefined) => value && resolve(base, value);
  const files: ClientTls | undefined = given.tls && {
    ...(given.tls.serverName && { serverName: given.tls.serverName }),
    ...(given.tls.ca && { ca: path(given.tls.ca) }),
    ...(given.tls.cert && { cert: path(given.tls.cert) }),
    ...(given.tls.key && { key: path(given.tls.key) }),
  };
  const common = { associations, transferSyntax, ...(files && { tls: files }) };
  if ('stow' in given) {
    const { tokenFile, basic, commitment } = given;
    return {
      kind: 'stow',
      name: given.name ?? given.stow,
      url: given.stow,
      ...common,
      ...(tokenFile && { tokenFile: resolve(base, tokenFile) }),
      ...(basic && { basic: { ...basic, passwordFile: resolve(base, basic.passwordFile) } }),
      ...(commitment && { commitment: true }),
    };
  }
  const at = given.dimse.lastIndexOf('@');
  const colon = given.dimse.lastIndexOf(':');
  const peer = {
    aeTitle: given.dimse.slice(0, at).trim(),
    host: given.dimse.slice(at + 1, colon).replace(/^\[|\]$/g, ''),
    port: Number(given.dimse.slice(colon + 1)),
  };
  return {
    kind: 'dimse',
    name: given.name ?? nameOf(peer),
    ...peer,
    ...common,
    ...(given.callingAE && { callingAE: given.callingAE }),
    ...(given.commitment && { commitment: true }),
  };
}

/** The text of the forwarding file; '' when there is none. @throws CONFIG_INVALID when it cannot be read */
export function readRoutesFile(path: string): string {
  if (!existsSync(path)) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`The forwarding file ${path} cannot be read.`, error);
  }
}

/** Replaces the file as a whole, durably. @throws CONFIG_INVALID when it cannot be written */
export function writeRoutesFile(path: string, content: string): void {
  const part = `${path}.${randomUUID()}.part`;
  try {
    writeFileSync(part, content, { mode: 0o640, flag: 'wx' });
    for (const [target, rename] of [
      [part, true],
      [dirname(path), false],
    ] as const) {
      const handle = openSync(target, 'r');
      fsyncSync(handle);
      closeSync(handle);
      if (rename) renameSync(part, path);
    }
  } catch (error) {
    throw invalid(`The forwarding file ${path} cannot be written.`, error);
  }
}
