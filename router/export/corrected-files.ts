import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson, InstanceEntry } from '../../storage/format/manifest.ts';
import { parsePersonName } from '../../storage/format/person-name.ts';
import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';
import { applyChanges } from '../forward/apply-changes.ts';
import type { TagChange } from '../forward/forward-types.ts';
import { checkedObject, type ObjectSource } from './checked-object.ts';

/** What is changed is in memory as a whole. */
const MOST_CHANGED_BYTES = 512 * 1024 * 1024;
const inflate = promisify(inflateRaw);
const deflate = promisify(deflateRaw);

/** Corrections of the patient, as they go out with images. */
export type Corrected = (entry: InstanceEntry) => TagChange[];

/** The file of an instance for an export: as it is kept, or with the corrected patient. */
export type ExportFile = { bytes: Buffer } | { asReceived: true; why?: string };

/**
 * The object with its changes, everything else byte for byte; as received where there are none, or, with the reason, where they
 * cannot be made.
 * @throws OBJECT_DAMAGED and what the store says
 */
export async function exportFile(
  archive: ObjectSource,
  entry: InstanceEntry,
  changes: readonly TagChange[],
): Promise<ExportFile> {
  if (changes.length === 0) return { asReceived: true };
  if (entry.transferSyntaxUID === TransferSyntax.ExplicitVRBigEndian)
    return { asReceived: true, why: 'big endian, which is not written any more' };
  if (entry.size > MOST_CHANGED_BYTES) return { asReceived: true, why: 'too large to be changed' };
  const chunks: Uint8Array[] = [];
  for await (const chunk of await checkedObject(archive, entry)) chunks.push(chunk);
  const file = Buffer.concat(chunks);
  try {
    const header = file.subarray(0, entry.dataSetOffset);
    return { bytes: Buffer.concat([header, await changed(file.subarray(entry.dataSetOffset), entry, changes)]) };
  } catch (cause) {
    const error = asLifeboatError(cause);
    if (error.code !== 'NOT_ACCEPTABLE' && error.code !== 'DATASET_UNREADABLE') throw error;
    return { asReceived: true, why: error.message };
  }
}

async function changed(
  dataSet: Buffer,
  { transferSyntaxUID }: InstanceEntry,
  changes: readonly TagChange[],
): Promise<Buffer> {
  if (transferSyntaxUID !== TransferSyntax.DeflatedExplicitVRLittleEndian)
    return applyChanges(dataSet, transferSyntaxUID !== TransferSyntax.ImplicitVRLittleEndian, changes);
  const inflated = await inflate(dataSet, { maxOutputLength: MOST_CHANGED_BYTES }).catch((cause: unknown) => {
    throw new LifeboatError('DATASET_UNREADABLE', 'The data set cannot be inflated.', { cause });
  });
  return deflate(applyChanges(inflated, true, changes));
}

/** Attributes as they are in the changed file, for its DICOMDIR records. */
export function attributesWith(attributes: DicomJson, changes: readonly TagChange[]): DicomJson {
  const result = { ...attributes };
  for (const change of changes) {
    if (!('set' in change)) continue;
    const { tag, set } = change;
    result[tag] =
      tag === '00100010'
        ? { vr: 'PN', Value: [parsePersonName(set)] }
        : { vr: attributes[tag]?.vr ?? (tag === '00080050' ? 'SH' : 'LO'), Value: [set] };
  }
  return result;
}

/** Files of an export in which the patient was corrected, and those in which that could not be done. */
export class CorrectionNote {
  #corrected = 0;
  readonly #left: string[] = [];

  /** @returns whether the file carries the corrected patient */
  add(name: string, file: ExportFile): boolean {
    if ('bytes' in file) this.#corrected++;
    else if (file.why) this.#left.push(`${name}: ${file.why}`);
    return 'bytes' in file;
  }

  get corrected(): number {
    return this.#corrected;
  }

  get left(): readonly string[] {
    return this.#left;
  }

  /** Text of the file CORRECTED.TXT; undefined where nothing was to be corrected. */
  text(): string | undefined {
    if (this.#corrected === 0 && this.#left.length === 0) return undefined;
    const lines = [
      'The patient of this study was corrected after the images had come.',
      `${this.#corrected} files carry the corrected patient, and what they were received as in the Original Attributes Sequence`,
      '(0400,0561). Nothing else in them was changed; the archive keeps them as they came.',
    ];
    if (this.#left.length > 0)
      lines.push('', 'These files could not be changed and carry the patient they were received with:', ...this.#left);
    return `${lines.join('\n')}\n`;
  }
}
