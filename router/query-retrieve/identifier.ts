import { LifeboatError } from '../../contract/errors.ts';
import type { MatchingKey } from '../../storage/catalogue/catalogue-types.ts';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { joinPersonName, type PersonName } from '../../storage/format/person-name.ts';
import { readShortDataSet } from '../dimse/data-set-json.ts';
import { isQueryRetrieveLevel, type QueryRetrieveLevel } from '../dimse/query-classes.ts';
import { ImplicitVRLittleEndian } from '../dimse/transfer-syntaxes.ts';
import { elementsOf } from '../forward/data-set-bytes.ts';

const CHARACTER_SET = '00080005';
const LEVEL = '00080052';
const RETRIEVE_AE = '00080054';
const AVAILABILITY = '00080056';
const NO_KEYS: ReadonlySet<string> = new Set([CHARACTER_SET, LEVEL, RETRIEVE_AE, AVAILABILITY, '00080201']);

const MOST_KEYS = 64;
const MOST_VALUE_LENGTH = 16 * 1024;
/** A pattern with more wildcards asks nothing that a person would. */
const MOST_WILDCARDS = 12;

/** An identifier of C-FIND, C-MOVE or C-GET, read (PS3.4 C.4.1.1.3). */
export interface Identifier {
  level: QueryRetrieveLevel;
  /** What is to match; universal keys are left out. */
  keys: MatchingKey[];
  /** Specific Character Set (0008,0005) of the request: what the requester can read. */
  characterSet: string;
  /** As it came. */
  json: DicomJson;
  /** Tags to answer, with their VRs. */
  asked: Map<string, string>;
}

/** @throws BAD_REQUEST or DATASET_UNREADABLE with the sentence for the peer */
export function readIdentifier(bytes: Buffer | undefined, transferSyntaxUID: string): Identifier {
  if (!bytes) throw new LifeboatError('BAD_REQUEST', 'The request has no identifier, or one that is too long.');
  const json = readShortDataSet(bytes, transferSyntaxUID);
  const level = textOf(json[LEVEL]).trim();
  if (!isQueryRetrieveLevel(level)) {
    throw new LifeboatError('BAD_REQUEST', 'The Query/Retrieve Level (0008,0052) is missing or unknown.');
  }
  const keys: MatchingKey[] = [];
  const asked = new Map<string, string>();
  for (const [tag, element] of Object.entries(json)) {
    if (NO_KEYS.has(tag)) continue;
    asked.set(tag, element.vr);
    if (element.vr === 'SQ') {
      const item = (element.Value?.[0] ?? {}) as DicomJson;
      for (const [inner, nested] of Object.entries(item)) addKey(keys, `${tag}.${inner}`, nested);
    } else {
      addKey(keys, tag, element);
    }
  }
  if (keys.length > MOST_KEYS) throw new LifeboatError('BAD_REQUEST', 'The identifier has too many matching keys.');
  return { level, keys, asked, characterSet: declaredIn(bytes, transferSyntaxUID), json };
}

/** Specific Character Set as it came: what was read of the identifier is decoded, and says so. */
export function declaredIn(bytes: Buffer, transferSyntaxUID: string): string {
  for (const { tag, valueStart, end } of elementsOf(bytes, transferSyntaxUID !== ImplicitVRLittleEndian))
    if (tag === 0x00080005) return bytes.toString('latin1', valueStart, end).trim();
  return '';
}

function addKey(keys: MatchingKey[], tag: string, element: DicomJsonElement): void {
  if (element.vr === 'SQ') return;
  if (element.BulkDataURI !== undefined) throw tooLong(tag);
  const value = textOf(element).trim();
  if (/^\**$/.test(value)) return;
  if (value.length > MOST_VALUE_LENGTH) throw tooLong(tag);
  const pattern = value.replace(/\*+/g, '*');
  if ((pattern.match(/[*?]/g)?.length ?? 0) > MOST_WILDCARDS && element.vr !== 'UI') {
    throw new LifeboatError('BAD_REQUEST', `The key ${tag} has too many wildcards.`);
  }
  keys.push({ tag, value: pattern });
}

function tooLong(tag: string): LifeboatError {
  return new LifeboatError('BAD_REQUEST', `The value of the key ${tag} is too long.`);
}

/** All values of an element as they stand in a data set, `\` between them. */
export function textOf(element: DicomJsonElement | undefined): string {
  return (element?.Value ?? [])
    .map((value) => {
      if (value === null || value === undefined) return '';
      return element?.vr === 'PN' && typeof value === 'object' ? joinPersonName(value as PersonName) : String(value);
    })
    .join('\\');
}

/** Values of a UID key of a retrieval, none when it is absent. */
export function uidsOf(identifier: Identifier, tag: string): string[] {
  const value = identifier.keys.find((key) => key.tag === tag)?.value ?? '';
  return value
    .split('\\')
    .map((uid) => uid.trim())
    .filter(Boolean);
}
