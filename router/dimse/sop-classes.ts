/** Verification SOP Class (PS3.4 Annex A). */
export const VERIFICATION = '1.2.840.10008.1.1';

const STANDARD_ROOT = '1.2.840.10008.';
const STORAGE_ROOT = '1.2.840.10008.5.1.4.1.1.';

/** Standard storage classes that do not lie under `STORAGE_ROOT` (PS3.6 Annex A), retired ones included. */
const STORAGE_ELSEWHERE: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.1.27', // Stored Print (retired)
  '1.2.840.10008.5.1.1.29', // Hardcopy Grayscale Image (retired)
  '1.2.840.10008.5.1.1.30', // Hardcopy Color Image (retired)
  '1.2.840.10008.5.1.4.34.1', // RT Beams Delivery Instruction, Trial (retired)
  '1.2.840.10008.5.1.4.34.7', // RT Beams Delivery Instruction
  '1.2.840.10008.5.1.4.34.10', // RT Brachy Application Setup Delivery Instruction
  '1.2.840.10008.5.1.4.38.1', // Hanging Protocol
  '1.2.840.10008.5.1.4.39.1', // Color Palette
  '1.2.840.10008.5.1.4.43.1', // Generic Implant Template
  '1.2.840.10008.5.1.4.44.1', // Implant Assembly Template
  '1.2.840.10008.5.1.4.45.1', // Implant Template Group
]);

/** Services other than storage that lie under `STORAGE_ROOT`. */
const NOT_STORAGE: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.200.4', // Protocol Approval FIND
  '1.2.840.10008.5.1.4.1.1.200.5', // Protocol Approval MOVE
  '1.2.840.10008.5.1.4.1.1.200.6', // Protocol Approval GET
  '1.2.840.10008.5.1.4.1.1.201.2', // Inventory FIND
  '1.2.840.10008.5.1.4.1.1.201.3', // Inventory MOVE
  '1.2.840.10008.5.1.4.1.1.201.4', // Inventory GET
  '1.2.840.10008.5.1.4.1.1.201.5', // Inventory Creation
  '1.2.840.10008.5.1.4.1.1.201.6', // Repository Query
]);

const UID = /^[0-9]+(\.[0-9]+)*$/;

/**
 * Is this abstract syntax a storage class? All of the standard's are, present, retired and future (they share one root);
 * of the standard's other services none is. Whatever lies outside the standard's root is somebody's private class and is
 * taken for storage: that is what private classes are used for, and an image must not be lost for an unknown number.
 */
export function isStorageClass(uid: string): boolean {
  if (!UID.test(uid) || uid.length > 64) return false;
  if (!uid.startsWith(STANDARD_ROOT)) return true;
  if (NOT_STORAGE.has(uid)) return false;
  return uid.startsWith(STORAGE_ROOT) || STORAGE_ELSEWHERE.has(uid);
}
