import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const opensslAvailable = (): boolean => spawnSync('openssl', ['version']).status === 0;

export interface Pair {
  /** PEM files. */
  cert: string;
  key: string;
}

/** A certificate authority in a folder, and the certificates it issues (by Debian's openssl). */
export class TestAuthority {
  readonly cert: string;
  readonly #key: string;
  readonly #folder: string;
  #issued = 0;

  constructor(folder: string, name = 'authority') {
    this.#folder = folder;
    this.cert = join(folder, `${name}.pem`);
    this.#key = join(folder, `${name}.key`);
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
      '-subj',
      `/CN=Test ${name}`,
      '-keyout',
      this.#key,
      '-out',
      this.cert,
    );
  }

  /** For localhost and 127.0.0.1, good for servers and clients. */
  issue(name: string): Pair {
    const at = (ending: string) => join(this.#folder, `${name}.${ending}`);
    const pair = { cert: at('pem'), key: at('key') };
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', at('csr'));
    writeFileSync(at('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
    openssl(
      'x509',
      '-req',
      '-days',
      '30',
      '-in',
      at('csr'),
      '-CA',
      this.cert,
      '-CAkey',
      this.#key,
      '-set_serial',
      String(++this.#issued),
      '-extfile',
      at('ext'),
      '-out',
      pair.cert,
    );
    return pair;
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
