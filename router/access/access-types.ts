import type { AeRow, AuditAnswer, RefusalRow, Role, Scope } from '../../contract/api.ts';

/** Who is asking: a signed-in person or a machine token. */
export interface Principal {
  kind: 'user' | 'token';
  name: string;
  /** Present for people. */
  role?: Role;
  /** What this principal may do; people's roles imply scopes. */
  scopes: ReadonlySet<Scope | 'api' | 'admin' | 'arrivals'>;
  /** The password was made by somebody else: no scopes, and everything but changing it is refused. */
  mustChangePassword?: true;
  /** Remote address. */
  address: string;
}

export interface AuditEvent {
  user: string;
  address: string;
  action: string;
  object: string;
  detail?: string;
  /** How much of a patient's data left: part of the answer's first row, summed up over repeats. */
  sentBytes?: number;
  outcome: 'ok' | 'refused' | 'error';
}

/**
 * Accounts, tokens, allowed senders and the audit trail. Kept in LIFEBOAT_DATA/control.sqlite, apart from the catalogue:
 * the catalogue is a cache, this is not.
 */
export interface AccessControl {
  /** Decides whether a calling AE title may associate; an unknown one is remembered for IT. */
  senderAllowed(callingAE: string, address: string): boolean;
  aes(): AeRow[];
  allowAe(title: string, note?: string): void;
  removeAe(title: string): void;
  audit(event: AuditEvent): void;
  auditRows(filter: {
    from?: string;
    to?: string;
    user?: string;
    action?: string;
    limit: number;
    offset: number;
  }): AuditAnswer;
  /** A refusal that the person concerned must be able to see (also counted in /metrics). */
  refused(row: Omit<RefusalRow, 'at'>): void;
  refusals(limit: number): RefusalRow[];
  close(): void;
}
