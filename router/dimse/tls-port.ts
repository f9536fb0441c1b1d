import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { LifeboatError } from '../../contract/errors.ts';
import type { DimseServerContext } from './server.ts';

/** What OpenSSL calls it when a peer sends an A-ASSOCIATE-RQ, or anything else, without TLS. */
const NOT_TLS = /wrong version number|http request|unknown protocol|packet length too long/i;

/** The same for a line and the TLS socket on top of it. */
const lineOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`;

function reasonOf(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // Node names the fault of a client certificate by OpenSSL's code.
  const certificate = socket.authorizationError as unknown;
  if (certificate) return `its certificate is not accepted (${String(certificate)})`;
  if (/peer did not return a certificate/i.test(error.message)) return 'it shows no certificate';
  if (NOT_TLS.test(error.message)) return 'it speaks without TLS';
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'it does not finish the handshake in time';
  return /reason: ?(.*)|SSL routines:[^:]*:([^:]+)/.exec(error.message)?.slice(1).find(Boolean) ?? error.message;
}

/**
 * The DICOM port behind TLS (PS3.15 B.12). A handshake that fails is a row for IT; one that hangs ends after the ARTIM time.
 * @param accept gets each line once it is secure
 * @param most lines at once, those in the handshake included
 */
export function createTlsPort(
  options: TlsOptions,
  { config, access, log }: Pick<DimseServerContext, 'config' | 'access' | 'log'>,
  accept: (socket: Socket) => void,
  most: number,
): { server: Server; close(): void } {
  const shaking = new Map<string, Socket>();
  const server = createServer({ ...options, handshakeTimeout: config.artimTimeoutMs });
  server.maxConnections = most;
  server.on('connection', (socket: Socket) => {
    const line = lineOf(socket);
    shaking.set(line, socket);
    socket.on('close', () => shaking.delete(line));
  });
  server.on('secureConnection', (socket) => {
    shaking.delete(lineOf(socket));
    accept(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const peer = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
    const refusal = new LifeboatError('DIMSE_TLS', `: ${reasonOf(error, socket)}.`);
    access.refused({ channel: 'DIMSE', peer, code: refusal.code, message: refusal.message });
    log.warn({ peer, err: error }, refusal.message);
    socket.destroy();
  });
  return {
    server,
    close: () => {
      server.close();
      for (const socket of shaking.values()) socket.destroy();
    },
  };
}
