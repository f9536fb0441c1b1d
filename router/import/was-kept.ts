import type { Archive } from '../../storage/archive-types.ts';
import type { ReceivedInstance } from '../../storage/receive-types.ts';

/** Answers for `ImportOptions.wasKept`: whether the archive had a content before now. Call it before the import begins. */
export function wasKeptIn(archive: Pick<Archive, 'entries'>): (received: ReceivedInstance) => Promise<boolean> {
  const began = new Date().toISOString();
  const studies = new Map<string, Promise<Set<string>>>();
  const contentsBefore = async (studyUID: string) => {
    const entries = await archive.entries(studyUID);
    return new Set(
      entries
        .filter((entry) => entry.receivedAt < began)
        .map((entry) => `${entry.sopInstanceUID} ${entry.dataSetSha256}`),
    );
  };
  return async ({ studyInstanceUID, sopInstanceUID, dataSetSha256 }) => {
    let contents = studies.get(studyInstanceUID);
    if (!contents) {
      contents = contentsBefore(studyInstanceUID);
      studies.set(studyInstanceUID, contents);
    }
    return (await contents).has(`${sopInstanceUID} ${dataSetSha256}`);
  };
}
