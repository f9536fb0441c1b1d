import { ERRORS } from '../../../../contract/errors.ts';
import { csrfToken, root } from '../../shared/api/client.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import type { Candidate } from './collect.ts';

export interface SendResult {
  ok: boolean;
  /** Why it was refused, in words. */
  reason?: string;
  studyInstanceUID?: string;
  /** The router did not answer: worth another try. */
  unreachable?: boolean;
  /** The disc did not give the file. */
  unread?: boolean;
}

interface StoreResponse {
  '00081190'?: { Value?: string[] };
  '00081198'?: { Value?: Record<string, { Value?: unknown[] }>[] };
  code?: string;
  message?: string;
}

/** The sentence for a FailureReason (0008,1197) of PS3.18 I.2.2; the router's own comment wins where it sends one. */
function reasonOf(answer: StoreResponse, status: number): string {
  const failed = answer['00081198']?.Value?.[0];
  const comment = failed?.['00000902']?.Value?.[0];
  if (typeof comment === 'string') return comment;
  const code = failed?.['00081197']?.Value?.[0];
  const row = Object.values(ERRORS).find((error) => error.dimse === code);
  return answer.message ?? row?.text ?? `The router answered ${status}.`;
}

/** Whether the disc gives the file to its end: a browser reports a disc that fails as it does a broken connection. */
async function isReadable(file: File): Promise<boolean> {
  const reader = file.stream().getReader();
  try {
    while (!(await reader.read()).done);
    return true;
  } catch {
    return false;
  }
}

/**
 * One file as a single-part STOW-RS request (PS3.18 10.5). @param onProgress bytes of this file that are on their way
 */
export function sendFile(
  candidate: Candidate,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<SendResult> {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const stop = () => xhr.abort();
    signal.addEventListener('abort', stop, { once: true });
    const done = (result: SendResult) => {
      signal.removeEventListener('abort', stop);
      resolve(result);
    };
    xhr.open('POST', new URL('dicom-web/studies', root));
    xhr.setRequestHeader('content-type', 'application/dicom');
    xhr.setRequestHeader('accept', 'application/dicom+json');
    xhr.setRequestHeader('x-lifeboat-csrf', csrfToken());
    xhr.upload.onprogress = (event) => onProgress(event.loaded);
    xhr.onabort = () => done({ ok: false, reason: 'stopped' });
    xhr.onerror = async () => {
      if (!(await isReadable(candidate.file))) done({ ok: false, unread: true });
      else done({ ok: false, unreachable: true, reason: pageMessages.upload.noAnswer });
    };
    xhr.onload = () => {
      let answer: StoreResponse = {};
      try {
        answer = JSON.parse(xhr.responseText) as StoreResponse;
      } catch {
        answer = {};
      }
      const study = /\/studies\/([^/]+)/.exec(answer['00081190']?.Value?.[0] ?? '')?.[1];
      if (xhr.status >= 200 && xhr.status < 300 && !answer['00081198']?.Value?.length)
        done({ ok: true, studyInstanceUID: study });
      else
        done({ ok: false, reason: reasonOf(answer, xhr.status), unreachable: xhr.status >= 502 && xhr.status <= 504 });
    };
    xhr.send(candidate.file);
  });
}
