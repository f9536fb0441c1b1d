import type { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';
import type { HeadUids } from './part-head.ts';

/** An instance that was not kept, as far as it could be identified. */
export interface StoreFailure extends HeadUids {
  error: LifeboatError;
}

const ui = (value: string) => ({ vr: 'UI', Value: [value] });

/** 16 bits, PS3.18 Table 10.5.3-2 (the C-STORE status codes). */
const reason = (error: LifeboatError) => ({ vr: 'US', Value: [error.dimse] });

/** Readable beside the number: Error Comment (0000,0902) has no place in a data set, so the text is a private addition. */
function failedItem(failure: StoreFailure): DicomJson {
  return {
    ...(failure.sopClassUID === undefined ? {} : { '00081150': ui(failure.sopClassUID) }),
    ...(failure.sopInstanceUID === undefined ? {} : { '00081155': ui(failure.sopInstanceUID) }),
    '00081197': reason(failure.error),
    '00090010': { vr: 'LO', Value: ['LIFEBOAT'] },
    '00091001': { vr: 'LT', Value: [failure.error.message] },
    '00091002': { vr: 'LO', Value: [failure.error.code] },
  };
}

/** Store Instances Response Module (PS3.18 Annex I.2). */
export function storeResponse(
  outcomes: ReadonlyArray<{ received: ReceivedInstance } | { failure: StoreFailure }>,
  root: string,
  study: string | undefined,
): DicomJson {
  const kept = outcomes.flatMap((one) => ('received' in one ? [one.received] : []));
  const failures = outcomes.flatMap((one) => ('failure' in one ? [one.failure] : []));
  const known = failures.filter((failure) => failure.sopInstanceUID !== undefined);
  const unknown = failures.filter((failure) => failure.sopInstanceUID === undefined);
  const studies = new Set(kept.map((instance) => instance.studyInstanceUID));
  const shared = study ?? (studies.size === 1 ? [...studies][0] : undefined);
  const answer: DicomJson = {};
  if (shared !== undefined && kept.length > 0) {
    answer['00081190'] = { vr: 'UR', Value: [`${root}/studies/${shared}`] };
  }
  if (known.length > 0) answer['00081198'] = { vr: 'SQ', Value: known.map(failedItem) };
  if (kept.length > 0) {
    answer['00081199'] = {
      vr: 'SQ',
      Value: kept.map((instance) => ({
        '00081150': ui(instance.sopClassUID),
        '00081155': ui(instance.sopInstanceUID),
        '00081190': {
          vr: 'UR',
          Value: [
            `${root}/studies/${instance.studyInstanceUID}/series/${instance.seriesInstanceUID}/instances/${instance.sopInstanceUID}`,
          ],
        },
      })),
    };
  }
  if (unknown.length > 0) answer['0008119A'] = { vr: 'SQ', Value: unknown.map(failedItem) };
  return answer;
}
