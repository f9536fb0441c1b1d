import { lookup } from 'node:dns/promises';
import { LifeboatError } from '../../contract/errors.ts';
import type { AccessControl, AuditEvent } from '../access/access-types.ts';
import type { ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';

/** A workstation that may query and retrieve, and where images for it go. */
export interface Workstation {
  aeTitle: string;
  host: string;
  port: number;
}

/** Refused: Not Authorized (PS3.7 C.4). */
const NOT_AUTHORIZED = 0x0124;

/**
 * Who may query and retrieve: a configured workstation, calling from the host it is configured at. An AE title alone proves
 * nothing, and may be made up by whoever can reach the port.
 */
export class Permit {
  readonly #workstations: readonly Workstation[];
  readonly #access: Pick<AccessControl, 'audit' | 'refused'>;

  constructor(workstations: readonly Workstation[], access: Pick<AccessControl, 'audit' | 'refused'>) {
    this.#workstations = workstations;
    this.#access = access;
  }

  /** The refusal, seen by IT and in the audit trail; undefined: go on. */
  async check(request: ServiceRequest, operation: string): Promise<ServiceResponse | undefined> {
    const { callingAE, address } = request;
    const entries = this.#workstations.filter(({ aeTitle }) => aeTitle === callingAE);
    for (const { host } of entries) if (await isAt(host, address)) return undefined;
    const why =
      entries.length === 0
        ? 'it is not one of LIFEBOAT_WORKSTATIONS'
        : `LIFEBOAT_WORKSTATIONS has it at ${entries.map(({ host }) => host).join(', ')}`;
    const error = new LifeboatError('CALLING_AE_NOT_ALLOWED', `${operation} of ${callingAE} refused: ${why}.`);
    this.refuse(request, operation === 'C-FIND' ? 'query' : 'export', error);
    return { status: NOT_AUTHORIZED, errorComment: 'This AE title may not query or retrieve here; ask IT.' };
  }

  /** Where images for this AE title go. */
  destination(aeTitle: string): Workstation | undefined {
    return this.#workstations.find((each) => each.aeTitle === aeTitle);
  }

  /** Makes a refusal visible to IT and in the audit trail. */
  refuse(request: ServiceRequest, action: string, { code, message }: LifeboatError): void {
    const peer = `${request.callingAE}@${request.address}`;
    this.#access.refused({ channel: 'DIMSE', peer, code, message });
    this.audit(request, action, 'dimse', message, 'refused');
  }

  audit(
    { callingAE, address }: ServiceRequest,
    action: string,
    object: string,
    detail: string,
    outcome: AuditEvent['outcome'],
  ): void {
    this.#access.audit({ user: callingAE, address, action, object, detail, outcome });
  }
}

async function isAt(host: string, address: string): Promise<boolean> {
  if (host === address) return true;
  try {
    const found = await lookup(host, { all: true });
    return found.some((each) => each.address.replace(/^::ffff:/, '') === address);
  } catch {
    // A name that cannot be resolved vouches for nobody; the refusal says which it is.
    return false;
  }
}
