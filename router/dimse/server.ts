import { createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { LifeboatError } from '../../contract/errors.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { AccessControl } from '../access/access-types.ts';
import type { Config } from '../config.ts';
import { type AcceptorContext, AssociationAcceptor } from './association-acceptor.ts';
import { createDimseMetrics } from './dimse-metrics.ts';
import type { DimseService } from './dimse-service.ts';
import { createTlsPort } from './tls-port.ts';

export interface DimseServerContext {
  config: AcceptorContext['config'] & Pick<Config, 'dicomPort' | 'dicomPlain'>;
  /** Present: a second port that speaks TLS. Only it is opened where `config.dicomPlain` is false. */
  tls?: { port: number; options: TlsOptions };
  receiver: Receiver;
  access: Pick<AccessControl, 'senderAllowed' | 'refused' | 'audit'>;
  log: Logger;
  metrics?: Registry;
  /** Beyond verification and storage. */
  services?: readonly DimseService[];
}

export interface DimseServer {
  /** The port it listens on; the one with TLS where there is no other. */
  readonly port: number;
  /** The port that speaks TLS; null when there is none. */
  readonly tlsPort: number | null;
  /** Takes a renewed certificate for the handshakes to come. */
  renewTls(options: TlsOptions): void;
  /**
   * Takes no new associations, lets the message under way on each association be answered, then ends them.
   * @param graceMs after this long what is left is cut
   */
  close(graceMs?: number): Promise<void>;
  /** Associations established now. */
  associations(): Array<{ peer: string; stored: number; failed: number }>;
}

const CLOSE_GRACE_MS = 10_000;
/** Connections beyond the association limit that may wait for their clear rejection; more are cut unheard. */
const REJECTION_BACKLOG = 64;

/** Starts the DICOM port: Verification SCP, Storage SCP and `services`. Throws PORT_IN_USE. */
export async function startDimseServer(context: DimseServerContext): Promise<DimseServer> {
  const { config, log } = context;
  const acceptors = new Set<AssociationAcceptor>();
  let closing = false;
  let allGone: (() => void) | undefined;
  const acceptorContext: AcceptorContext = {
    config,
    receiver: context.receiver,
    access: context.access,
    log,
    metrics: createDimseMetrics(context.metrics, () => acceptors.size),
    services: new Map(
      (context.services ?? []).flatMap((service) => service.abstractSyntaxes.map((uid) => [uid, service] as const)),
    ),
    established: () => {
      let n = 0;
      for (const acceptor of acceptors) if (acceptor.established) n++;
      return n;
    },
    closing: () => closing,
  };
  const accept = (socket: Socket) => {
    if (acceptors.size >= config.maxAssociations + REJECTION_BACKLOG) {
      const error = new LifeboatError('ASSOCIATION_LIMIT');
      const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
      context.access.refused({ channel: 'DIMSE', peer, code: error.code, message: error.message });
      log.warn({ peer }, 'connection cut: far too many at once');
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const acceptor: AssociationAcceptor = new AssociationAcceptor(socket, acceptorContext, () => {
      acceptors.delete(acceptor);
      if (acceptors.size === 0) allGone?.();
    });
    acceptors.add(acceptor);
  };
  const plain = config.dicomPlain === false ? null : createServer({ pauseOnConnect: true }, accept);
  const secure = context.tls
    ? createTlsPort(context.tls.options, context, accept, config.maxAssociations + REJECTION_BACKLOG)
    : null;
  const plainPort = plain && (await listen(plain, config.dicomPort, log));
  let tlsPort: number | null = null;
  try {
    tlsPort = secure && (await listen(secure.server, context.tls!.port, log));
  } catch (error) {
    plain?.close();
    throw error;
  }
  return {
    port: (plainPort ?? tlsPort)!,
    tlsPort,
    renewTls: (options) => secure?.server.setSecureContext(options),
    associations: () => [...acceptors].filter((a) => a.established).map((a) => a.summary),
    close: async (graceMs = CLOSE_GRACE_MS) => {
      closing = true;
      plain?.close();
      secure?.close();
      const cut = setTimeout(() => {
        for (const acceptor of acceptors) acceptor.destroy();
      }, graceMs);
      const goodbye = new LifeboatError('DIMSE_CONNECTION_LOST', 'The router is shutting down.');
      for (const acceptor of acceptors) acceptor.endWhenIdle(goodbye);
      if (acceptors.size > 0) {
        await new Promise<void>((resolve) => {
          allGone = resolve;
        });
      }
      clearTimeout(cut);
    },
  };
}

/** Throws PORT_IN_USE. */
async function listen(server: Server, wanted: number, log: Logger): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new LifeboatError('PORT_IN_USE', `The DICOM port ${wanted} is in use by another program.`)
          : error,
      );
    });
    server.listen(wanted, resolve);
  });
  server.on('error', (error) => log.error({ err: error }, 'DICOM port'));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : wanted;
}
