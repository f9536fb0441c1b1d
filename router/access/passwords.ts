import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { LifeboatError } from '../../contract/errors.ts';

/** Argon2id (RFC 9106) with 32 MiB and two passes; above the OWASP minimum of 19 MiB. Stored with each hash, so it can grow. */
const COST = { memory: 32 * 1024, passes: 2, parallelism: 1 };
const TAG_LENGTH = 32;
/** Verifications that run at once: memory is bounded to this many times `COST.memory`. */
const AT_ONCE = 2;
const WAITING_MAX = 64;

interface Cost {
  memory: number;
  passes: number;
  parallelism: number;
}

let running = 0;
const waiting: (() => void)[] = [];

/** @throws BUSY when more sign-ins wait than could be answered in reasonable time. */
async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) {
    if (waiting.length >= WAITING_MAX) throw new LifeboatError('BUSY');
    await new Promise<void>((go) => waiting.push(go));
  } else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

function derive(password: string, nonce: Buffer, cost: Cost): Promise<Buffer> {
  const message = Buffer.from(password.normalize('NFKC'), 'utf8');
  return oneOfFew(
    () =>
      new Promise((resolve, reject) =>
        argon2('argon2id', { message, nonce, tagLength: TAG_LENGTH, ...cost }, (error, key) =>
          error ? reject(error) : resolve(key),
        ),
      ),
  );
}

/** PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  return format(salt, hash);
}

function format(salt: Buffer, hash: Buffer): string {
  const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${b64(salt)}$${b64(hash)}`;
}

/** A hash nobody's password has: verified against for unknown users, so that these take as long as known ones. */
const NOBODY = format(randomBytes(16), randomBytes(TAG_LENGTH));

/** Verify in constant time; `stored` undefined (no such user) costs the same and is false. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(stored ?? NOBODY);
  if (!parts) throw new LifeboatError('INTERNAL', 'A stored password hash has a form this version does not know.');
  const cost = { memory: Number(parts[1]), passes: Number(parts[2]), parallelism: Number(parts[3]) };
  const expected = Buffer.from(parts[5]!, 'base64');
  const actual = await derive(password, Buffer.from(parts[4]!, 'base64'), cost);
  return timingSafeEqual(actual, expected) && stored !== undefined;
}

/** @throws WEAK_PASSWORD */
export function checkNewPassword(name: string, password: string): void {
  if (password.length < 10 || password.toLowerCase() === name.toLowerCase()) throw new LifeboatError('WEAK_PASSWORD');
  if (password.length > 1024) throw new LifeboatError('WEAK_PASSWORD', 'A password may have at most 1024 characters.');
}

/** A one-time password that can be read out and typed: 20 characters of an alphabet without look-alikes, 100 bits. */
export function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789A';
  return [...randomBytes(20)].map((byte, i) => (i && i % 5 === 0 ? '-' : '') + alphabet[byte & 31]).join('');
}
