import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import { LifeboatError } from '../contract/errors.ts';

/** PEM files by absolute path, with the settings that named them. */
export interface TlsFiles {
  cert: TlsFile;
  key: TlsFile;
  /** Certificates of those who may vouch for clients; present: every client must show a certificate of theirs. */
  clientCa?: TlsFile;
}

export interface TlsFile {
  setting: string;
  file: string;
}

/**
 * BCP 195 (RFC 8996, RFC 9325), which PS3.15 B.12 makes the profile of DICOM over TLS: TLS 1.2 and 1.3, ephemeral keys and
 * authenticated encryption only.
 */
const BCP_195 = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'DHE-RSA-AES128-GCM-SHA256',
    'DHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  dhparam: 'auto',
  honorCipherOrder: true,
} as const satisfies SecureContextOptions;

/** How often the files are looked at for a renewed certificate, ms. */
const LOOK_MS = 60_000;

const invalid = (sentence: string, cause?: unknown) => new LifeboatError('CONFIG_INVALID', sentence, { cause });

function read({ setting, file }: TlsFile): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw invalid(`${setting} ${file} cannot be read.`, error);
  }
}

function certificate({ setting, file }: TlsFile, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw invalid(`${setting} ${file} holds no certificate in PEM form.`, error);
  }
}

/**
 * Reads and checks the files.
 * @throws CONFIG_INVALID with one sentence that names the setting: not readable, not PEM, a key with a pass phrase or of
 * another certificate, an algorithm too weak
 */
export function readTls({ cert, key, clientCa }: TlsFiles): TlsOptions & { certificate: X509Certificate } {
  const certPem = read(cert);
  const keyPem = read(key);
  const leaf = certificate(cert, certPem);
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey(keyPem);
  } catch (error) {
    throw invalid(`${key.setting} ${key.file} holds no private key in PEM form without a pass phrase.`, error);
  }
  if (!leaf.checkPrivateKey(privateKey))
    throw invalid(`${key.setting} ${key.file} is not the key of the certificate in ${cert.setting}.`);
  const ca = clientCa && read(clientCa);
  if (clientCa && ca) certificate(clientCa, ca);
  const options: TlsOptions = {
    ...BCP_195,
    cert: certPem,
    key: keyPem,
    ...(ca && { ca, requestCert: true, rejectUnauthorized: true }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw invalid(`${cert.setting} ${cert.file} cannot be used for TLS: ${(error as Error).message}.`, error);
  }
  return { ...options, certificate: leaf };
}

/** Says in the log that a certificate has expired or soon will; it is used all the same: better an old lock than none. */
export function warnOfExpiry({ certificate }: { certificate: X509Certificate }, files: TlsFiles, log: Logger): void {
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
  if (days > 21) return;
  const when = days < 0 ? 'has expired' : `expires in ${Math.ceil(days)} days`;
  log.warn(
    { file: files.cert.file, validTo: certificate.validTo },
    `The certificate of ${files.cert.setting} ${when}.`,
  );
}

/**
 * Looks for renewed files once a minute and hands them on; files that are wrong are told in the log and the old ones stay.
 * @returns the function that stops it
 */
export function watchTls(
  files: TlsFiles,
  log: Logger,
  renewed: (options: TlsOptions) => void,
  everyMs = LOOK_MS,
): () => void {
  const stamp = () =>
    [files.cert, files.key, files.clientCa]
      .map((pem) => (pem && statSync(pem.file, { throwIfNoEntry: false })?.mtimeMs) ?? 0)
      .join();
  let seen = stamp();
  const timer = setInterval(() => {
    const now = stamp();
    if (now === seen) return;
    seen = now;
    try {
      const options = readTls(files);
      warnOfExpiry(options, files, log);
      renewed(options);
      log.info({ file: files.cert.file }, 'renewed certificate in use');
    } catch (error) {
      log.error({ err: error }, 'the renewed certificate cannot be used; the old one stays');
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
