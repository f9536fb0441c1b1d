import { ERRORS } from '../../../../contract/errors.ts';
import type { DicomJson } from '../../../../storage/format/manifest.ts';
import { csrfToken, RequestError, root } from './client.ts';

interface StoreResponse {
  '00081198'?: { Value?: Record<string, { Value?: unknown[] }>[] };
  code?: string;
  message?: string;
}

function refusalOf(answer: StoreResponse, status: number): string {
  const failed = answer['00081198']?.Value?.[0];
  const comment = failed?.['00000902']?.Value?.[0];
  if (typeof comment === 'string') return comment;
  const code = failed?.['00081197']?.Value?.[0];
  const row = Object.values(ERRORS).find((error) => error.dimse === code);
  return answer.message ?? row?.text ?? `The router answered ${status}.`;
}

/**
 * Stores new objects as the signed-in person: metadata of all in one request (PS3.18 10.5.1.4). They are acknowledged, kept
 * and passed on like any other.
 * @throws RequestError when one of them was refused or nobody answers
 */
export async function storeObjects(objects: readonly DicomJson[]): Promise<void> {
  const boundary = `lifeboat-${crypto.getRandomValues(new Uint32Array(2)).join('')}`;
  const body = [
    `--${boundary}`,
    'Content-Type: application/dicom+json',
    '',
    JSON.stringify(objects),
    `--${boundary}--`,
    '',
  ].join('\r\n');
  let response: Response;
  try {
    response = await fetch(new URL('dicom-web/studies', root), {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        accept: 'application/dicom+json',
        'content-type': `multipart/related; type="application/dicom+json"; boundary=${boundary}`,
        'x-lifeboat-csrf': csrfToken(),
      },
      body,
    });
  } catch {
    throw new RequestError(0, 'UNREACHABLE', 'Lifeboat does not answer; what you wrote is still here, try again.');
  }
  let answer: StoreResponse = {};
  try {
    answer = (await response.json()) as StoreResponse;
  } catch {
    answer = {};
  }
  if (!response.ok || answer['00081198']?.Value?.length)
    throw new RequestError(response.status, answer.code ?? 'INTERNAL', refusalOf(answer, response.status));
}
