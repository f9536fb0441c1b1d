import { FORMAT_VERSION } from './format/manifest.ts';
import { FORMAT_KEY } from './keys.ts';
import type { ObjectStore } from './object-store.ts';

const description = {
  lifeboat: 'archive',
  formatVersion: FORMAT_VERSION,
  objects: 'objects/<hh>/<study>/<series>/<sop>.<first 32 hex digits of the SHA-256 of the file>.dcm (DICOM Part 10)',
  manifests: 'manifests/<hh>/<study>/<ulid>.ndjson.gz (first line: header; then one line for each kept instance)',
  metadata: 'metadata/<hh>/<study>/<ulid>.ndjson.gz (DICOM JSON of the same instances)',
  shard: '<hh> is the first byte, in hex, of SHA-256(Study Instance UID)',
  merging:
    'set union over all segments of a study; one content is SOP Instance UID and dataSetSha256; the newest receivedAt counts',
};

/** Writes `lifeboat.json` where it is missing: whoever finds the store finds in it how to read it. */
export async function writeFormatDescription(store: ObjectStore): Promise<void> {
  if (await store.head(FORMAT_KEY)) return;
  await store.put(FORMAT_KEY, Buffer.from(`${JSON.stringify(description, null, 2)}\n`));
}
