/**
 * Bytes of the service-class-application-information of Query/Retrieve (PS3.4 C.5.1.1, C.5.2.1, C.5.3.1): relational queries or
 * retrieval; fuzzy semantic matching of person names. Not agreed to: combined date-time matching, timezone adjustment of
 * queries, enhanced multi-frame image conversion.
 */
export const RELATIONAL = 0;
export const FUZZY = 2;

/** Of what was asked for, what of it is supported; as long as it was asked. */
export function agreed(asked: Buffer, supported: readonly number[]): Buffer {
  return Buffer.from(asked.map((byte, at) => (byte === 1 && supported.includes(at) ? 1 : 0)));
}
