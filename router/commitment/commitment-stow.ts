import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { LifeboatError } from '../../contract/errors.ts';
import { clientTlsOptions } from '../forward/client-tls.ts';
import type { StowDestination } from '../forward/forward-types.ts';
import { authorizationOf } from '../reconcile/remotes.ts';
import { informationOfJson, requestModule } from './commitment-json.ts';
import type { TakeReport } from './commitment-scu.ts';
import type { SopReference } from './references.ts';

const ANSWER_TIMEOUT_MS = 60_000;
const MOST_ANSWER_BYTES = 20 * 1024 * 1024;
const LONGEST_RETRY_AFTER_MS = 30_000;
const FIRST_RETRY_MS = 500;
/** What a service says that has no storage commitment, or none for us. */
const NOT_OFFERED = new Set([404, 405, 501]);

interface Answer {
  status: number;
  body: Buffer;
  retryAfterMs: number;
}

/**
 * Asks a DICOMweb service for storage commitment (PS3.18 13.4) and, while it does not know yet, for the result (13.5), at most
 * for `waitMs`.
 * @returns whether it has answered; false: it works on it, `takeResult` asks again
 * @throws PEER_NO_CONTEXT when it offers no storage commitment, PEER_FAILED_STATUS, PEER_UNREACHABLE
 */
export async function requestWebCommitment(
  destination: StowDestination,
  transactionUID: string,
  references: readonly SopReference[],
  take: TakeReport,
  waitMs: number,
): Promise<boolean> {
  const until = Date.now() + waitMs;
  let answer = await exchange(destination, transactionUID, JSON.stringify([requestModule(references)]));
  if (NOT_OFFERED.has(answer.status))
    throw new LifeboatError('PEER_NO_CONTEXT', `The service offers no storage commitment (HTTP ${answer.status}).`);
  for (let wait = FIRST_RETRY_MS; answer.status === 202; wait *= 2) {
    const left = until - Date.now();
    if (left <= 0) return false;
    await pause(Math.min(left, Math.max(answer.retryAfterMs, wait), LONGEST_RETRY_AFTER_MS));
    answer = await exchange(destination, transactionUID);
  }
  return taken(answer, transactionUID, take);
}

/**
 * The result of an earlier request (PS3.18 13.5).
 * @returns `working`: not known yet; `unknown`: nor will it be
 * @throws as `requestWebCommitment`
 */
export async function takeResult(
  destination: StowDestination,
  transactionUID: string,
  take: TakeReport,
): Promise<'taken' | 'working' | 'unknown'> {
  const answer = await exchange(destination, transactionUID);
  if (answer.status === 202) return 'working';
  if (answer.status === 404 || answer.status === 410) return 'unknown';
  return taken(answer, transactionUID, take) ? 'taken' : 'unknown';
}

function taken({ status, body }: Answer, transactionUID: string, take: TakeReport): boolean {
  if (status !== 200) throw new LifeboatError('PEER_FAILED_STATUS', `: storage commitment status ${status}.`);
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new LifeboatError('PEER_FAILED_STATUS', ': the answer to storage commitment is no DICOM JSON.', { cause });
  }
  return take(informationOfJson(json, transactionUID));
}

/** POST with a payload, GET without. */
async function exchange(destination: StowDestination, transactionUID: string, payload?: string): Promise<Answer> {
  const { url, tls } = destination;
  const target = new URL(`${url.replace(/\/+$/, '')}/commitment-requests/${transactionUID}`);
  const begin = target.protocol === 'https:' ? requestHttps : requestHttp;
  try {
    const request = begin(target, {
      method: payload === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      headers: {
        ...authorizationOf(destination),
        Accept: 'application/dicom+json',
        ...(payload !== undefined && {
          'Content-Type': 'application/dicom+json',
          'Content-Length': Buffer.byteLength(payload),
        }),
      },
      ...(tls && clientTlsOptions(tls, target.hostname)),
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
      request.end(payload);
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST_ANSWER_BYTES) throw new LifeboatError('PEER_FAILED_STATUS', ': its answer is too long.');
      chunks.push(chunk);
    }
    const retryAfter = Number(response.headers['retry-after'] ?? 0);
    return {
      status: response.statusCode ?? 0,
      body: Buffer.concat(chunks),
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : 0,
    };
  } catch (cause) {
    if (cause instanceof LifeboatError) throw cause;
    throw new LifeboatError('PEER_UNREACHABLE', `: ${(cause as Error).message}.`, { cause });
  }
}
