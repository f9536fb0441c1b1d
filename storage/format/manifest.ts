/**
 * Shapes of what lies in the bucket besides the objects themselves. Documented for strangers in storage/README.md.
 * Runs in the browser too: types and constants only, no Node imports.
 */

export const FORMAT_VERSION = 1;

/** DICOM JSON Model (PS3.18 Annex F): key is the 8-digit upper-case hexadecimal tag. */
export type DicomJson = Record<string, DicomJsonElement>;
export interface DicomJsonElement {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  /** In the store: `bulk:OFFSET:LENGTH`, bytes of the object; DICOMweb rewrites it to an address. */
  BulkDataURI?: string;
}

/** How an instance reached us. */
export interface ReceiveSource {
  via: 'c-store' | 'stow' | 'import';
  /** Calling AE title, for C-STORE. */
  callingAE?: string;
  /** Remote address without port. */
  address?: string;
  /** Signed-in user or machine token name, for STOW and import. */
  user?: string;
}

/**
 * Where the frames are in the object. All offsets are bytes from the start of the object.
 * - `native`: uncompressed; frame i (0-based) starts at bit i*frameBits of the pixel data at `offset`
 * - `encapsulated` (PS3.5 A.4): `frames[i]` is a flat list offset,length,offset,length… of the frame's fragments
 *   (item headers excluded)
 * - `deflated`: the data set is deflated as a whole; fetch the whole object and inflate from `dataSetOffset`
 */
export type PixelDataLayout =
  | {
      kind: 'native';
      tag: '7FE00010' | '7FE00008' | '7FE00009';
      offset: number;
      length: number;
      frameBits: number;
      frames: number;
    }
  | { kind: 'encapsulated'; tag: '7FE00010'; offset: number; frames: number[][] }
  | { kind: 'deflated'; frames: number };

/** One line of a manifest segment: one kept instance (one content of one SOP Instance UID). */
export interface InstanceEntry {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
  sopClassUID: string;
  transferSyntaxUID: string;
  /** Object key in the store. */
  key: string;
  /** Bytes of the whole object (a DICOM Part 10 file, PS3.10). */
  size: number;
  /** SHA-256 of the whole object, lower-case hex. */
  sha256: string;
  /** First byte of the data set in the object (the file meta information before it is ours or the sender's). */
  dataSetOffset: number;
  /** SHA-256 of the data set exactly as received, lower-case hex: with the SOP Instance UID the identity of a content. */
  dataSetSha256: string;
  /** UTC, ISO 8601 with milliseconds. */
  receivedAt: string;
  source: ReceiveSource;
  /** Absent when the object has no pixel data. */
  pixelData?: PixelDataLayout;
  /** What search and display need, DICOM JSON, character sets already decoded to Unicode. */
  attributes: DicomJson;
  /** Things a reader should know: odd but kept, e.g. 'pixel data shorter than Rows x Columns says'. */
  notes?: string[];
}

/** Merged view of one study, as the viewer gets it. */
export interface StudyManifest {
  formatVersion: number;
  studyInstanceUID: string;
  /** Study and patient level attributes, from the newest instance. */
  attributes: DicomJson;
  /** The patient in `attributes` was corrected by a person; what was received. Never in the store: the router adds it. */
  corrected?: { patientName: string; patientID: string; by: string; at: string };
  series: SeriesManifest[];
}
export interface SeriesManifest {
  seriesInstanceUID: string;
  /** Attributes with the same value in every instance of the series (an instance's own add to these). */
  attributes: DicomJson;
  /** Sorted for display: by position along the normal, else instance number, else receipt. */
  instances: InstanceManifest[];
}
export interface InstanceManifest extends Omit<InstanceEntry, 'studyInstanceUID' | 'seriesInstanceUID'> {
  /** Only attributes that differ within the series; merge over `SeriesManifest.attributes`. */
  attributes: DicomJson;
  /** Signed address of the object that answers byte ranges; bound to this object, expires. */
  url?: string;
  /** The same pixels, quicker to fetch. Never in the store's manifests: the router adds it. */
  rendition?: InstanceRendition;
  /** Older contents received under the same SOP Instance UID, newest first: a conflict to show. */
  superseded?: SupersededContent[];
}
/** A lossless derived copy of an instance's frames (storage/README.md, "Renditions"). The object stays what counts. */
export interface InstanceRendition {
  /** Key of the pack in the store. */
  key: string;
  /** Signed address of the pack, as `InstanceManifest.url`. */
  url?: string;
  /** Bytes of the pack. */
  size: number;
  transferSyntaxUID: string;
  /** For each frame: offset in the pack and length in bytes, SHA-256 (lower-case hex) of its codestream. */
  frames: [offset: number, length: number, sha256: string][];
}
export interface SupersededContent {
  key: string;
  size: number;
  sha256: string;
  dataSetSha256: string;
  transferSyntaxUID: string;
  receivedAt: string;
  source: ReceiveSource;
  url?: string;
}
