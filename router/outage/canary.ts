import { randomBytes } from 'node:crypto';
import { asLifeboatError, type LifeboatError } from '../../contract/errors.ts';
import type { PeerAddress } from '../dimse/association-requestor.ts';
import { find } from '../dimse/query-scu.ts';

/**
 * A query whose answer is known (C-FIND at study level): a PACS whose database hangs still answers C-ECHO.
 * @param studyInstanceUID a study that the PACS has; absent: one that nobody has, for which it must answer "none"
 * @returns why it is not well; undefined: it is, or it serves no queries
 */
export async function askCanary(peer: PeerAddress, studyInstanceUID?: string): Promise<string | undefined> {
  const uid = studyInstanceUID ?? `2.25.${BigInt(`0x${randomBytes(15).toString('hex')}`)}`;
  try {
    let found = false;
    for await (const row of find(peer, 'STUDY', { '0020000D': uid })) {
      if (row['0020000D']?.Value?.[0] === uid) found = true;
    }
    return studyInstanceUID === undefined || found ? undefined : 'a known study is not found';
  } catch (thrown) {
    const error: LifeboatError = asLifeboatError(thrown);
    // Whoever only stores is well without it.
    return error.code === 'PEER_NO_CONTEXT' ? undefined : error.message.replace(/\.$/, '');
  }
}
