import { LifeboatError } from '../../contract/errors.ts';
import { describeObjectSync } from '../../storage/format/describe.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import { writeDataSet } from '../dicomweb/json-data-set.ts';
import { toImplicitVR } from '../forward/implicit-vr.ts';
import { inCharacterSet } from './text-encoding.ts';
import { ExplicitVRLittleEndian, ImplicitVRLittleEndian } from './transfer-syntaxes.ts';

/** Transfer syntaxes of identifiers and other short data sets, best first. */
export const SHORT_DATA_SET_SYNTAXES: readonly string[] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian];

/**
 * Reads a short data set that is in memory, character sets decoded.
 * @throws DATASET_UNREADABLE when it is broken
 */
export function readShortDataSet(bytes: Buffer, transferSyntaxUID: string): DicomJson {
  const reader = {
    size: bytes.length,
    read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  const { metadata, notes } = describeObjectSync(reader, { transferSyntaxUID, dataSetOffset: 0 });
  if (bytes.length > 0 && Object.keys(metadata).length === 0) {
    throw new LifeboatError('DATASET_UNREADABLE', `: ${notes[0] ?? 'it holds no element'}.`);
  }
  return metadata;
}

const nothingElsewhere = (_: string, tag: string): never => {
  throw new LifeboatError('DATASET_UNREADABLE', `Element ${tag} has no value here.`);
};

/**
 * Writes a short data set, text in UTF-8 (ISO_IR 192).
 * @param transferSyntaxUID one of SHORT_DATA_SET_SYNTAXES
 * @param characterSet what the reader asked for; see `inCharacterSet`
 * @throws DATASET_UNREADABLE when a value does not fit its VR
 */
export function writeShortDataSet(json: DicomJson, transferSyntaxUID: string, characterSet?: string): Buffer {
  const { pieces } = writeDataSet(json, nothingElsewhere);
  const written = Buffer.concat(pieces.filter((piece) => piece instanceof Uint8Array));
  const explicit = characterSet === undefined ? written : inCharacterSet(written, characterSet);
  return transferSyntaxUID === ImplicitVRLittleEndian ? toImplicitVR(explicit) : explicit;
}
