import type { EventEmitter } from 'node:events';
import type { Catalogue } from './catalogue/catalogue-types.ts';
import type { CatchUpProgress } from './catch-up.ts';
import type { InstanceEntry, StudyManifest } from './format/manifest.ts';
import type { ObjectStore } from './object-store.ts';
import type { Receiver } from './receive-types.ts';
import type { MetadataText } from './segments.ts';
import type { SpoolEntry, UnreadFiles } from './spool-types.ts';
import type { WaitingStudy } from './waiting.ts';

/** An instance of the spool. Its file may not be there yet (`unpack`), or not any more: then it is in the store. */
export type AcknowledgedInstance = Omit<SpoolEntry, 'sha256'>;

export interface SpoolStatus {
  /** Instances acknowledged and not yet committed to the store. */
  entries: number;
  bytes: number;
  /** UTC ISO of the oldest waiting entry, null when empty. */
  oldest: string | null;
  /** Free bytes on the spool's disk. */
  freeBytes: number;
  /** Present while the store does not answer. */
  storeError?: { since: string; message: string };
  /** Present while the store answers and yet does not take some images; they wait and are tried again. */
  refused?: { since: string; entries: number; message: string };
  /** Present while files found at the start cannot be read. */
  unread?: UnreadFiles;
}

/** What the archive does and knows beside receiving and committing. */
export interface TendingState {
  /** Present while the catalogue is filled from the store, having been found empty or incomplete. */
  filling?: CatchUpProgress & { since: string };
  /** Manifest segments, and their studies, that were in the store and are not any more. */
  lost?: { segments: number; studies: number; since: string };
  /** UTC ISO of the last comparison of catalogue and store that came to its end. */
  comparedAt?: string;
}

export interface ArchiveEvents {
  /** After catalogue rows are visible. */
  committed: [entries: InstanceEntry[]];
  /** The store went away or came back. */
  store: [available: boolean];
}

/** The archive as router and command line see it: receive, read, rebuild, verify. Opened by `openArchive` in storage/archive.ts. */
export interface Archive extends Receiver {
  readonly store: ObjectStore;
  /** For showing images: the store, with the replica behind it where there is one. Whoever checks or writes uses `store`. */
  readonly reading: ObjectStore;
  readonly catalogue: Catalogue;
  readonly events: EventEmitter<ArchiveEvents>;
  spool(): SpoolStatus;
  /** What is acknowledged and not yet in store and catalogue, one by one. */
  acknowledged(): Iterable<AcknowledgedInstance>;
  /** Resolves when what is acknowledged now has a file, or none can be written. */
  unpack(): Promise<void>;
  /** By Study Instance UID: what is acknowledged and not yet in the store. Made anew at each call. */
  waiting(): Map<string, WaitingStudy>;
  tending(): TendingState;
  /** Resolves when everything acknowledged before the call is committed and in the catalogue. */
  flush(): Promise<void>;
  /** Every entry of a study, merged over segments, conflicts included (several entries may share a SOP Instance UID). Empty when unknown. */
  entries(studyInstanceUID: string): Promise<InstanceEntry[]>;
  /** Merged for display; `url`s are filled by the caller. null when unknown. */
  manifest(studyInstanceUID: string): Promise<StudyManifest | null>;
  /**
   * Full DICOM JSON of every current instance (newest content each), as stored: bulk values as `bulk:OFFSET:LENGTH`. Pre-computed
   * at commit, so 500 instances take milliseconds. With `dataSetSha256` that content of an instance, also an older one.
   */
  metadata(
    studyInstanceUID: string,
    seriesInstanceUID?: string,
    sopInstanceUID?: string,
    dataSetSha256?: string,
  ): Promise<MetadataText[]>;
  close(): Promise<void>;
}
