/** Answers which contents of a study the PACS has been proven to hold (storage commitment, PS3.4 Annex J). */
export interface PacsConfirmed {
  /** `contentId`s: SOP Instance UID, a space, SHA-256 of the data set. */
  confirmedByPacs(studyInstanceUID: string): ReadonlySet<string>;
}

/** Where nobody was ever asked: nothing is proven. */
export const NOBODY_CONFIRMED: PacsConfirmed = { confirmedByPacs: () => new Set() };
