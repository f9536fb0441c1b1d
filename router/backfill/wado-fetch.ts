import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { Receiver, Reception } from '../../storage/receive-types.ts';
import { MultipartReader } from '../dicomweb/multipart-reader.ts';
import type { RemoteInstance } from '../reconcile/remote-archive.ts';

const AT_ONCE = 4;
const TIMEOUT_MS = 120_000;
/** As it is stored there, not transcoded; older services know only the second form (PS3.18 8.7.3, 10.4.1). */
const ACCEPTED = [
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'multipart/related; type="application/dicom"',
  'application/dicom',
];

export interface WadoPeer {
  /** Root of the service, without a slash at its end. */
  url: string;
  headers(): Record<string, string>;
}

/**
 * Fetches instances by WADO-RS (PS3.18 10.4), a few at once, each streamed into the spool.
 * @throws PEER_UNREACHABLE, and PEER_FAILED_STATUS with the first refusal after all were tried
 */
export async function wadoFetch(
  peer: WadoPeer,
  study: string,
  instances: readonly RemoteInstance[],
  into: { receiver: Pick<Receiver, 'beginFile'>; source: ReceiveSource },
  signal: AbortSignal,
): Promise<void> {
  const left = [...instances];
  let refusal: LifeboatError | undefined;
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      try {
        await fetchOne(peer, study, next, into, signal);
      } catch (cause) {
        const error = asLifeboatError(cause);
        if (error.code === 'PEER_UNREACHABLE' || error.code === 'SPOOL_FULL' || signal.aborted) {
          left.length = 0;
          throw error;
        }
        refusal ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (refusal) throw new LifeboatError('PEER_FAILED_STATUS', refusal.message, { cause: refusal });
}

async function fetchOne(
  peer: WadoPeer,
  study: string,
  { seriesInstanceUID, sopInstanceUID }: RemoteInstance,
  { receiver, source }: { receiver: Pick<Receiver, 'beginFile'>; source: ReceiveSource },
  signal: AbortSignal,
): Promise<void> {
  const [a, b, c] = [study, seriesInstanceUID, sopInstanceUID].map(encodeURIComponent);
  const answer = await ask(peer, `${peer.url}/studies/${a}/series/${b}/instances/${c}`, signal);
  const type = answer.headers.get('content-type') ?? '';
  if (/^application\/dicom\s*(;|$)/i.test(type)) return await takeSinglePart(answer.body!, receiver.beginFile(source));
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  const open: { reception?: Reception } = {};
  const reader = new MultipartReader(boundary ?? '', {
    begin: () => {
      open.reception = receiver.beginFile(source);
    },
    data: (chunk) => open.reception?.write(chunk),
    end: async () => {
      await open.reception?.finish();
      delete open.reception;
    },
    truncated: () => {
      throw new LifeboatError('DATASET_TRUNCATED', 'The answer of the PACS ended within an image.');
    },
  });
  try {
    for await (const chunk of answer.body!) await reader.write(chunk);
    await reader.finish();
  } finally {
    open.reception?.abort();
  }
  if (reader.parts === 0) throw new LifeboatError('PEER_FAILED_STATUS', 'The answer of the PACS holds no image.');
}

/** Some services answer with the one image alone, whatever was asked for. */
async function takeSinglePart(body: AsyncIterable<Uint8Array>, reception: Reception): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      await reception.write(chunk);
    }
    if (size === 0) throw new LifeboatError('PEER_FAILED_STATUS', 'The answer of the PACS holds no image.');
    await reception.finish();
  } catch (error) {
    reception.abort();
    throw error;
  }
}

async function ask(peer: WadoPeer, url: string, signal: AbortSignal): Promise<Response> {
  for (const [n, accept] of ACCEPTED.entries()) {
    const answer = await fetch(url, {
      headers: { ...peer.headers(), Accept: accept },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch((cause: unknown) => {
      throw new LifeboatError('PEER_UNREACHABLE', ': its DICOMweb service does not answer.', { cause });
    });
    if (answer.ok && answer.body) return answer;
    await answer.body?.cancel();
    const mayBeTheForm = answer.status === 400 || answer.status === 406;
    if (!mayBeTheForm || n === ACCEPTED.length - 1)
      throw new LifeboatError('PEER_FAILED_STATUS', `WADO-RS status ${answer.status}.`);
  }
  throw new LifeboatError('PEER_FAILED_STATUS');
}
