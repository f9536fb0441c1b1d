import { CatalogueCheck } from './verify-catalogue.ts';
import { type FoundStudy, studiesIn } from './verify-listing.ts';
import { type StudyContext, type VerifiedStudy, verifyStudy } from './verify-study.ts';
import { openReader } from './verify-threads.ts';
import type { Finding, Verification, VerifyOptions, VerifySummary } from './verify-types.ts';

export type { Finding, FindingKind, Verification, VerifyOptions, VerifySummary } from './verify-types.ts';

/** Studies checked at once: small ones would otherwise leave threads without work. */
const STUDIES_IN_FLIGHT = 8;
const STRAY_AGE_MS = 600_000;

/**
 * Reads everything in the store and compares it with the manifests: each object's size and SHA-256, each segment, each
 * object that no manifest names, and the catalogue content by content. Changes nothing. Needs memory for a few studies at
 * a time. Throws STORE_UNAVAILABLE only when the store cannot even be listed.
 */
export function verify(options: VerifyOptions & Pick<StudyContext, 'also' | 'removalKeys'>): Verification {
  const summary = emptySummary();
  return {
    summary,
    async *[Symbol.asyncIterator]() {
      for await (const finding of findings(options, summary)) {
        count(summary, finding);
        yield finding;
      }
    },
  };
}

export function emptySummary(): VerifySummary {
  return { studies: 0, segments: 0, sound: 0, bytes: 0, findings: {} };
}

/** Adds what a study was to the counts; its findings are counted one by one. */
export function addStudy(summary: VerifySummary, study: VerifiedStudy): void {
  if (study.segments > 0) summary.studies++;
  summary.segments += study.segments;
  summary.sound += study.sound;
  summary.bytes += study.bytes;
}

export function count(summary: VerifySummary, { kind }: Finding): void {
  summary.findings[kind] = (summary.findings[kind] ?? 0) + 1;
}

async function* findings(
  options: VerifyOptions & Pick<StudyContext, 'also' | 'removalKeys'>,
  summary: VerifySummary,
): AsyncGenerator<Finding> {
  const { store, signal, strayAgeMs = STRAY_AGE_MS } = options;
  const reader = openReader(store, { threads: options.threads, config: options.storeConfig });
  const catalogue = options.catalogue && new CatalogueCheck(options.catalogue, reader, strayAgeMs);
  const { also, removalKeys } = options;
  const context: StudyContext = { store, reader, catalogue, strayAgeMs, signal, also, removalKeys };
  try {
    for await (const study of checkedInOrder(context, studiesIn(store))) {
      addStudy(summary, study);
      yield* study.findings;
      options.onProgress?.(summary);
    }
    if (catalogue && !signal?.aborted) yield* await catalogue.surplus();
  } finally {
    await reader.close();
  }
}

/** Several studies at work, handed on in the order found. */
async function* checkedInOrder(
  context: StudyContext,
  found: AsyncGenerator<FoundStudy>,
): AsyncGenerator<VerifiedStudy> {
  const working: Promise<VerifiedStudy>[] = [];
  for await (const study of found) {
    if (context.signal?.aborted) return;
    working.push(verifyStudy(context, study));
    if (working.length >= STUDIES_IN_FLIGHT) yield await working.shift()!;
  }
  for (const study of working) {
    if (context.signal?.aborted) return;
    yield await study;
  }
}
