import type { ReceiveSource } from './format/manifest.ts';

/** What the sender announced, checked against the data set (PS3.7 9.1.1, PS3.18 10.5). */
export interface Announced {
  transferSyntaxUID: string;
  sopClassUID?: string;
  sopInstanceUID?: string;
  studyInstanceUID?: string;
}

/** What was kept, known when the bytes are on stable storage. */
export interface ReceivedInstance {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
  sopClassUID: string;
  transferSyntaxUID: string;
  size: number;
  dataSetSha256: string;
}

/**
 * One instance on its way in. Bytes stream to the spool, hashed and scanned on the way; a data set is never held in memory.
 * Used alike by C-STORE (`beginDataSet`), STOW-RS and import (`beginFile`: Part 10 file, its own header kept).
 */
export interface Reception {
  /** Takes ownership of nothing: `chunk` may be reused after the call (or after the returned promise). A promise means back-pressure: wait. Throws LifeboatError as soon as the input cannot be kept; after that only `abort` is allowed. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** After the last byte. Resolves when all of it is on stable storage. Throws LifeboatError (nothing is kept then). */
  finish(): Promise<ReceivedInstance>;
  /** Drop what came; never throws; safe to call twice and after finish. */
  abort(): void;
}

export interface Receiver {
  /** A bare data set as C-STORE carries it; the deterministic file meta information is written in front of it. */
  beginDataSet(source: ReceiveSource, announced: Announced): Reception;
  /** A Part 10 file; its transfer syntax is read from its own file meta information. Files without preamble or meta are understood where it can be done safely. */
  beginFile(source: ReceiveSource, announced?: Partial<Announced>): Reception;
}
