import { contentId } from '../../storage/merge.ts';
import type { PacsConfirmed } from '../../storage/policy/pacs-confirmed.ts';
import type { Proof } from '../commitment/proof-queue.ts';

/** What storage commitment has proven of a study, as rules of retention ask for it. */
export function confirmedBy(queue: { ofStudy(studyInstanceUID: string): Proof[] }): PacsConfirmed {
  return {
    confirmedByPacs: (studyInstanceUID) =>
      new Set(
        queue
          .ofStudy(studyInstanceUID)
          .filter(({ state }) => state === 'confirmed')
          .map(contentId),
      ),
  };
}
