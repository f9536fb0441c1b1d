/** The search index of lifeboat mode as its readers see it. storage/README.md has the format. Runs in the browser too. */
import type { ArchiveDescription } from './lifeboat-archive.ts';

export interface LifeboatSource {
  /** Whole object, or bytes `first` to `last`, both included. Rejects with OBJECT_NOT_FOUND only on a real 404. */
  get(key: string, range?: { first: number; last: number }): Promise<Uint8Array>;
  /** Absent where the source cannot list (a plain web server). */
  list?: ((prefix: string) => Promise<string[]>) | undefined;
}

/** Everything given must hold. Nothing given: all studies, newest first. */
export interface LifeboatSearch {
  patientID?: string;
  accessionNumber?: string;
  /** Beginning of a word of the family name, any script; further words must each begin some word of the name. */
  familyName?: string;
  /** YYYYMMDD, both included. */
  studyDate?: { from?: string; to?: string };
  modality?: string;
  limit: number;
  /** `next` of the page before. */
  after?: string;
}

export interface LifeboatHit {
  studyInstanceUID: string;
  patientName: string;
  patientID: string;
  /** Who gave the patient ID; empty where no image says, or the row was written before it was kept. */
  issuerOfPatientID: string;
  patientBirthDate: string;
  patientSex: string;
  accessionNumber: string;
  studyDate: string;
  studyTime: string;
  studyDescription: string;
  modalities: string[];
  series: number;
  instances: number;
  /** Of the newest instance, UTC ISO. */
  receivedAt: string;
  /** Keys of manifest segments. To open a study ask `study()`: a search may have met an older row of it only. */
  segments: string[];
}

export interface LifeboatResult {
  hits: LifeboatHit[];
  /** There may be more: also with fewer hits than `limit`, where a rare match was looked for among many rows. */
  next?: string;
  /** False: some of the index could not be read, so that there may be hits that are not here. `problems` says what. */
  complete: boolean;
  problems: string[];
  /** When the youngest part of the index was written, UTC ISO. */
  newestPieceAt: string | undefined;
  /**
   * Up to when the index is known to have everything: when its youngest part was written, or later, when a router last found that
   * nothing was missing. UTC ISO.
   */
  asOf: string | undefined;
}

export interface LifeboatStudyAnswer {
  hit: LifeboatHit | undefined;
  complete: boolean;
  problems: string[];
}

export interface LifeboatIndex {
  search(search: LifeboatSearch): Promise<LifeboatResult>;
  /** The study with every segment that any part of the index knows; undefined when it is in none. */
  study(studyInstanceUID: string): Promise<LifeboatHit | undefined>;
  /** As `study`, and whether all of the index could be asked. */
  findStudy(studyInstanceUID: string): Promise<LifeboatStudyAnswer>;
  /** The signed description of the archive, and what its signature is worth. */
  archive: ArchiveDescription;
}
