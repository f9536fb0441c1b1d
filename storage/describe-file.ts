import { closeSync, openSync, readSync } from 'node:fs';
import {
  DEFLATED_EXPLICIT_LE,
  type DescribedObject,
  describeObject,
  describeObjectSync,
  type SyncRandomAccess,
} from './format/describe.ts';
import type { DicomJson, InstanceEntry } from './format/manifest.ts';
import { objectKey } from './keys.ts';
import type { DescribedInstance } from './segments.ts';
import type { SpoolEntry } from './spool-types.ts';

/** What is known of an instance without its header being read again. */
export type KnownInstance = Omit<SpoolEntry, 'id' | 'identity'>;

/** Reads the header of a file and makes the instance's manifest line and metadata text. Throws what reading throws. */
export async function describeFile(known: KnownInstance): Promise<DescribedInstance> {
  return toInstance(known, await describeContent(known));
}

/** Reads the header of a file of which only place, size and encoding are known. */
export async function describeContent(
  known: Pick<KnownInstance, 'path' | 'size' | 'transferSyntaxUID' | 'dataSetOffset'>,
): Promise<DescribedObject> {
  const fd = openSync(known.path, 'r');
  try {
    const reader: SyncRandomAccess = {
      size: known.size,
      read: (offset, length) => {
        const buffer = Buffer.allocUnsafe(length);
        let filled = 0;
        while (filled < length) {
          const got = readSync(fd, buffer, filled, length - filled, offset + filled);
          if (got === 0) break;
          filled += got;
        }
        return buffer.subarray(0, filled);
      },
    };
    return known.transferSyntaxUID === DEFLATED_EXPLICIT_LE
      ? await describeObject({ size: reader.size, read: async (at, length) => reader.read(at, length) }, known)
      : describeObjectSync(reader, known);
  } finally {
    closeSync(fd);
  }
}

/** The line of an instance whose header cannot be described: kept and listed all the same, with the reason. */
export function describeBlindly(known: KnownInstance, reason: string): DescribedInstance {
  return toInstance(known, {
    attributes: identifiers(known),
    metadata: identifiers(known),
    notes: [`the header could not be described: ${reason}`],
  });
}

/** The manifest line and metadata text of what was described. */
export function toInstance(known: KnownInstance, described: DescribedObject): DescribedInstance {
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, sopClassUID, transferSyntaxUID } = known;
  const notes = [...new Set([...known.notes, ...described.notes])];
  const entry: InstanceEntry = {
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    sopClassUID,
    transferSyntaxUID,
    key: objectKey(known),
    size: known.size,
    sha256: known.sha256,
    dataSetOffset: known.dataSetOffset,
    dataSetSha256: known.dataSetSha256,
    receivedAt: known.receivedAt,
    source: known.source,
    ...(described.pixelData ? { pixelData: described.pixelData } : {}),
    attributes: described.attributes,
    ...(notes.length > 0 ? { notes } : {}),
  };
  return { entry, metadata: JSON.stringify(described.metadata) };
}

function identifiers(known: KnownInstance): DicomJson {
  const uid = (value: string) => ({ vr: 'UI', Value: [value] });
  return {
    '00080016': uid(known.sopClassUID),
    '00080018': uid(known.sopInstanceUID),
    '0020000D': uid(known.studyInstanceUID),
    '0020000E': uid(known.seriesInstanceUID),
  };
}
