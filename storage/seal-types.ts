import { z } from 'zod';
import type { CheckedEntry } from './verify-segments.ts';

/** Everything about seals lies below this; storage/README.md documents it for strangers. */
export const SEALS = 'seals/';
export const SEAL_FORMAT_VERSION = 1;
/** A claimed time may be so much before the seal it missed: clocks differ, and a batch takes its time. */
export const CLOCK_MARGIN_MS = 15 * 60_000;

/** A list of leaves, in order, beside the seal that added them. */
const leafList = z.object({ key: z.string(), count: z.number().int().nonnegative(), sha256: z.string() });

export const sealShape = z.looseObject({
  lifeboat: z.literal('seal'),
  formatVersion: z.number().int().positive(),
  keyId: z.string(),
  /** 1, 2, 3… */
  sequence: z.number().int().positive(),
  /** YYYY-MM-DD, UTC, as the clock of the router said. */
  day: z.string(),
  createdAt: z.string(),
  /** SHA-256 of the bytes of the seal before; null for the first. */
  previous: z.string().nullable(),
  /** Leaves of the whole tree, this seal's included. */
  treeSize: z.number().int().nonnegative(),
  /** Merkle tree hash of all leaves (RFC 6962 2.1). */
  rootHash: z.string(),
  added: z.number().int().nonnegative(),
  /** Leaves among the added ones that say they were received before the seal before. */
  late: z.number().int().nonnegative(),
  leaves: z.array(leafList),
  /** Manifest segments that could not be read and are not sealed yet. */
  unreadable: z.number().int().nonnegative(),
  /** True when the clock was behind that of the seal before. */
  clockSetBack: z.boolean().optional(),
  /** Newest seals of other routers' keys, seen in the same store. */
  others: z.array(z.object({ keyId: z.string(), sequence: z.number().int().positive(), sha256: z.string() })),
});

export type Seal = z.infer<typeof sealShape>;

/** Keys of one router's seals. */
export function sealKeys(keyId: string) {
  const folder = `${SEALS}${keyId}/`;
  const name = (sequence: number) => `${folder}${String(sequence).padStart(8, '0')}`;
  return {
    folder,
    publicKey: `${folder}public-key.pem`,
    seal: (sequence: number) => `${name(sequence)}.json`,
    signature: (sequence: number) => `${name(sequence)}.sig`,
    leaves: (id: string) => `${folder}leaves/${id}.ndjson.gz`,
  };
}

/** The text of a leaf: what a manifest line says of one kept instance, members in this order. */
export function leafLine(entry: CheckedEntry): string {
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, key, size, sha256, dataSetSha256, receivedAt } = entry;
  return JSON.stringify({
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    key,
    size,
    sha256,
    dataSetSha256,
    receivedAt,
  });
}

export const leafShape = z.object({
  studyInstanceUID: z.string(),
  seriesInstanceUID: z.string(),
  sopInstanceUID: z.string(),
  key: z.string(),
  size: z.number(),
  sha256: z.string(),
  dataSetSha256: z.string(),
  receivedAt: z.string(),
});
