import type { DecodedFrame, PixelFormat } from '../decode/decode-types.ts';
import { DecodeError } from '../decode/decode-types.ts';

export interface DecodeRequest {
  id: number;
  bytes: Uint8Array;
  /** Of the object, also where the bytes come from a rendition of it. */
  format: PixelFormat;
  /** The bytes are a rendition's, and this is their SHA-256. */
  renditionSha256?: string;
}
export type DecodeAnswer = { id: number; frame: DecodedFrame } | { id: number; error: string };

interface Member {
  worker: Worker;
  waiting: Map<number, { resolve: (frame: DecodedFrame) => void; reject: (error: Error) => void }>;
}

const members: Member[] = [];
const size = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 2));
let nextId = 1;

function newMember(): Member {
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), { type: 'module' });
  const member: Member = { worker, waiting: new Map() };
  worker.addEventListener('message', (event: MessageEvent<DecodeAnswer>) => {
    const answer = event.data;
    const caller = member.waiting.get(answer.id);
    member.waiting.delete(answer.id);
    if ('frame' in answer) caller?.resolve(answer.frame);
    else caller?.reject(new DecodeError(answer.error));
  });
  worker.addEventListener('error', (event) => {
    for (const caller of member.waiting.values())
      caller.reject(new DecodeError(`the decoder stopped (${event.message})`));
    member.waiting.clear();
    members.splice(members.indexOf(member), 1);
    worker.terminate();
  });
  members.push(member);
  return member;
}

/**
 * Decodes in the least busy worker; workers are started when first needed, one a core and at most four.
 * @param renditionSha256 when the bytes are a rendition's
 */
export function decodeInWorker(
  bytes: Uint8Array,
  format: PixelFormat,
  renditionSha256?: string,
): Promise<DecodedFrame> {
  const idle = members.find((member) => member.waiting.size === 0);
  const member =
    idle ??
    (members.length < size ? newMember() : members.reduce((a, b) => (a.waiting.size <= b.waiting.size ? a : b)));
  const id = nextId++;
  return new Promise((resolve, reject) => {
    member.waiting.set(id, { resolve, reject });
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    const request: DecodeRequest = { id, bytes: own, format, ...(renditionSha256 && { renditionSha256 }) };
    member.worker.postMessage(request, [own.buffer as ArrayBuffer]);
  });
}
