import { createHash, randomBytes } from 'node:crypto';
import type { Scope, TokenCreate, TokenCreated, TokenRow } from '../../contract/api.ts';
import { LifeboatError } from '../../contract/errors.ts';
import type { ControlDatabase } from './database.ts';

export const SCOPES: readonly Scope[] = ['dicomweb:read', 'dicomweb:write', 'metrics'];
/** A token's last use is written at most this often, ms. */
const USED_RESOLUTION_MS = 60_000;

/** Bearer tokens of machine clients (RFC 6750). Only the SHA-256 of a secret is kept; the secret has 256 random bits. */
export class Tokens {
  readonly #db: ControlDatabase;
  readonly #now: () => number;
  constructor(db: ControlDatabase, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** @throws BAD_REQUEST */
  create(wanted: TokenCreate): TokenCreated {
    const scopes = [...new Set(wanted.scopes)];
    if (!wanted.name.trim() || wanted.name.length > 100)
      throw new LifeboatError('BAD_REQUEST', 'A token needs a name of 1 to 100 characters.');
    if (scopes.length === 0 || !scopes.every((scope) => SCOPES.includes(scope)))
      throw new LifeboatError('BAD_REQUEST', `A token needs one or more of the scopes ${SCOPES.join(', ')}.`);
    const expires = wanted.expiresAt ? Date.parse(wanted.expiresAt) : undefined;
    if (expires !== undefined && !(expires > this.#now()))
      throw new LifeboatError('BAD_REQUEST', 'The expiry of a token must be a time in the future.');
    const row: TokenRow = {
      id: randomBytes(6).toString('hex'),
      name: wanted.name.trim(),
      scopes,
      createdAt: new Date(this.#now()).toISOString(),
      expiresAt: expires === undefined ? null : new Date(expires).toISOString(),
      lastUsedAt: null,
    };
    const secret = `lb_${randomBytes(32).toString('base64url')}`;
    this.#db.run(
      'INSERT INTO tokens (id, name, secret_hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
      row.id,
      row.name,
      hashOf(secret),
      scopes.join(' '),
      row.createdAt,
      row.expiresAt,
    );
    return { ...row, secret };
  }

  rows(): TokenRow[] {
    return this.#db.all('SELECT * FROM tokens ORDER BY created_at').map(toRow);
  }

  /** @throws NOT_FOUND */
  remove(id: string): void {
    if (this.#db.run('DELETE FROM tokens WHERE id = ?', id) === 0)
      throw new LifeboatError('NOT_FOUND', 'There is no such token.');
  }

  /** The token behind a secret, 'expired' with its name, or undefined when there is none. */
  use(secret: string): TokenRow | { expired: string } | undefined {
    const stored = this.#db.get('SELECT * FROM tokens WHERE secret_hash = ?', hashOf(secret));
    if (!stored) return undefined;
    const row = toRow(stored);
    const now = this.#now();
    if (row.expiresAt && Date.parse(row.expiresAt) <= now) return { expired: row.name };
    if (!row.lastUsedAt || now - Date.parse(row.lastUsedAt) >= USED_RESOLUTION_MS)
      this.#db.run('UPDATE tokens SET last_used_at = ? WHERE id = ?', new Date(now).toISOString(), row.id);
    return row;
  }
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest();

function toRow(stored: Record<string, unknown>): TokenRow {
  return {
    id: String(stored['id']),
    name: String(stored['name']),
    scopes: String(stored['scopes']).split(' ') as Scope[],
    createdAt: String(stored['created_at']),
    expiresAt: stored['expires_at'] as string | null,
    lastUsedAt: stored['last_used_at'] as string | null,
  };
}
