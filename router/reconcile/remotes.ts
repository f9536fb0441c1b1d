import { readFileSync } from 'node:fs';
import { LifeboatError } from '../../contract/errors.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { Config } from '../config.ts';
import { clientTlsOptions } from '../forward/client-tls.ts';
import { type Destination, fetchedFrom, nameOf, type StowDestination } from '../forward/forward-types.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { DimseRemote } from './dimse-remote.ts';
import { QidoRemote } from './qido-remote.ts';
import type { RemoteArchive } from './remote-archive.ts';

/** Everybody whose archive can be asked: the destinations of the forwarding and LIFEBOAT_PACS. */
export class Remotes {
  readonly #config: Pick<Config, 'aeTitle' | 'pacs'>;
  readonly #forwarding: Forwarding;
  readonly #receiver: Receiver | undefined;

  /** @param receiver for what is fetched over DICOMweb; absent: it is not fetched by this process */
  constructor(config: Pick<Config, 'aeTitle' | 'pacs'>, forwarding: Forwarding, receiver?: Receiver) {
    this.#config = config;
    this.#forwarding = forwarding;
    this.#receiver = receiver;
  }

  get names(): string[] {
    const pacs = this.pacsName;
    return [
      ...new Set([...(pacs === undefined ? [] : [pacs]), ...this.#forwarding.destinations.map(({ name }) => name)]),
    ];
  }

  /** The main PACS as it is called here. */
  get pacsName(): string | undefined {
    const { pacs } = this.#config;
    return pacs && (this.#forwarding.destinationAt(pacs) ?? nameOf(pacs));
  }

  /** By its name, or by its AE title where only one has it. */
  nameFor(given: string): string | undefined {
    if (this.names.includes(given)) return given;
    const alike = this.names.filter((name) => name.startsWith(`${given}@`));
    return alike.length === 1 ? alike[0] : undefined;
  }

  remote(name: string): RemoteArchive | undefined {
    const destination = this.#forwarding.destinations.find((one) => one.name === name);
    const { pacs, aeTitle } = this.#config;
    if (destination) return this.#ofDestination(destination);
    if (!pacs || nameOf(pacs) !== name) return undefined;
    const { host, port, aeTitle: calledAE } = pacs;
    return new DimseRemote(name, { host, port, calledAE, callingAE: aeTitle }, { moveTo: aeTitle });
  }

  #ofDestination(destination: Destination): RemoteArchive | undefined {
    const { aeTitle } = this.#config;
    if (destination.kind === 'dimse') {
      const { name, host, port, tls, aeTitle: calledAE, callingAE = aeTitle } = destination;
      const peer = { host, port, calledAE, callingAE, ...(tls && { tls: clientTlsOptions(tls, host) }) };
      return new DimseRemote(name, peer, { moveTo: aeTitle });
    }
    // Certificates of its own are not for the client that asks here.
    if (destination.tls) return undefined;
    const { name, url } = destination;
    const receiver = this.#receiver;
    return new QidoRemote(name, {
      url: url.replace(/\/+$/, ''),
      headers: () => authorizationOf(destination),
      ...(receiver && { keep: () => receiver.beginFile({ via: 'import', user: fetchedFrom(name) }) }),
    });
  }
}

/** Secrets are read anew for each request, as the forwarding does. */
export function authorizationOf({ tokenFile, basic }: StowDestination): Record<string, string> {
  const secret = (file: string) => {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (cause) {
      throw new LifeboatError('CONFIG_INVALID', `The file ${file} cannot be read.`, { cause });
    }
  };
  if (tokenFile) return { Authorization: `Bearer ${secret(tokenFile)}` };
  if (!basic) return {};
  return { Authorization: `Basic ${Buffer.from(`${basic.user}:${secret(basic.passwordFile)}`).toString('base64')}` };
}
