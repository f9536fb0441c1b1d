import { describeObject } from '../../storage/format/describe.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { attributesWith, type Corrected } from './corrected-files.ts';
import type { NamedEntry } from './file-names.ts';

/** One file for the DICOMDIR. */
export interface DirectoryEntry extends NamedEntry {
  /** Directory Record Type (0004,1430). */
  recordType: string;
  /** Attributes of the object from which the keys of its records are taken. */
  attributes: DicomJson;
}

/** SOP classes that are no images, by the start of their UID, longest first (PS3.3 F.4, PS3.4 B.5). */
const RECORD_TYPES: readonly [prefix: string, type: string][] = [
  ['1.2.840.10008.5.1.4.1.1.88.59', 'KEY OBJECT DOC'],
  ['1.2.840.10008.5.1.4.1.1.88.', 'SR DOCUMENT'],
  ['1.2.840.10008.5.1.4.1.1.11.', 'PRESENTATION'],
  ['1.2.840.10008.5.1.4.1.1.9.', 'WAVEFORM'],
  ['1.2.840.10008.5.1.4.1.1.104.', 'ENCAP DOC'],
  ['1.2.840.10008.5.1.4.1.1.481.2', 'RT DOSE'],
  ['1.2.840.10008.5.1.4.1.1.481.3', 'RT STRUCTURE SET'],
  ['1.2.840.10008.5.1.4.1.1.481.5', 'RT PLAN'],
  ['1.2.840.10008.5.1.4.1.1.481.8', 'RT PLAN'],
  ['1.2.840.10008.5.1.4.1.1.481.4', 'RT TREAT RECORD'],
  ['1.2.840.10008.5.1.4.1.1.481.6', 'RT TREAT RECORD'],
  ['1.2.840.10008.5.1.4.1.1.481.7', 'RT TREAT RECORD'],
  ['1.2.840.10008.5.1.4.1.1.481.9', 'RT TREAT RECORD'],
  ['1.2.840.10008.5.1.4.1.1.4.2', 'SPECTROSCOPY'],
  ['1.2.840.10008.5.1.4.1.1.66.1', 'REGISTRATION'],
  ['1.2.840.10008.5.1.4.1.1.66.2', 'FIDUCIAL'],
  ['1.2.840.10008.5.1.4.1.1.66.3', 'REGISTRATION'],
  ['1.2.840.10008.5.1.4.1.1.66.5', 'SURFACE'],
  ['1.2.840.10008.5.1.4.1.1.66', 'RAW DATA'],
  ['1.2.840.10008.5.1.4.1.1.67', 'VALUE MAP'],
];

function recordTypeOf({ sopClassUID, pixelData }: InstanceEntry): string {
  const listed = RECORD_TYPES.find(([prefix]) =>
    prefix.endsWith('.') ? sopClassUID.startsWith(prefix) : sopClassUID === prefix,
  );
  return listed?.[1] ?? (pixelData ? 'IMAGE' : 'PRIVATE');
}

/**
 * Entries with the attributes that their directory records need. Those of images are in the manifest; documents, presentation
 * states and the like have keys of their own, for which their headers are read.
 * @param corrections what was changed in the file of an entry
 */
export async function directoryEntries(
  store: ObjectStore,
  named: readonly NamedEntry[],
  corrections: Corrected = () => [],
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for (const { entry, name } of named) {
    const recordType = recordTypeOf(entry);
    const attributes = recordType === 'IMAGE' ? entry.attributes : await fullAttributes(store, entry);
    entries.push({ entry, name, recordType, attributes: attributesWith(attributes, corrections(entry)) });
  }
  return entries;
}

async function fullAttributes(store: ObjectStore, entry: InstanceEntry): Promise<DicomJson> {
  const reader = {
    size: entry.size,
    read: (start: number, length: number) => store.get(entry.key, { start, end: start + length }),
  };
  return (await describeObject(reader, entry)).metadata;
}
