import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { LifeboatError } from '../../contract/errors.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { AccessControl } from '../access/access-types.ts';
import type { Config } from '../config.ts';
import { type AcceptorContext, AssociationAcceptor } from './association-acceptor.ts';
import { createDimseMetrics } from './dimse-metrics.ts';

export interface DimseServerContext {
  config: AcceptorContext['config'] & Pick<Config, 'dicomPort'>;
  receiver: Receiver;
  access: Pick<AccessControl, 'senderAllowed' | 'refused' | 'audit'>;
  log: Logger;
  metrics?: Registry;
}

export interface DimseServer {
  /** The port it listens on. */
  readonly port: number;
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

/** Starts the DICOM port: Verification SCP and Storage SCP. Throws PORT_IN_USE. */
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
    established: () => {
      let n = 0;
      for (const acceptor of acceptors) if (acceptor.established) n++;
      return n;
    },
    closing: () => closing,
  };
  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
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
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new LifeboatError('PORT_IN_USE', `The DICOM port ${config.dicomPort} is in use by another program.`)
          : error,
      );
    });
    server.listen(config.dicomPort, resolve);
  });
  server.on('error', (error) => log.error({ err: error }, 'DICOM port'));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.dicomPort;
  return {
    port,
    associations: () => [...acceptors].filter((a) => a.established).map((a) => a.summary),
    close: async (graceMs = CLOSE_GRACE_MS) => {
      closing = true;
      server.close();
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
