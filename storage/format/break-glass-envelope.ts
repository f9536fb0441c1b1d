/**
 * Break-glass envelopes: a read-only access key of the store, sealed with a password, that anybody may read and only who
 * knows the password can open. PBKDF2-HMAC-SHA-256 (RFC 8018) makes the key, AES-256-GCM (NIST SP 800-38D) seals. Documented
 * in storage/README.md. Runs in the browser too (WebCrypto).
 */
import { LifeboatError } from '../../contract/errors.ts';

export const ENVELOPES = 'lifeboat/envelopes/';
export const ENVELOPE_VERSION = 1;
/** The name that the sign-in of lifeboat mode proposes. */
export const DEFAULT_ENVELOPE = 'break-glass';
const ITERATIONS = 1_000_000;
/** Fewer would let the password be guessed; more would stop the browser of whoever opens it. */
const ITERATIONS_ALLOWED = [600_000, 20_000_000] as const;
const SALT_BYTES = 16;
const IV_BYTES = 12;
const envelopeName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** An access key of the store. */
export interface StoreCredential {
  accessKey: string;
  secretKey: string;
}

export interface BreakGlassEnvelope {
  lifeboat: 'break-glass-envelope';
  formatVersion: number;
  name: string;
  /** UTC, ISO 8601. */
  createdAt: string;
  kdf: { name: 'PBKDF2'; hash: 'SHA-256'; iterations: number /** base64 */; salt: string };
  cipher: { name: 'AES-256-GCM' /** base64, 12 bytes */; iv: string };
  /** base64: ciphertext and 16 bytes of tag, of the UTF-8 JSON of a `StoreCredential`. */
  sealed: string;
}

export function isEnvelopeName(name: string): boolean {
  return envelopeName.test(name);
}

export function envelopeKey(name: string): string {
  return `${ENVELOPES}${name}.json`;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** A password as it is meant: however the keyboard composes its letters, and without blanks around it. */
function passwordBytes(password: string): Uint8Array<ArrayBuffer> {
  return bytesOf(password.normalize('NFKC').trim());
}

/** What the seal also vouches for: an envelope under another name, or of another version, does not open. */
function boundTo({ name, formatVersion }: Pick<BreakGlassEnvelope, 'name' | 'formatVersion'>) {
  return bytesOf(`lifeboat break-glass envelope ${formatVersion} ${name}`);
}

async function keyOf(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Awaited<ReturnType<typeof crypto.subtle.importKey>>> {
  const material = await crypto.subtle.importKey('raw', passwordBytes(password), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

/**
 * Seals a credential.
 * @param iterations of PBKDF2
 * @throws BAD_REQUEST for a name that no envelope may have
 */
export async function sealEnvelope(
  name: string,
  password: string,
  credential: StoreCredential,
  iterations: number = ITERATIONS,
): Promise<BreakGlassEnvelope> {
  if (!isEnvelopeName(name))
    throw new LifeboatError('BAD_REQUEST', 'An envelope has a name of lower-case letters, digits and hyphens.');
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await keyOf(password, salt, iterations);
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: boundTo({ name, formatVersion: ENVELOPE_VERSION }) },
    key,
    bytesOf(JSON.stringify(credential)),
  );
  return {
    lifeboat: 'break-glass-envelope',
    formatVersion: ENVELOPE_VERSION,
    name,
    createdAt: new Date().toISOString(),
    kdf: { name: 'PBKDF2', hash: 'SHA-256', iterations, salt: toBase64(salt) },
    cipher: { name: 'AES-256-GCM', iv: toBase64(iv) },
    sealed: toBase64(new Uint8Array(sealed)),
  };
}

/** @throws BAD_REQUEST for what is no envelope, is of a newer version, or asks for too little or too much work */
export function readEnvelope(text: string): BreakGlassEnvelope {
  let envelope: Partial<BreakGlassEnvelope>;
  try {
    envelope = JSON.parse(text) as Partial<BreakGlassEnvelope>;
  } catch (error) {
    throw new LifeboatError('BAD_REQUEST', 'The break-glass envelope is damaged.', { cause: error });
  }
  const { lifeboat, formatVersion, name, createdAt, kdf, cipher, sealed } = envelope;
  if (lifeboat !== 'break-glass-envelope' || typeof formatVersion !== 'number')
    throw new LifeboatError('BAD_REQUEST', 'This is no break-glass envelope.');
  if (formatVersion > ENVELOPE_VERSION)
    throw new LifeboatError(
      'BAD_REQUEST',
      `The envelope is of version ${formatVersion}, which is newer than this viewer.`,
    );
  const texts = [name, createdAt, kdf?.salt, cipher?.iv, sealed];
  const known = kdf?.name === 'PBKDF2' && kdf.hash === 'SHA-256' && cipher?.name === 'AES-256-GCM';
  if (!known || !Number.isInteger(kdf.iterations) || texts.some((each) => typeof each !== 'string'))
    throw new LifeboatError('BAD_REQUEST', 'The break-glass envelope is damaged.');
  const [least, most] = ITERATIONS_ALLOWED;
  if (kdf.iterations < least || kdf.iterations > most)
    throw new LifeboatError('BAD_REQUEST', 'The break-glass envelope is not one that Lifeboat made.');
  return envelope as BreakGlassEnvelope;
}

/**
 * Opens an envelope.
 * @throws BAD_CREDENTIALS for a wrong password, or an envelope that was changed: the two cannot be told apart
 */
export async function openEnvelope(envelope: BreakGlassEnvelope, password: string): Promise<StoreCredential> {
  const { kdf, cipher, sealed } = envelope;
  let opened: ArrayBuffer;
  try {
    const key = await keyOf(password, fromBase64(kdf.salt), kdf.iterations);
    opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: fromBase64(cipher.iv), additionalData: boundTo(envelope) },
      key,
      fromBase64(sealed),
    );
  } catch (error) {
    throw new LifeboatError('BAD_CREDENTIALS', 'The break-glass password is wrong.', { cause: error });
  }
  const credential = JSON.parse(new TextDecoder().decode(opened)) as Partial<StoreCredential>;
  if (typeof credential.accessKey !== 'string' || typeof credential.secretKey !== 'string')
    throw new LifeboatError('BAD_REQUEST', 'The break-glass envelope holds no access key.');
  return { accessKey: credential.accessKey, secretKey: credential.secretKey };
}
