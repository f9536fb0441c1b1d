import type { InstanceEntry } from '../../storage/format/manifest.ts';
import type { Modification } from './original-attributes.ts';

/** Names of PEM files, absolute. */
export interface ClientTls {
  /** Who vouches for the peer; absent: the authorities that Node knows. */
  ca?: string;
  /** Our certificate and key, where the peer asks for one. */
  cert?: string;
  key?: string;
  /** Name that the peer's certificate must carry; default: the host it is called at. */
  serverName?: string;
}

interface AnyDestination {
  /** How it is called in rules, queue, pages and metrics. */
  name: string;
  /** Sent at once. */
  associations: number;
  /** `transcode`: what the peer will not take as it is goes uncompressed, never with loss. */
  transferSyntax: 'as-is' | 'transcode';
  /** It is asked for storage commitment (PS3.4 Annex J, PS3.18 chapter 13) of what it took. */
  commitment?: boolean;
}

/** A DIMSE peer. */
export interface DimseDestination extends AnyDestination {
  kind: 'dimse';
  aeTitle: string;
  host: string;
  port: number;
  /** Ours; default LIFEBOAT_AE_TITLE. */
  callingAE?: string;
  tls?: ClientTls;
}

/** A STOW-RS service (PS3.18 10.5). Secrets stand in files of their own, read anew for each request. */
export interface StowDestination extends AnyDestination {
  kind: 'stow';
  /** Root of the service: `/studies` is added. */
  url: string;
  tokenFile?: string;
  basic?: { user: string; passwordFile: string };
  tls?: ClientTls;
}

export type Destination = DimseDestination | StowDestination;

/** `AE@host:port`: the name of a destination that LIFEBOAT_FORWARD_TO or LIFEBOAT_PACS gives. */
export function nameOf({ aeTitle, host, port }: { aeTitle: string; host: string; port: number }): string {
  return `${aeTitle}@${host}:${port}`;
}

/** Who stands as the source (`source.user`) of what was fetched from a destination over DICOMweb. */
export const fetchedFrom = (name: string): string => `fetched from ${name}`;

const ASSOCIATIONS = 2;

/** The simplest destination: everything, as it is where the peer takes it so. */
export function plainDestination(peer: { aeTitle: string; host: string; port: number }): DimseDestination {
  return { kind: 'dimse', name: nameOf(peer), associations: ASSOCIATIONS, transferSyntax: 'transcode', ...peer };
}

/** A change to an attribute of the data set itself (not of a sequence's items), made on the way out alone. */
export type TagChange = { tag: string } & (
  | { set: string }
  | { remove: true }
  | { prefix: string }
  /** A value that is not in the map stays. */
  | { map: Record<string, string> }
  /** Of the Original Attributes Sequence: it gets an item that holds what the other changes replaced. */
  | { record: Modification }
);

/** Sent in this order: what is urgent first. */
export const PRIORITIES = ['stat', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

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

/** An instance that is owed to one destination. */
export interface Owed {
  destination: string;
  instance: ForwardedInstance;
  priority: Priority;
  changes: readonly TagChange[];
}

export interface ForwardJob {
  id: number;
  instance: ForwardedInstance;
  /** How often it was tried in vain. */
  attempts: number;
  changes: readonly TagChange[];
}
