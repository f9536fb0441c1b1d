import { characterSet } from '../../../../storage/format/charset.ts';
import { DataSetScanner } from '../../../../storage/format/data-set-scanner.ts';
import { parseFileHeader } from '../../../../storage/format/part10.ts';
import { joinPersonName, type PersonName } from '../../../../storage/format/person-name.ts';
import { captured, TAG } from '../../../../storage/format/scan-types.ts';
import { elementFromBytes } from '../../../../storage/format/values.ts';

const IMPLICIT_LE = '1.2.840.10008.1.2';
const DEFLATED_LE = '1.2.840.10008.1.2.1.99';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const PIECE_BYTES = 64 * 1024;
/** A header longer than this is not read before sending. */
const LOOKED_AT_BYTES = 4 * 1024 * 1024;

/** Whom a file says that it shows. Decoded; '' where it says nothing. */
export interface Identity {
  /** DICOM PN. */
  patientName: string;
  patientID: string;
  patientBirthDate: string;
  studyInstanceUID: string;
}

/** The same for all spellings that differ in case and in empty trailing components only. */
export function patientKey({ patientName, patientID, patientBirthDate }: Identity): string {
  const name = patientName.toUpperCase().replace(/[\^ ]+$/, '');
  return [name, patientID.trim(), patientBirthDate].join('\n');
}

/**
 * Reads patient and study out of the beginning of a file. @returns null when it cannot be told: a broken or deflated data set
 * @throws DOMException when the disc does not give the file
 */
export async function identityOf(file: Blob): Promise<Identity | null> {
  const first = new Uint8Array(await file.slice(0, PIECE_BYTES).arrayBuffer());
  const scanned = scannerFor(first, file.size <= first.length);
  if (!scanned) return null;
  const { scanner, dataSetOffset } = scanned;
  let at = first.length;
  let piece = first.subarray(dataSetOffset);
  for (;;) {
    try {
      scanner.push(piece);
    } catch {
      // A broken data set: what came before the break still tells whose it is.
      break;
    }
    if (captured(scanner.values, TAG.studyInstanceUID) || at >= Math.min(file.size, LOOKED_AT_BYTES)) break;
    piece = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
    at += piece.length;
    if (piece.length === 0) break;
  }
  return read(scanner);
}

function scannerFor(first: Uint8Array, whole: boolean): { scanner: DataSetScanner; dataSetOffset: number } | null {
  try {
    const header = parseFileHeader(first, whole);
    if (!header || header.transferSyntaxUID === DEFLATED_LE) return null;
    const scanner = new DataSetScanner({
      explicitVR: header.transferSyntaxUID !== IMPLICIT_LE,
      bigEndian: header.transferSyntaxUID === BIG_ENDIAN,
    });
    return { scanner, dataSetOffset: header.dataSetOffset };
  } catch {
    // No header that could be understood: the router says what is wrong with the file when it is sent.
    return null;
  }
}

function read({ values }: DataSetScanner): Identity | null {
  const text = (tag: number) => captured(values, tag).trim();
  const charset = characterSet(text(TAG.specificCharacterSet).split('\\'));
  const decoded = (tag: number, vr: string) => {
    const value = values.get(tag);
    return value ? (elementFromBytes(vr, value.bytes.subarray(0, value.length), true, charset).Value?.[0] ?? '') : '';
  };
  const name = decoded(TAG.patientName, 'PN');
  const identity = {
    patientName: name === '' ? '' : joinPersonName(name as PersonName),
    patientID: String(decoded(TAG.patientID, 'LO')),
    patientBirthDate: text(TAG.patientBirthDate),
    studyInstanceUID: text(TAG.studyInstanceUID),
  };
  return Object.values(identity).some(Boolean) ? identity : null;
}
