import type { InstanceEntry } from '../../storage/format/manifest.ts';

/** A DIMSE peer to which everything that is kept is passed on. */
export interface Destination {
  aeTitle: string;
  host: string;
  port: number;
}

/** `AE@host:port`: how a destination is named in settings, queue, pages and metrics. */
export function nameOf({ aeTitle, host, port }: Destination): string {
  return `${aeTitle}@${host}:${port}`;
}

/** What the queue keeps of an instance: enough to send it, and to say whose it is, with no catalogue and no manifest at hand. */
export type ForwardedInstance = {
  /** DICOM PN; '' when unknown. */
  patientName: string;
  patientID: string;
} & Pick<
  InstanceEntry,
  | 'key'
  | 'size'
  | 'dataSetOffset'
  | 'dataSetSha256'
  | 'studyInstanceUID'
  | 'seriesInstanceUID'
  | 'sopInstanceUID'
  | 'sopClassUID'
  | 'transferSyntaxUID'
  | 'receivedAt'
>;

/**
 * waiting: to be sent, now or at its time. sent: the peer said that it has it, perhaps with a remark. person: the peer will
 * not take it as it is, somebody must decide. skipped: somebody decided against it.
 */
export type ForwardState = 'waiting' | 'sent' | 'person' | 'skipped';

export interface ForwardJob {
  id: number;
  instance: ForwardedInstance;
  /** How often it was tried in vain. */
  attempts: number;
}
