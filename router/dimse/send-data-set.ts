import { PDATA_PREFIX, writePDataPrefix } from './pdu.ts';

/** Where the PDUs of a data set go. */
export interface DataSetLine {
  /** A promise means: the peer reads slower than we send. */
  send(pdus: Buffer): void | Promise<void>;
  /** The association is over: the rest need not be read. */
  over(): boolean;
}

/**
 * Sends a data set in P-DATA-TF PDUs, held back at the peer's pace. Throws what reading it throws; what was sent until then
 * cannot be taken back, so that the association is good for nothing afterwards.
 * @param payload bytes of the data set in each PDU, even (PS3.8 E.2)
 */
export async function sendDataSet(
  line: DataSetLine,
  contextId: number,
  dataSet: AsyncIterable<Uint8Array>,
  payload: number,
): Promise<void> {
  let pdu = Buffer.allocUnsafe(PDATA_PREFIX + payload);
  let fill = 0;
  for await (const chunk of dataSet) {
    let at = 0;
    while (at < chunk.length) {
      if (fill === payload) {
        writePDataPrefix(pdu, fill, contextId, false, false);
        await line.send(pdu);
        if (line.over()) return;
        pdu = Buffer.allocUnsafe(PDATA_PREFIX + payload);
        fill = 0;
      }
      const n = Math.min(payload - fill, chunk.length - at);
      pdu.set(chunk.subarray(at, at + n), PDATA_PREFIX + fill);
      fill += n;
      at += n;
    }
  }
  // A deflated data set of odd length is padded with a NUL (PS3.5 A.5).
  if (fill % 2 === 1) pdu[PDATA_PREFIX + fill++] = 0;
  writePDataPrefix(pdu, fill, contextId, false, true);
  await line.send(pdu.subarray(0, PDATA_PREFIX + fill));
}
