import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { LifeboatError } from '../contract/errors.ts';
import type { ObjectLock } from '../storage/policy/object-lock.ts';
import type { StoreConfig } from '../storage/stores/open-store.ts';
import type { ConfirmationTimes } from './commitment/confirmations.ts';
import type { NotifySettings } from './notify/notifier.ts';
import type { CanaryImage } from './outage/image-canary.ts';
import { isUnknownSetting, nearestSetting, SETTINGS, type SettingName, settingSchemas } from './settings.ts';
import type { TlsFile, TlsFiles } from './tls.ts';

/**
 * Settings: environment variables LIFEBOAT_* or the same keys in lifeboat.yaml (environment wins).
 * Filled and validated by `loadConfig`; a wrong or unknown one is CONFIG_INVALID with one sentence that names it.
 */
export interface Config {
  /** LIFEBOAT_DATA: absolute folder. */
  dataDir: string;
  /** LIFEBOAT_HTTP_PORT; 0 picks a free one (tests). */
  httpPort: number;
  /** LIFEBOAT_HTTP_HOST, default 0.0.0.0. */
  httpHost: string;
  /** LIFEBOAT_DICOM_PORT; 0 picks a free one (tests). */
  dicomPort: number;
  /** LIFEBOAT_AE_TITLE */
  aeTitle: string;
  /** LIFEBOAT_STORE */
  store:
    | { kind: 'file'; dir: string }
    | {
        kind: 's3';
        bucket: string;
        endpoint: string;
        publicEndpoint?: string;
        accessKey: string;
        secretKey: string;
        region: string;
        /** LIFEBOAT_LOCK_DAYS and LIFEBOAT_LOCK_MODE; absent: nothing is locked. */
        lock?: ObjectLock;
      };
  /** LIFEBOAT_DATABASE_URL */
  database: { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };
  /** LIFEBOAT_ADMIN_PASSWORD */
  adminPassword?: string;
  /** LIFEBOAT_ACCEPT_AE; '*' for any. */
  acceptAE: string[];
  /** LIFEBOAT_ACCEPT_ANY_CALLED_AE, default true: take senders that call another AE title than ours, with a warning in the log. */
  acceptAnyCalledAE?: boolean;
  /** LIFEBOAT_MAX_ASSOCIATIONS, default 64. */
  maxAssociations: number;
  /** LIFEBOAT_IDLE_TIMEOUT_S, default 60: an association on which nothing moves. */
  idleTimeoutMs: number;
  /** LIFEBOAT_ARTIM_TIMEOUT_S, default 30: PS3.8 ARTIM, a connection that does not associate or close. */
  artimTimeoutMs: number;
  /** LIFEBOAT_SPOOL_MIN_FREE_MB, default 512: below this free space nothing is accepted (0xA700). */
  spoolMinFreeBytes: number;
  /** LIFEBOAT_PACS: 'AE@host:port', the main PACS to watch. */
  pacs?: { aeTitle: string; host: string; port: number };
  /** LIFEBOAT_PACS_DICOMWEB, LIFEBOAT_PACS_TOKEN_FILE: the DICOMweb service of the main PACS, and a bearer token for it. */
  pacsWeb?: { url: string; tokenFile?: string };
  /** LIFEBOAT_RIS: whom to ask for the worklist, how often (LIFEBOAT_RIS_EVERY_S) and how many days ahead (LIFEBOAT_RIS_DAYS). */
  ris?: { aeTitle: string; host: string; port: number; everyMs: number; days: number };
  /** LIFEBOAT_MPPS_TO: whom performed procedure steps are passed on to. */
  mppsTo?: { aeTitle: string; host: string; port: number }[];
  /** LIFEBOAT_PRIORS, default 5: earlier studies fetched for each patient on the worklist; 0: none. */
  priors?: number;
  /** First pause of the backfill after the PACS was slow or gone, ms; for tests. */
  backfillPauseMs?: number;
  /** LIFEBOAT_FORWARD_TO: peers to which everything kept is passed on. */
  forwardTo?: { aeTitle: string; host: string; port: number }[];
  /** LIFEBOAT_FORWARD_COMMITMENT: these are asked for storage commitment of what they took. */
  forwardCommitment?: boolean;
  /** For tests. */
  confirmationTimes?: Partial<ConfirmationTimes>;
  /** LIFEBOAT_WORKSTATIONS: who may query and retrieve by DIMSE, and where images for them go; default nobody. */
  workstations?: { aeTitle: string; host: string; port: number }[];
  /** LIFEBOAT_QUERY_PACS: what only the main PACS has is found and fetched there, while it is up. */
  queryPacs?: boolean;
  /** LIFEBOAT_FORWARDING: destinations and rules beyond that; default LIFEBOAT_DATA/forwarding.yaml. */
  forwardingFile?: string;
  /** LIFEBOAT_TRUSTED_KEYS: files with public keys (PEM) of other routers on the same store, whose removals count here. */
  trustedKeys?: string[];
  /** LIFEBOAT_TLS_CERT, LIFEBOAT_TLS_KEY: PEM files; HTTPS when both are given. */
  tls?: TlsFiles;
  /**
   * LIFEBOAT_DICOM_TLS_PORT with LIFEBOAT_DICOM_TLS_CERT, _KEY (default: those of HTTPS) and _CLIENT_CA: a second DICOM port
   * that speaks TLS (PS3.15 B.12).
   */
  dicomTls?: TlsFiles & { port: number };
  /** LIFEBOAT_DICOM_PLAIN, default true; false: the DICOM port without TLS is not opened. */
  dicomPlain?: boolean;
  /** LIFEBOAT_TRUST_PROXY=true: a TLS proxy stands in front. */
  trustProxy: boolean;
  /** LIFEBOAT_SESSION_IDLE_MIN, default 30: a browser session on which nothing is done ends. */
  sessionIdleMs: number;
  /** LIFEBOAT_SESSION_MAX_H, default 12: every browser session ends after this. */
  sessionMaxMs: number;
  /** LIFEBOAT_SCRUB_MB_PER_S, default 20 (0: no scrub), and LIFEBOAT_SCRUB_EVERY_DAYS, default 7. */
  integrity?: {
    scrubBytesPerSecond: number;
    scrubEveryMs: number;
    /** LIFEBOAT_REPAIR_FROM: stores with a copy of the archive, for repairs by a click. */
    repairFrom?: string[];
    /** LIFEBOAT_REPAIR_AUTO, default true: what the scrub finds is repaired from the replica without being asked for. */
    repairAuto?: boolean;
    /** How often to look for work, ms; for tests. */
    tickMs?: number;
  };
  /** LIFEBOAT_RENDITIONS, default false: lossless renditions for slow lines are made in the background. */
  renditions?: boolean;
  /** LIFEBOAT_REPLICA: a second store into which everything is copied, and what may be read of the first in a second for it. */
  replica?: {
    store: StoreConfig;
    bytesPerSecond: number;
    /** Between two comparisons of both stores, ms; for tests. */
    compareMs?: number;
  };
  /** LIFEBOAT_RETENTION: file with the rules of what may be removed; default LIFEBOAT_DATA/retention.yaml, which need not be there. */
  retentionFile?: string;
  /** LIFEBOAT_PACS_CANARY: Study Instance UID that the main PACS must find. */
  pacsCanary?: string;
  /** LIFEBOAT_PACS_CANARY_IMAGE: an instance that the main PACS must give; `everyMs` for tests. */
  pacsCanaryImage?: CanaryImage & { everyMs?: number };
  /** LIFEBOAT_WEBHOOK_URL, _SECRET, LIFEBOAT_SMTP, LIFEBOAT_MAIL_FROM, LIFEBOAT_MAIL_TO: how IT is told. */
  notify?: NotifySettings;
  /** LIFEBOAT_LOG_LEVEL, default info. */
  logLevel: string;
  /** LIFEBOAT_DEMO=true, set by `npm run demo`. */
  demo: boolean;
}

/** Where `loadConfig` looks; everything defaults to the running process. */
export interface ConfigSources {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** --config; wins over LIFEBOAT_CONFIG, which wins over ./lifeboat.yaml. */
  file?: string;
}

type Settings = { [Name in SettingName]: z.output<(typeof settingSchemas)[Name]> };
type Given = Partial<Record<SettingName, string>>;

const SECRETS = new Set<SettingName>([
  'LIFEBOAT_S3_ACCESS_KEY',
  'LIFEBOAT_S3_SECRET_KEY',
  'LIFEBOAT_ADMIN_PASSWORD',
  'LIFEBOAT_DATABASE_URL',
  'LIFEBOAT_WEBHOOK_URL',
  'LIFEBOAT_WEBHOOK_SECRET',
  'LIFEBOAT_SMTP',
  'LIFEBOAT_REPLICA_S3_ACCESS_KEY',
  'LIFEBOAT_REPLICA_S3_SECRET_KEY',
]);

const invalid = (sentence: string, cause?: unknown) => new LifeboatError('CONFIG_INVALID', sentence, { cause });

/**
 * Read and check all settings. Relative paths in the environment are relative to the working folder, those in
 * lifeboat.yaml to the file's own folder.
 * @throws CONFIG_INVALID with one sentence that names the wrong or unknown setting and where it stands.
 */
export function loadConfig(sources: ConfigSources = {}): Config {
  const env = sources.env ?? process.env;
  const cwd = sources.cwd ?? process.cwd();
  const fromEnv = environmentSettings(env);
  const file = readSettingsFile(sources.file ?? env['LIFEBOAT_CONFIG'], cwd);
  const given: Given = { ...file?.settings, ...fromEnv };
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of SETTINGS) {
    const parsed = settingSchemas[name].safeParse(given[name]);
    if (!parsed.success) {
      const where = name in fromEnv || !file ? 'in the environment' : `in ${file.path}`;
      const shown = SECRETS.has(name) ? '' : ` "${given[name]}"`;
      throw invalid(`${name}${shown} (${where}) ${parsed.error.issues[0]!.message}.`);
    }
    values[name] = parsed.data;
  }
  const baseOf = (name: SettingName) => (name in fromEnv || !file ? cwd : dirname(file.path));
  return assemble(values as Settings, baseOf);
}

function environmentSettings(env: NodeJS.ProcessEnv): Given {
  const found: Given = {};
  for (const [name, value] of Object.entries(env)) {
    if (isUnknownSetting(name)) throw invalid(unknownSentence(name, 'in the environment'));
    if (value !== undefined && value !== '' && (SETTINGS as readonly string[]).includes(name))
      found[name as SettingName] = value;
  }
  return found;
}

function unknownSentence(name: string, where: string): string {
  const near = nearestSetting(name);
  return `${name} (${where}) is not a setting of Lifeboat${near ? `; did you mean ${near}?` : '.'}`;
}

/** The settings of the YAML file, all as text; null when none was named and ./lifeboat.yaml is absent. */
function readSettingsFile(named: string | undefined, cwd: string): { path: string; settings: Given } | null {
  const path = resolve(cwd, named || 'lifeboat.yaml');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!named && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw invalid(`The settings file ${path} cannot be read.`, error);
  }
  const document = parseDocument(text);
  const broken = document.errors[0];
  if (broken) throw invalid(`${path} is not valid YAML: ${broken.message.split('\n')[0]}`, broken);
  const content: unknown = document.toJS();
  if (content === null || content === undefined) return { path, settings: {} };
  if (typeof content !== 'object' || Array.isArray(content))
    throw invalid(`${path} must hold lines like LIFEBOAT_HTTP_PORT: 8080.`);
  const settings: Given = {};
  for (const [name, value] of Object.entries(content)) {
    if (!(SETTINGS as readonly string[]).includes(name)) throw invalid(unknownSentence(name, `in ${path}`));
    settings[name as SettingName] = settingText(name, value, path);
  }
  return { path, settings };
}

function settingText(name: string, value: unknown, path: string): string | undefined {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((item) => settingText(name, item, path)).join(',');
  if (typeof value === 'object') throw invalid(`${name} (in ${path}) must be one value or a list.`);
  return String(value);
}

function assemble(values: Settings, baseOf: (name: SettingName) => string): Config {
  const dataDir = resolve(baseOf('LIFEBOAT_DATA'), values.LIFEBOAT_DATA);
  const store = assembleStore(values, dataDir, baseOf('LIFEBOAT_STORE'));
  const pem: PemFile = (setting) => ({ setting, file: resolve(baseOf(setting), values[setting]!) });
  const { LIFEBOAT_TLS_CERT: cert, LIFEBOAT_TLS_KEY: key } = values;
  if (!cert !== !key)
    throw invalid(`${cert ? 'LIFEBOAT_TLS_KEY' : 'LIFEBOAT_TLS_CERT'} is missing; HTTPS needs certificate and key.`);
  const tls = cert && key ? { cert: pem('LIFEBOAT_TLS_CERT'), key: pem('LIFEBOAT_TLS_KEY') } : undefined;
  return {
    dataDir,
    httpPort: values.LIFEBOAT_HTTP_PORT,
    httpHost: values.LIFEBOAT_HTTP_HOST,
    dicomPort: values.LIFEBOAT_DICOM_PORT,
    aeTitle: values.LIFEBOAT_AE_TITLE,
    store,
    database: assembleDatabase(values.LIFEBOAT_DATABASE_URL, dataDir, baseOf('LIFEBOAT_DATABASE_URL')),
    adminPassword: values.LIFEBOAT_ADMIN_PASSWORD,
    acceptAE: values.LIFEBOAT_ACCEPT_AE,
    acceptAnyCalledAE: values.LIFEBOAT_ACCEPT_ANY_CALLED_AE,
    maxAssociations: values.LIFEBOAT_MAX_ASSOCIATIONS,
    idleTimeoutMs: values.LIFEBOAT_IDLE_TIMEOUT_S * 1000,
    artimTimeoutMs: values.LIFEBOAT_ARTIM_TIMEOUT_S * 1000,
    spoolMinFreeBytes: values.LIFEBOAT_SPOOL_MIN_FREE_MB * 1024 * 1024,
    pacs: values.LIFEBOAT_PACS,
    ...(values.LIFEBOAT_PACS_DICOMWEB && {
      pacsWeb: {
        url: values.LIFEBOAT_PACS_DICOMWEB,
        tokenFile:
          values.LIFEBOAT_PACS_TOKEN_FILE &&
          resolve(baseOf('LIFEBOAT_PACS_TOKEN_FILE'), values.LIFEBOAT_PACS_TOKEN_FILE),
      },
    }),
    ris: values.LIFEBOAT_RIS && {
      ...values.LIFEBOAT_RIS,
      everyMs: values.LIFEBOAT_RIS_EVERY_S * 1000,
      days: values.LIFEBOAT_RIS_DAYS,
    },
    mppsTo: values.LIFEBOAT_MPPS_TO,
    priors: values.LIFEBOAT_PRIORS,
    forwardTo: values.LIFEBOAT_FORWARD_TO,
    forwardCommitment: values.LIFEBOAT_FORWARD_COMMITMENT,
    workstations: values.LIFEBOAT_WORKSTATIONS,
    queryPacs: values.LIFEBOAT_QUERY_PACS,
    forwardingFile: values.LIFEBOAT_FORWARDING && resolve(baseOf('LIFEBOAT_FORWARDING'), values.LIFEBOAT_FORWARDING),
    trustedKeys: values.LIFEBOAT_TRUSTED_KEYS.map((file) => resolve(baseOf('LIFEBOAT_TRUSTED_KEYS'), file)),
    tls,
    dicomTls: assembleDicomTls(values, tls, pem),
    dicomPlain: values.LIFEBOAT_DICOM_PLAIN,
    trustProxy: values.LIFEBOAT_TRUST_PROXY,
    sessionIdleMs: values.LIFEBOAT_SESSION_IDLE_MIN * 60_000,
    sessionMaxMs: values.LIFEBOAT_SESSION_MAX_H * 3_600_000,
    integrity: {
      scrubBytesPerSecond: values.LIFEBOAT_SCRUB_MB_PER_S * 1_000_000,
      scrubEveryMs: values.LIFEBOAT_SCRUB_EVERY_DAYS * 86_400_000,
      repairFrom: values.LIFEBOAT_REPAIR_FROM,
      repairAuto: values.LIFEBOAT_REPAIR_AUTO,
    },
    renditions: values.LIFEBOAT_RENDITIONS,
    replica: assembleReplica(values, store, baseOf('LIFEBOAT_REPLICA')),
    retentionFile: values.LIFEBOAT_RETENTION && resolve(baseOf('LIFEBOAT_RETENTION'), values.LIFEBOAT_RETENTION),
    pacsCanary: values.LIFEBOAT_PACS_CANARY,
    pacsCanaryImage: canaryImage(values.LIFEBOAT_PACS_CANARY_IMAGE),
    notify: assembleNotify(values),
    logLevel: values.LIFEBOAT_LOG_LEVEL,
    demo: values.LIFEBOAT_DEMO,
  };
}

type PemName =
  | 'LIFEBOAT_TLS_CERT'
  | 'LIFEBOAT_TLS_KEY'
  | 'LIFEBOAT_DICOM_TLS_CERT'
  | 'LIFEBOAT_DICOM_TLS_KEY'
  | 'LIFEBOAT_DICOM_TLS_CLIENT_CA';
type PemFile = (setting: PemName) => TlsFile;

function assembleDicomTls(values: Settings, https: TlsFiles | undefined, pem: PemFile): Config['dicomTls'] {
  const { LIFEBOAT_DICOM_TLS_PORT: port, LIFEBOAT_DICOM_TLS_CERT: cert, LIFEBOAT_DICOM_TLS_KEY: key } = values;
  if (port === undefined) {
    for (const name of ['LIFEBOAT_DICOM_TLS_CERT', 'LIFEBOAT_DICOM_TLS_KEY', 'LIFEBOAT_DICOM_TLS_CLIENT_CA'] as const)
      if (values[name]) throw invalid(`LIFEBOAT_DICOM_TLS_PORT is missing; ${name} is given, which is for that port.`);
    if (!values.LIFEBOAT_DICOM_PLAIN)
      throw invalid('LIFEBOAT_DICOM_TLS_PORT is missing; with LIFEBOAT_DICOM_PLAIN false no modality could send.');
    return undefined;
  }
  if (port !== 0 && values.LIFEBOAT_DICOM_PLAIN && port === values.LIFEBOAT_DICOM_PORT)
    throw invalid(`LIFEBOAT_DICOM_TLS_PORT ${port} is LIFEBOAT_DICOM_PORT too; each needs a port of its own.`);
  if (!cert !== !key)
    throw invalid(
      `${cert ? 'LIFEBOAT_DICOM_TLS_KEY' : 'LIFEBOAT_DICOM_TLS_CERT'} is missing; TLS needs certificate and key.`,
    );
  const own = cert && key ? { cert: pem('LIFEBOAT_DICOM_TLS_CERT'), key: pem('LIFEBOAT_DICOM_TLS_KEY') } : undefined;
  const files = own ?? https;
  if (!files)
    throw invalid(
      'LIFEBOAT_DICOM_TLS_CERT is missing; LIFEBOAT_DICOM_TLS_PORT needs it and its key, or those of LIFEBOAT_TLS_CERT.',
    );
  const clientCa = values.LIFEBOAT_DICOM_TLS_CLIENT_CA && { clientCa: pem('LIFEBOAT_DICOM_TLS_CLIENT_CA') };
  return { port, ...files, ...clientCa };
}

function assembleStore(values: Settings, dataDir: string, base: string): Config['store'] {
  const store = values.LIFEBOAT_STORE;
  if (store.startsWith('file:')) {
    const folder = store.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
    return { kind: 'file', dir: folder ? resolve(base, folder) : join(dataDir, 'store') };
  }
  const needed = ['LIFEBOAT_S3_ENDPOINT', 'LIFEBOAT_S3_ACCESS_KEY', 'LIFEBOAT_S3_SECRET_KEY'] as const;
  for (const name of needed)
    if (!values[name]) throw invalid(`${name} is missing; LIFEBOAT_STORE is ${store}, which needs it.`);
  return {
    kind: 's3',
    bucket: store.slice('s3://'.length).replace(/\/$/, ''),
    endpoint: values.LIFEBOAT_S3_ENDPOINT!,
    publicEndpoint: values.LIFEBOAT_S3_PUBLIC_ENDPOINT,
    accessKey: values.LIFEBOAT_S3_ACCESS_KEY!,
    secretKey: values.LIFEBOAT_S3_SECRET_KEY!,
    region: values.LIFEBOAT_S3_REGION,
    ...lockOf(values),
  };
}

/** The same for store and replica, where these are buckets. */
function lockOf({ LIFEBOAT_LOCK_DAYS: days, LIFEBOAT_LOCK_MODE: mode }: Settings): { lock?: ObjectLock } {
  return days > 0 ? { lock: { days, mode } } : {};
}

/** Settings of its own S3, where given; those of the first store otherwise. */
function assembleReplica(values: Settings, first: Config['store'], base: string): Config['replica'] {
  const named = values.LIFEBOAT_REPLICA;
  if (!named) {
    for (const name of ['LIFEBOAT_REPLICA_S3_ENDPOINT', 'LIFEBOAT_REPLICA_S3_ACCESS_KEY'] as const)
      if (values[name]) throw invalid(`LIFEBOAT_REPLICA is missing; ${name} is given, which is for that store.`);
    return undefined;
  }
  const bytesPerSecond = values.LIFEBOAT_REPLICA_MB_PER_S * 1_000_000;
  if (named.startsWith('file:')) {
    const dir = resolve(base, named.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
    if (first.kind === 'file' && first.dir === dir)
      throw invalid(
        'LIFEBOAT_REPLICA is the folder of LIFEBOAT_STORE; a copy must lie elsewhere, best on another machine.',
      );
    return { store: { kind: 'file', dir }, bytesPerSecond };
  }
  const endpoint = values.LIFEBOAT_REPLICA_S3_ENDPOINT ?? values.LIFEBOAT_S3_ENDPOINT;
  const accessKey = values.LIFEBOAT_REPLICA_S3_ACCESS_KEY ?? values.LIFEBOAT_S3_ACCESS_KEY;
  const secretKey = values.LIFEBOAT_REPLICA_S3_SECRET_KEY ?? values.LIFEBOAT_S3_SECRET_KEY;
  if (!endpoint || !accessKey || !secretKey)
    throw invalid(
      `LIFEBOAT_REPLICA is ${named}, which needs LIFEBOAT_REPLICA_S3_ENDPOINT, _ACCESS_KEY and _SECRET_KEY (or those of LIFEBOAT_S3_).`,
    );
  const bucket = named.slice('s3://'.length).replace(/\/$/, '');
  if (first.kind === 's3' && first.bucket === bucket && first.endpoint === endpoint)
    throw invalid('LIFEBOAT_REPLICA is the bucket of LIFEBOAT_STORE; a copy must lie elsewhere.');
  const publicEndpoint =
    values.LIFEBOAT_REPLICA_S3_PUBLIC_ENDPOINT ??
    (values.LIFEBOAT_REPLICA_S3_ENDPOINT ? undefined : values.LIFEBOAT_S3_PUBLIC_ENDPOINT);
  return {
    store: {
      kind: 's3',
      bucket,
      endpoint,
      ...(publicEndpoint && { publicEndpoint }),
      accessKey,
      secretKey,
      region: values.LIFEBOAT_REPLICA_S3_REGION ?? values.LIFEBOAT_S3_REGION,
      ...lockOf(values),
    },
    bytesPerSecond,
  };
}

function assembleNotify(values: Settings): NotifySettings {
  const { LIFEBOAT_WEBHOOK_URL: url, LIFEBOAT_WEBHOOK_SECRET: secret, LIFEBOAT_SMTP: smtp } = values;
  const { LIFEBOAT_MAIL_FROM: from, LIFEBOAT_MAIL_TO: to } = values;
  if (secret && !url)
    throw invalid('LIFEBOAT_WEBHOOK_URL is missing; LIFEBOAT_WEBHOOK_SECRET is given, which is for it.');
  if (smtp && (!from || to.length === 0))
    throw invalid('LIFEBOAT_MAIL_FROM and LIFEBOAT_MAIL_TO are needed with LIFEBOAT_SMTP.');
  return {
    ...(url && { webhook: { url, ...(secret && { secret }) } }),
    ...(smtp && from && { mail: { smtp, from, to } }),
  };
}

function assembleDatabase(url: string | undefined, dataDir: string, base: string): Config['database'] {
  if (!url) return { kind: 'sqlite', file: join(dataDir, 'catalogue.sqlite') };
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    return { kind: 'sqlite', file: resolve(base, file) };
  }
  return { kind: 'postgres', url };
}

function canaryImage(uids: [string, string, string] | undefined): CanaryImage | undefined {
  if (!uids) return undefined;
  const [studyInstanceUID, seriesInstanceUID, sopInstanceUID] = uids;
  return { studyInstanceUID, seriesInstanceUID, sopInstanceUID };
}
