/** A study as the PACS describes it; '' where it does not say. */
export interface RemoteStudy {
  studyInstanceUID: string;
  /** DICOM PN. */
  patientName: string;
  patientID: string;
  accessionNumber: string;
  /** YYYYMMDD */
  studyDate: string;
  /** HHMMSS… */
  studyTime: string;
  /** How many instances it says it has. */
  instances?: number;
}

export interface RemoteInstance {
  seriesInstanceUID: string;
  sopInstanceUID: string;
}

/** What a PACS lists of a study. */
export interface RemoteListing {
  instances: RemoteInstance[];
  /** False: it has or may have more than it was able to list; all that we asked it for by name is in `instances` if it has it. */
  complete: boolean;
}

/** The archive of the other side, as far as it can be asked. */
export interface RemoteArchive {
  readonly name: string;
  /**
   * Studies of one day, YYYYMMDD. An answer cut short by the peer's limit is asked for again in smaller parts.
   * @throws what the line to the peer throws; PEER_FAILED_STATUS when the smallest part is still refused
   */
  studiesOn(day: string, signal: AbortSignal): AsyncIterable<RemoteStudy>;
  /** undefined: it does not know the study. */
  study(studyInstanceUID: string, signal: AbortSignal): Promise<RemoteStudy | undefined>;
  /** @param ours SOP Instance UIDs by Series Instance UID, asked for by name where listing them all fails */
  list(
    studyInstanceUID: string,
    ours: ReadonlyMap<string, readonly string[]>,
    signal: AbortSignal,
  ): Promise<RemoteListing>;
  /** Asks for instances to be sent here. What has arrived is for the caller to see. */
  fetch(studyInstanceUID: string, instances: readonly RemoteInstance[], signal: AbortSignal): Promise<void>;
}
