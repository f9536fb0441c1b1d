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
      };
  /** LIFEBOAT_DATABASE_URL */
  database: { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };
  /** LIFEBOAT_ADMIN_PASSWORD */
  adminPassword?: string;
  /** LIFEBOAT_ACCEPT_AE; '*' for any. */
  acceptAE: string[];
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
  /** LIFEBOAT_TLS_CERT, LIFEBOAT_TLS_KEY: PEM files; HTTPS when both are given. */
  tls?: { cert: string; key: string };
  /** LIFEBOAT_TRUST_PROXY=true: a TLS proxy stands in front. */
  trustProxy: boolean;
  /** LIFEBOAT_LOG_LEVEL, default info. */
  logLevel: string;
  /** LIFEBOAT_DEMO=true, set by `npm run demo`. */
  demo: boolean;
}
