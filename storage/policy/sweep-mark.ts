import { asLifeboatError } from '../../contract/errors.ts';
import { studyPath } from '../keys.ts';
import type { ObjectStore } from '../object-store.ts';

const SWEEPING = 'sweeping/';
/** A mark this old was left by a sweep that was killed, ms. */
const STALE_MS = 3_600_000;
/** A sweep renews its mark, and looks at the manifests again, well before that. */
export const RENEW_MARK_MS = 600_000;

const keyOf = (studyInstanceUID: string): string => `${SWEEPING}${studyPath(studyInstanceUID)}`;

/**
 * Says that bytes of a study are being deleted. Placed before the sweep reads the study's manifests; whoever brings in an image looks for
 * it after its manifest is written. So one of the two sees the other: the sweep the manifest, or the writer the mark.
 */
export async function placeMark(store: ObjectStore, studyInstanceUID: string): Promise<void> {
  await store.put(keyOf(studyInstanceUID), Buffer.from(new Date().toISOString()));
}

export async function liftMark(store: ObjectStore, studyInstanceUID: string): Promise<void> {
  await store.delete(keyOf(studyInstanceUID));
}

/** True while a sweep may be at work. Throws STORE_UNAVAILABLE. */
export async function isMarked(store: ObjectStore, studyInstanceUID: string): Promise<boolean> {
  try {
    const at = Date.parse((await store.get(keyOf(studyInstanceUID))).toString('latin1'));
    return !(at < Date.now() - STALE_MS);
  } catch (thrown) {
    const error = asLifeboatError(thrown);
    if (error.code === 'OBJECT_NOT_FOUND') return false;
    throw error;
  }
}
