import { mkdir } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import { LifeboatError } from '../contract/errors.ts';
import { openArchive } from '../storage/archive.ts';
import { trustedPems } from '../storage/policy/trusted-keys.ts';
import { Control, type FirstStart } from './access/control.ts';
import { openHistory } from './backfill/history.ts';
import { openCommitments } from './commitment/open-commitments.ts';
import type { Config } from './config.ts';
import type { RouterContext } from './context.ts';
import { correctedManifests } from './corrections/corrected-views.ts';
import { Corrections } from './corrections/corrections.ts';
import { createDicomweb } from './dicomweb/index.ts';
import { startDimseServer } from './dimse/server.ts';
import { openForwarding, registerForwardingMetrics } from './forward/forwarding.ts';
import { createApp } from './http/app.ts';
import { SignedManifests } from './http/signed-manifest.ts';
import { ObjectSigner } from './http/signed-objects.ts';
import { finishKilledImport } from './import-spool.ts';
import { Integrity, registerIntegrityMetrics } from './integrity.ts';
import { LifeboatMode } from './lifeboat/lifeboat-mode.ts';
import { VIEWER_DIR } from './lifeboat/publish-viewer.ts';
import { startLifeboatIndex } from './lifeboat-index.ts';
import { createLog } from './log.ts';
import { createRegistry, registerArchiveMetrics } from './metrics.ts';
import { Notifier } from './notify/notifier.ts';
import { watchForwarding } from './notify/watch-forwarding.ts';
import { watchIntegrity } from './notify/watch-integrity.ts';
import { CanaryIntake } from './outage/image-canary.ts';
import { watchPacs } from './outage/watch-pacs.ts';
import { openQueryRetrieve } from './query-retrieve/query-retrieve.ts';
import { countReceptions } from './reception-watch.ts';
import { openReconciliation } from './reconcile/open-reconciliation.ts';
import { Remotes } from './reconcile/remotes.ts';
import { Renditions } from './renditions.ts';
import { fallbackTeller, Replica, registerReplicaMetrics } from './replica.ts';
import { Retention } from './retention/retention.ts';
import { registerRisMetrics } from './ris-metrics.ts';
import { StatusBoard } from './status.ts';
import { readTls, type TlsFiles, warnOfExpiry, watchTls } from './tls.ts';
import { openRis } from './worklist/ris.ts';

const COMPACT_EVERY_MS = 6 * 3_600_000;

export interface RunningRouter {
  readonly context: RouterContext;
  /** The same as `context.access`, with accounts, tokens and sessions. */
  readonly control: Control;
  readonly retention: Retention;
  readonly httpPort: number;
  readonly dicomPort: number;
  /** The DICOM port that speaks TLS; null when there is none. */
  readonly dicomTlsPort: number | null;
  /** Another certificate for the TLS handshakes to come on the DICOM port. */
  renewDicomTls(options: TlsOptions): void;
  /** `http://localhost:PORT`, no slash at the end. */
  readonly url: string;
  /** Present when this start made the first administrator. */
  readonly firstStart: FirstStart | null;
  /** Ends associations and requests, commits what it can, closes files. Whatever is in the spool stays there. */
  close(): Promise<void>;
}

/**
 * Starts everything: archive, access control, DICOM port, HTTP port, PACS watch.
 * @throws PORT_IN_USE, STORE_UNAVAILABLE and CATALOGUE_UNAVAILABLE as its parts do; what was started is closed again.
 */
export async function serve(config: Config, options: { viewerDir?: string } = {}): Promise<RunningRouter> {
  const closers: (() => unknown)[] = [];
  const ending = new AbortController();
  const closeAll = async () => {
    ending.abort();
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await start(config, options.viewerDir ?? VIEWER_DIR, closers, closeAll, ending.signal);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function start(
  config: Config,
  viewerDir: string,
  closers: (() => unknown)[],
  closeAll: () => Promise<void>,
  ending: AbortSignal,
): Promise<RunningRouter> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o750 }).catch((error: unknown) => {
    throw new LifeboatError('CONFIG_INVALID', `LIFEBOAT_DATA ${config.dataDir} cannot be made.`, { cause: error });
  });
  const log = createLog(config);
  const { tls, dicomTls } = config;
  const httpsOptions = tls && loadTls(tls, log);
  const dicomTlsOptions = dicomTls && loadTls(dicomTls, log);
  const metrics = createRegistry();
  const control = new Control(config);
  closers.push(() => control.close());
  const firstStart = await control.firstStart(config.adminPassword);

  const notifier = new Notifier({ ...config.notify, dataDir: config.dataDir, log });
  closers.push(() => notifier.close());
  const onProblem = (error: LifeboatError) => log.warn({ err: error, code: error.code }, 'archive');
  const forwarding = openForwarding(config);
  closers.push(() => forwarding.closeQueue());
  // asked while the archive is open, set as soon as it is
  const known: { integrity?: Integrity } = {};
  const opened = await openArchive({
    ...config,
    onProblem,
    trustedKeys: trustedPems(config),
    onRefusedRemoval: (error) => tellOfRefusal(error, control, notifier, log),
    ending,
    compaction: { everyMs: COMPACT_EVERY_MS },
    ...(config.replica && {
      replica: {
        store: config.replica.store,
        isDamaged: (key: string) => known.integrity?.isDamaged(key) ?? false,
        onFallback: fallbackTeller(log, metrics),
      },
    }),
    onStored: (entries) => forwarding.owe(entries),
  });
  closers.push(() => opened.close());
  const archive = countReceptions(opened, metrics);
  const finished = finishKilledImport(config, onProblem).catch((error: unknown) => {
    log.info({ err: error }, 'the spool of imports is left alone');
  });
  closers.push(() => finished);
  const context: RouterContext = { config, archive, access: control, log, metrics, ending, forwarding };
  forwarding.start(archive, config.aeTitle, log);
  closers.push(() => forwarding.close());
  context.notify = notifier.notify;
  closers.push(watchForwarding(forwarding, notifier.notify));
  const reconciliation = openReconciliation(context, forwarding);
  closers.push(() => reconciliation.close());
  context.reconciliation = reconciliation;
  const canaryIntake = new CanaryIntake(archive);
  closers.push(watchPacs(context, forwarding, reconciliation, canaryIntake));
  const remotes = new Remotes(config, forwarding, archive);
  const corrections = new Corrections({
    dataDir: config.dataDir,
    archive,
    forwarding,
    remote: (name) => remotes.remote(name),
    log,
  });
  closers.push(() => corrections.close());
  context.corrections = corrections;
  registerArchiveMetrics(metrics, archive, control, () => context.pacsStatus?.());
  registerForwardingMetrics(metrics, forwarding);
  const lifeboatIndex = startLifeboatIndex(config, archive, metrics, onProblem);
  closers.push(() => lifeboatIndex.close());

  const replica = config.replica && new Replica(config, config.replica, archive, log);
  if (replica) {
    closers.push(() => replica.close());
    registerReplicaMetrics(metrics, replica);
    context.replica = replica;
  }
  const integrity = new Integrity(context);
  known.integrity = integrity;
  closers.push(() => integrity.close());
  registerIntegrityMetrics(metrics, integrity);
  closers.push(watchIntegrity(() => integrity.state.findings('open', 1_000).length, notifier.notify));
  const lifeboat = new LifeboatMode(context, control, viewerDir);
  closers.push(() => lifeboat.close());

  const renditions = new Renditions({
    archive,
    dataDir: config.dataDir,
    wanted: config.renditions ?? false,
    log,
    metrics,
  });
  closers.push(() => renditions.close());
  context.renditions = renditions;
  renditions.start();

  const retention = new Retention(context, integrity);
  closers.push(() => retention.close());

  const ris = openRis(context, (event) => control.digest.note(event));
  closers.push(() => ris.close());
  context.ris = ris;
  const history = openHistory(context, forwarding, ris);
  closers.push(() => history.close());
  context.history = history;
  registerRisMetrics(metrics, ris, history);
  const queryRetrieve = openQueryRetrieve(context);
  closers.push(() => queryRetrieve.close());
  const commitments = openCommitments(context, control);
  closers.push(() => commitments.close());
  const dimse = await startDimseServer({
    services: [...queryRetrieve.services, ...ris.services, commitments.service],
    config,
    receiver: integrity.intake.before(canaryIntake.before(archive)),
    access: control,
    log,
    metrics,
    ...(dicomTls && dicomTlsOptions && { tls: { port: dicomTls.port, options: dicomTlsOptions } }),
  });
  closers.push(() => dimse.close());
  if (dicomTls) closers.push(watchTls(dicomTls, log, (options) => dimse.renewTls(options)));

  const signer = new ObjectSigner(control.secret('object-urls'));
  const { app, endStreams } = createApp(
    {
      context,
      control,
      digest: control.digest,
      signer,
      manifests: new SignedManifests(correctedManifests(archive, corrections), signer, renditions),
      status: new StatusBoard(context, control, () => dimse.port),
      log,
      integrity,
      lifeboat,
      retention,
    },
    createDicomweb(context),
    viewerDir,
  );
  const server = createServer(httpsOptions, app);
  if (tls) closers.push(watchTls(tls, log, (options) => (server as HttpsServer).setSecureContext(options)));
  const httpPort = await listen(server, config);
  closers.push(() => closeServer(server, endStreams));
  integrity.start();
  commitments.start();
  notifier.start();
  reconciliation.start();
  corrections.start();
  lifeboat.start();
  retention.start();
  replica?.start();
  ris.start();
  history.start();
  log.info({ httpPort, dicomPort: dimse.port, aeTitle: config.aeTitle, store: archive.store.description }, 'started');
  return {
    context,
    control,
    retention,
    httpPort,
    dicomPort: dimse.port,
    dicomTlsPort: dimse.tlsPort,
    renewDicomTls: (options) => dimse.renewTls(options),
    url: `${config.tls ? 'https' : 'http'}://localhost:${httpPort}`,
    firstStart,
    close: closeAll,
  };
}

/** A removal that is not of ours takes nothing out, and somebody with the right to write into the store made it. */
function tellOfRefusal(
  error: LifeboatError,
  control: Pick<Control, 'audit'>,
  { notify }: Pick<Notifier, 'notify'>,
  log: Logger,
): void {
  log.error({ err: error, code: error.code }, 'a removal is not believed');
  notify({
    kind: 'integrity',
    subject: 'A removal in the store is not believed',
    text: `${error.message} Nothing was taken out. Find out who wrote it, and see the page Integrity.`,
  });
  control.audit({
    user: 'router',
    address: 'local',
    action: 'removal-refused',
    object: 'store',
    detail: error.message,
    outcome: 'refused',
  });
}

function loadTls(files: TlsFiles, log: Logger): TlsOptions {
  const { certificate, ...options } = readTls(files);
  warnOfExpiry({ certificate }, files, log);
  return options;
}

function createServer(tls: TlsOptions | undefined, app: Parameters<typeof createHttpServer>[1]): Server {
  const server = tls ? createHttpsServer(tls, app) : createHttpServer(app);
  server.headersTimeout = 15_000;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 65_000;
  server.setTimeout(120_000);
  return server;
}

async function listen(server: Server, config: Config): Promise<number> {
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const sentence =
        error.code === 'EADDRINUSE'
          ? `LIFEBOAT_HTTP_PORT ${config.httpPort} is in use by another program.`
          : `LIFEBOAT_HTTP_PORT ${config.httpPort} on ${config.httpHost} cannot be opened: ${error.code}.`;
      fail(
        new LifeboatError(error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'CONFIG_INVALID', sentence, { cause: error }),
      );
    });
    server.listen(config.httpPort, config.httpHost, done);
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : config.httpPort;
}

/** How long requests under way may take when the router stops, ms. */
const CLOSE_GRACE_MS = 5_000;

async function closeServer(server: Server, endStreams: () => void): Promise<void> {
  endStreams();
  const closed = new Promise((done) => server.close(done));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}
