import type { Readable } from 'node:stream';
import { LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { ReceivedInstance, Receiver } from '../../storage/receive-types.ts';
import { isDicomdir } from './dicomdir.ts';
import { isZip } from './zip.ts';

export type Recognised = 'dicomdir' | 'zip';

/**
 * Streams one file into the archive. A DICOMDIR or a ZIP is recognised by its first bytes and not kept. Throws
 * LifeboatError; the input is closed in every case.
 */
export async function importFile(
  receiver: Receiver,
  source: ReceiveSource,
  input: Readable,
): Promise<ReceivedInstance | Recognised> {
  const reception = receiver.beginFile(source);
  let recognised: Recognised | undefined;
  let head: Buffer | undefined = Buffer.alloc(0);
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let bytes = chunk;
      if (head) {
        head = head.length > 0 ? Buffer.concat([head, bytes]) : bytes;
        if (head.length < 1024) continue;
        recognised = recognise(head);
        if (recognised) break;
        bytes = head;
        head = undefined;
      }
      const ready = reception.write(bytes);
      if (ready) await ready;
    }
    if (!recognised && head) {
      recognised = recognise(head);
      if (!recognised) {
        if (head.length === 0) throw new LifeboatError('NOT_DICOM', 'The file is empty.');
        await reception.write(head);
      }
    }
    if (recognised) {
      reception.abort();
      return recognised;
    }
    return await reception.finish();
  } catch (error) {
    reception.abort();
    throw error;
  } finally {
    input.destroy();
  }
}

function recognise(head: Buffer): Recognised | undefined {
  if (isZip(head)) return 'zip';
  return isDicomdir(head) ? 'dicomdir' : undefined;
}
