import type { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { HeadUids } from './part-head.ts';
import type { StoreOutcome } from './store-parts.ts';

/** An instance that was not kept, as far as it could be identified. */
export interface StoreFailure extends HeadUids {
  error: LifeboatError;
}

const ui = (value: string) => ({ vr: 'UI', Value: [value] });

const REFERENCED_TRANSFER_SYNTAX_NOT_SUPPORTED = 0xc122;

/** Failure Reason (0008,1197), PS3.18 Table I.2-2: the C-STORE status codes, but one of its own for transfer syntaxes. */
const reason = ({ code, dimse }: LifeboatError) => ({
  vr: 'US',
  Value: [code === 'TRANSFER_SYNTAX_UNKNOWN' ? REFERENCED_TRANSFER_SYNTAX_NOT_SUPPORTED : dimse],
});

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
export function storeResponse(outcomes: readonly StoreOutcome[], root: string, study: string | undefined): DicomJson {
  const kept = outcomes.flatMap((one) => ('received' in one ? [one] : []));
  const failures = outcomes.flatMap((one) => ('failure' in one ? [one.failure] : []));
  const known = failures.filter((failure) => failure.sopInstanceUID !== undefined);
  const unknown = failures.filter((failure) => failure.sopInstanceUID === undefined);
  const studies = new Set(kept.map(({ received }) => received.studyInstanceUID));
  const shared = study ?? (studies.size === 1 ? [...studies][0] : undefined);
  const answer: DicomJson = {};
  if (shared !== undefined && kept.length > 0) {
    answer['00081190'] = { vr: 'UR', Value: [`${root}/studies/${shared}`] };
  }
  if (known.length > 0) answer['00081198'] = { vr: 'SQ', Value: known.map(failedItem) };
  if (kept.length > 0) {
    answer['00081199'] = {
      vr: 'SQ',
      Value: kept.map(({ received: instance, warning }) => ({
        '00081150': ui(instance.sopClassUID),
        '00081155': ui(instance.sopInstanceUID),
        '00081190': {
          vr: 'UR',
          Value: [
            `${root}/studies/${instance.studyInstanceUID}/series/${instance.seriesInstanceUID}/instances/${instance.sopInstanceUID}`,
          ],
        },
        ...(warning === undefined ? {} : { '00081196': { vr: 'US', Value: [warning] } }),
      })),
    };
  }
  if (unknown.length > 0) answer['0008119A'] = { vr: 'SQ', Value: unknown.map(failedItem) };
  return answer;
}
