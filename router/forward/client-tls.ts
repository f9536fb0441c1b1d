import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { LifeboatError } from '../../contract/errors.ts';
import type { ClientTls } from './forward-types.ts';

function pem(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new LifeboatError('PEER_UNREACHABLE', `: the file ${file} cannot be read.`, { cause: error });
  }
}

/**
 * TLS as a client (BCP 195; PS3.15 B.12): the peer's certificate is always checked, ours is shown where it asks. The files are
 * read at each connection, so that a renewed certificate needs no restart.
 * @throws PEER_UNREACHABLE that names a file which cannot be read
 */
export function clientTlsOptions(tls: ClientTls, host: string): ConnectionOptions {
  const name = tls.serverName ?? host;
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(name) === 0 && { servername: name }),
    ...(tls.ca && { ca: pem(tls.ca) }),
    ...(tls.cert && { cert: pem(tls.cert) }),
    ...(tls.key && { key: pem(tls.key) }),
  };
}
