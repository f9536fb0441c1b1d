import { z } from 'zod';
import { LOCK_MODES } from '../storage/policy/object-lock.ts';

/** Every setting there is, in the order of the README's table. Names are those of environment and lifeboat.yaml alike. */
export const SETTINGS = [
  'LIFEBOAT_DATA',
  'LIFEBOAT_HTTP_PORT',
  'LIFEBOAT_HTTP_HOST',
  'LIFEBOAT_DICOM_PORT',
  'LIFEBOAT_AE_TITLE',
  'LIFEBOAT_ACCEPT_AE',
  'LIFEBOAT_ACCEPT_ANY_CALLED_AE',
  'LIFEBOAT_STORE',
  'LIFEBOAT_S3_ENDPOINT',
  'LIFEBOAT_S3_PUBLIC_ENDPOINT',
  'LIFEBOAT_S3_ACCESS_KEY',
  'LIFEBOAT_S3_SECRET_KEY',
  'LIFEBOAT_S3_REGION',
  'LIFEBOAT_DATABASE_URL',
  'LIFEBOAT_ADMIN_PASSWORD',
  'LIFEBOAT_MAX_ASSOCIATIONS',
  'LIFEBOAT_IDLE_TIMEOUT_S',
  'LIFEBOAT_ARTIM_TIMEOUT_S',
  'LIFEBOAT_SPOOL_MIN_FREE_MB',
  'LIFEBOAT_PACS',
  'LIFEBOAT_PACS_DICOMWEB',
  'LIFEBOAT_PACS_TOKEN_FILE',
  'LIFEBOAT_RIS',
  'LIFEBOAT_RIS_EVERY_S',
  'LIFEBOAT_RIS_DAYS',
  'LIFEBOAT_MPPS_TO',
  'LIFEBOAT_PRIORS',
  'LIFEBOAT_FORWARD_TO',
  'LIFEBOAT_FORWARD_COMMITMENT',
  'LIFEBOAT_WORKSTATIONS',
  'LIFEBOAT_QUERY_PACS',
  'LIFEBOAT_FORWARDING',
  'LIFEBOAT_TLS_CERT',
  'LIFEBOAT_TLS_KEY',
  'LIFEBOAT_DICOM_TLS_PORT',
  'LIFEBOAT_DICOM_TLS_CERT',
  'LIFEBOAT_DICOM_TLS_KEY',
  'LIFEBOAT_DICOM_TLS_CLIENT_CA',
  'LIFEBOAT_DICOM_PLAIN',
  'LIFEBOAT_TRUST_PROXY',
  'LIFEBOAT_SESSION_IDLE_MIN',
  'LIFEBOAT_SESSION_MAX_H',
  'LIFEBOAT_SCRUB_MB_PER_S',
  'LIFEBOAT_SCRUB_EVERY_DAYS',
  'LIFEBOAT_REPAIR_FROM',
  'LIFEBOAT_REPAIR_AUTO',
  'LIFEBOAT_REPLICA',
  'LIFEBOAT_REPLICA_S3_ENDPOINT',
  'LIFEBOAT_REPLICA_S3_PUBLIC_ENDPOINT',
  'LIFEBOAT_REPLICA_S3_ACCESS_KEY',
  'LIFEBOAT_REPLICA_S3_SECRET_KEY',
  'LIFEBOAT_REPLICA_S3_REGION',
  'LIFEBOAT_REPLICA_MB_PER_S',
  'LIFEBOAT_RENDITIONS',
  'LIFEBOAT_LOCK_DAYS',
  'LIFEBOAT_TRUSTED_KEYS',
  'LIFEBOAT_LOCK_MODE',
  'LIFEBOAT_RETENTION',
  'LIFEBOAT_PACS_CANARY',
  'LIFEBOAT_PACS_CANARY_IMAGE',
  'LIFEBOAT_WEBHOOK_URL',
  'LIFEBOAT_WEBHOOK_SECRET',
  'LIFEBOAT_SMTP',
  'LIFEBOAT_MAIL_FROM',
  'LIFEBOAT_MAIL_TO',
  'LIFEBOAT_LOG_LEVEL',
  'LIFEBOAT_DEMO',
] as const;
export type SettingName = (typeof SETTINGS)[number];

/** Variables that start with LIFEBOAT_ but configure something else: where the file is, and the project's own tests. */
const ELSEWHERE = /^LIFEBOAT_(CONFIG$|LONG$|TEST_|BENCH_|BREAK_GLASS_)/;

/** A DICOM AE title: 1 to 16 characters of the default repertoire, no backslash or control character (PS3.5 6.2, VR AE). */
export const aeTitle = z
  .string()
  .trim()
  .min(1, 'is empty; an AE title has 1 to 16 characters')
  .max(16, 'is longer than the 16 characters an AE title may have')
  .regex(/^[\x20-\x5b\x5d-\x7e]+$/, 'has a backslash or a character outside ASCII, which no AE title may have');

const wholeNumber = (low: number, high: number, unit = '') =>
  z
    .string()
    .trim()
    .regex(/^\d+$/, `is not a whole number${unit}`)
    .transform(Number)
    .refine((n) => n >= low && n <= high, `is outside ${low} to ${high}${unit}`);

const flag = z
  .string()
  .trim()
  .toLowerCase()
  .refine((v) => ['true', 'false', '1', '0', 'yes', 'no'].includes(v), 'is neither true nor false')
  .transform((v) => ['true', '1', 'yes'].includes(v));

const pemFile = z.string().trim().min(1, 'is empty; give a PEM file');

const storeName = (given: string) =>
  /^file:./.test(given) || /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/?$/.test(given);

const httpUrl = z
  .string()
  .trim()
  .refine((v) => {
    if (!/^https?:\/\//.test(v) || !URL.canParse(v)) return false;
    const url = new URL(v);
    return url.pathname === '/' && url.search === '' && url.username === '';
  }, 'is not an address like http://host:9000 (scheme, host and port only)');

const peer = z.string().transform((value, issues) => {
  const parts = /^\s*([^@]+)@(\[[^\]]+\]|[^@:\s]+):(\d+)\s*$/.exec(value);
  const title = parts && aeTitle.safeParse(parts[1]);
  const port = Number(parts?.[3]);
  if (!parts || !title?.success || port < 1 || port > 65535) {
    issues.addIssue({ code: 'custom', message: 'is not of the form AETITLE@host:port' });
    return z.NEVER;
  }
  return { aeTitle: title.data, host: parts[2]!.replace(/^\[|\]$/g, ''), port };
});

/** One schema per setting; the messages complete the sentence "LIFEBOAT_X …". */
export const settingSchemas = {
  LIFEBOAT_DATA: z.string().trim().min(1, 'is empty; give a folder').default('data'),
  LIFEBOAT_HTTP_PORT: wholeNumber(0, 65535).default(8080),
  LIFEBOAT_HTTP_HOST: z.string().trim().min(1, 'is empty; give an address to listen on').default('0.0.0.0'),
  LIFEBOAT_DICOM_PORT: wholeNumber(0, 65535).default(11112),
  LIFEBOAT_AE_TITLE: aeTitle.default('LIFEBOAT'),
  LIFEBOAT_ACCEPT_AE: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((title) => title.trim())
        .filter(Boolean),
    )
    .refine((list) => list.every((title) => aeTitle.safeParse(title).success), 'holds a title that no AE can have')
    .default([]),
  LIFEBOAT_ACCEPT_ANY_CALLED_AE: flag.default(true),
  LIFEBOAT_STORE: z
    .string()
    .trim()
    .refine((v) => /^(file:|s3:\/\/)/.test(v), 'is neither file: (or file:/folder) nor s3://bucket')
    .refine(
      (v) => !v.startsWith('s3:') || /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/?$/.test(v),
      'names no valid bucket; give s3://bucket with 3 to 63 lower-case letters, digits, dots and hyphens',
    )
    .default('file:'),
  LIFEBOAT_S3_ENDPOINT: httpUrl.optional(),
  LIFEBOAT_S3_PUBLIC_ENDPOINT: httpUrl.optional(),
  LIFEBOAT_S3_ACCESS_KEY: z.string().min(1, 'is empty').optional(),
  LIFEBOAT_S3_SECRET_KEY: z.string().min(1, 'is empty').optional(),
  LIFEBOAT_S3_REGION: z.string().trim().min(1, 'is empty').default('us-east-1'),
  LIFEBOAT_DATABASE_URL: z
    .string()
    .trim()
    .refine(
      (v) => (/^postgres(ql)?:\/\//.test(v) && URL.canParse(v)) || /^sqlite:./.test(v),
      'is neither postgres://… nor sqlite:/file',
    )
    .optional(),
  LIFEBOAT_ADMIN_PASSWORD: z.string().min(10, 'has fewer than 10 characters').optional(),
  LIFEBOAT_MAX_ASSOCIATIONS: wholeNumber(1, 10_000).default(64),
  LIFEBOAT_IDLE_TIMEOUT_S: wholeNumber(1, 86_400, ' seconds').default(60),
  LIFEBOAT_ARTIM_TIMEOUT_S: wholeNumber(1, 3_600, ' seconds').default(30),
  LIFEBOAT_SPOOL_MIN_FREE_MB: wholeNumber(0, 1_000_000_000, ' MB').default(512),
  LIFEBOAT_PACS: peer.optional(),
  LIFEBOAT_PACS_DICOMWEB: z
    .string()
    .trim()
    .refine(
      (v) => /^https?:\/\//.test(v) && URL.canParse(v) && new URL(v).search === '' && new URL(v).username === '',
      'is not an address like https://pacs/dicom-web (without a name, password or query)',
    )
    .transform((v) => v.replace(/\/+$/, ''))
    .optional(),
  LIFEBOAT_PACS_TOKEN_FILE: z.string().trim().min(1, 'is empty; give a file').optional(),
  LIFEBOAT_RIS: peer.optional(),
  LIFEBOAT_RIS_EVERY_S: wholeNumber(5, 86_400, ' seconds').default(180),
  LIFEBOAT_RIS_DAYS: wholeNumber(0, 60, ' days').default(7),
  LIFEBOAT_MPPS_TO: z
    .string()
    .transform((list) => list.split(',').filter((each) => each.trim() !== ''))
    .pipe(z.array(peer))
    .default([]),
  LIFEBOAT_PRIORS: wholeNumber(0, 100, ' studies a patient').default(5),
  LIFEBOAT_FORWARD_TO: z
    .string()
    .transform((list) => list.split(',').filter((each) => each.trim() !== ''))
    .pipe(z.array(peer))
    .default([]),
  LIFEBOAT_FORWARD_COMMITMENT: flag.default(false),
  LIFEBOAT_QUERY_PACS: flag.default(false),
  LIFEBOAT_WORKSTATIONS: z
    .string()
    .transform((list) => list.split(',').filter((each) => each.trim() !== ''))
    .pipe(z.array(peer))
    .default([]),
  LIFEBOAT_TRUSTED_KEYS: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((file) => file.trim())
        .filter(Boolean),
    )
    .default([]),
  LIFEBOAT_FORWARDING: z.string().trim().min(1, 'is empty; give a file').optional(),
  LIFEBOAT_TLS_CERT: pemFile.optional(),
  LIFEBOAT_TLS_KEY: pemFile.optional(),
  LIFEBOAT_DICOM_TLS_PORT: wholeNumber(0, 65535).optional(),
  LIFEBOAT_DICOM_TLS_CERT: pemFile.optional(),
  LIFEBOAT_DICOM_TLS_KEY: pemFile.optional(),
  LIFEBOAT_DICOM_TLS_CLIENT_CA: pemFile.optional(),
  LIFEBOAT_DICOM_PLAIN: flag.default(true),
  LIFEBOAT_TRUST_PROXY: flag.default(false),
  LIFEBOAT_SESSION_IDLE_MIN: wholeNumber(1, 1_440, ' minutes').default(30),
  LIFEBOAT_SESSION_MAX_H: wholeNumber(1, 168, ' hours').default(12),
  LIFEBOAT_SCRUB_MB_PER_S: wholeNumber(0, 100_000, ' MB a second').default(20),
  LIFEBOAT_SCRUB_EVERY_DAYS: wholeNumber(1, 365, ' days').default(7),
  LIFEBOAT_REPAIR_FROM: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((store) => store.trim())
        .filter(Boolean),
    )
    .refine(
      (list) => list.every((store) => /^(file:.|s3:\/\/.)/.test(store)),
      'is not a list of file:/folder or s3://bucket',
    )
    .default([]),
  LIFEBOAT_REPAIR_AUTO: flag.default(true),
  LIFEBOAT_REPLICA: z.string().trim().refine(storeName, 'is neither file:/folder nor s3://bucket').optional(),
  LIFEBOAT_REPLICA_S3_ENDPOINT: httpUrl.optional(),
  LIFEBOAT_REPLICA_S3_PUBLIC_ENDPOINT: httpUrl.optional(),
  LIFEBOAT_REPLICA_S3_ACCESS_KEY: z.string().min(1, 'is empty').optional(),
  LIFEBOAT_REPLICA_S3_SECRET_KEY: z.string().min(1, 'is empty').optional(),
  LIFEBOAT_REPLICA_S3_REGION: z.string().trim().min(1, 'is empty').optional(),
  LIFEBOAT_REPLICA_MB_PER_S: wholeNumber(1, 100_000, ' MB a second').default(80),
  LIFEBOAT_RENDITIONS: flag.default(false),
  LIFEBOAT_LOCK_DAYS: wholeNumber(0, 36_500, ' days').default(0),
  LIFEBOAT_LOCK_MODE: z
    .string()
    .trim()
    .toUpperCase()
    .pipe(z.enum(LOCK_MODES, { error: 'is neither GOVERNANCE nor COMPLIANCE' }))
    .default('GOVERNANCE'),
  LIFEBOAT_RETENTION: z.string().trim().min(1, 'is empty; give a file').optional(),
  LIFEBOAT_PACS_CANARY: z
    .string()
    .trim()
    .regex(/^[0-9]+(\.[0-9]+)*$/, 'is no Study Instance UID')
    .max(64, 'is no Study Instance UID')
    .optional(),
  LIFEBOAT_PACS_CANARY_IMAGE: z
    .string()
    .trim()
    .regex(/^([0-9.]{1,64}\/){2}[0-9.]{1,64}$/, 'is not of the form STUDY-UID/SERIES-UID/SOP-INSTANCE-UID')
    .transform((text) => text.split('/') as [string, string, string])
    .optional(),
  LIFEBOAT_WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'is not an address like https://host/path' }).optional(),
  LIFEBOAT_WEBHOOK_SECRET: z.string().min(16, 'has fewer than 16 characters').optional(),
  LIFEBOAT_SMTP: z.url({ protocol: /^smtps?$/, error: 'is not of the form smtp://user:password@host:port' }).optional(),
  LIFEBOAT_MAIL_FROM: z.string().trim().min(3, 'is empty').optional(),
  LIFEBOAT_MAIL_TO: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((each) => each.trim())
        .filter(Boolean),
    )
    .refine((list) => list.every((each) => /^[^@\s]+@[^@\s]+$/.test(each)), 'is no comma list of addresses')
    .default([]),
  LIFEBOAT_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'is none of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
  LIFEBOAT_DEMO: flag.default(false),
} satisfies Record<SettingName, z.ZodType>;

/** True for a name that starts with LIFEBOAT_ and is no setting of the router. */
export function isUnknownSetting(name: string): boolean {
  return name.startsWith('LIFEBOAT_') && !ELSEWHERE.test(name) && !(SETTINGS as readonly string[]).includes(name);
}

/** The setting whose name is nearest to a mistyped one, when it is near enough to be meant. */
export function nearestSetting(name: string): SettingName | undefined {
  const wanted = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  const full = wanted.startsWith('LIFEBOAT_') ? wanted : `LIFEBOAT_${wanted}`;
  let best: { name: SettingName; distance: number } | undefined;
  for (const candidate of SETTINGS) {
    const distance = editDistance(full, candidate);
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  return best && best.distance <= Math.max(3, Math.floor((full.length - 9) / 2)) ? best.name : undefined;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
