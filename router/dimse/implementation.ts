/** Implementation Class UID (PS3.7 D.3.3.2), derived from a UUID (PS3.5 B.2). */
export const IMPLEMENTATION_CLASS_UID = '2.25.204973391180274113725893317605220914877';
/** Implementation Version Name, at most 16 characters. */
export const IMPLEMENTATION_VERSION_NAME = 'LIFEBOAT_0';
/** Longest P-DATA-TF PDU we take, bytes; see docs/decisions/0001-own-upper-layer.md for the measurement. */
export const MAXIMUM_LENGTH = 256 * 1024;
