/** Storage Commitment Push Model (PS3.4 J.3). */
export const PUSH_MODEL = '1.2.840.10008.1.20.1';
/** Its well-known instance (PS3.4 J.3.5). */
export const PUSH_MODEL_INSTANCE = '1.2.840.10008.1.20.1.1';

/** Action Type ID of "Request Storage Commitment" (PS3.4 J.3.2). */
export const REQUEST_COMMITMENT = 1;

/** Event Type IDs (PS3.4 J.3.3). */
export const CommitmentEvent = { Successful: 1, FailuresExist: 2 } as const;

/** Failure Reason (0008,1197) (PS3.3 C.14.1.1). */
export const FailureReason = {
  ProcessingFailure: 0x0110,
  NoSuchObjectInstance: 0x0112,
  ClassInstanceConflict: 0x0119,
  DuplicateTransactionUID: 0x0131,
} as const;

const WORDS: Readonly<Record<number, string>> = {
  [FailureReason.ProcessingFailure]: 'the object is damaged or could not be processed',
  [FailureReason.NoSuchObjectInstance]: 'there is no such object',
  290: 'the kind of object is not supported',
  [FailureReason.ClassInstanceConflict]: 'the object is of another kind than asked for',
  [FailureReason.DuplicateTransactionUID]: 'the transaction was used before',
  531: 'there is no room',
};

/** For people. */
export function reasonWords(reason: number): string {
  const shown = `0x${reason.toString(16).padStart(4, '0').toUpperCase()}`;
  return `${WORDS[reason] ?? 'no reason that the standard knows'} (${shown})`;
}
