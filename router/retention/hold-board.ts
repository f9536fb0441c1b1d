import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { HoldAnswer, HoldRow } from '../../contract/retention.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type HoldRecord, heldStudies, holdInBucket, holdsOf, writeHold } from '../../storage/policy/holds.ts';
import type { StoreConfig } from '../../storage/stores/open-store.ts';

/** Legal holds as the pages show and change them. */
export class HoldBoard {
  readonly #store: ObjectStore;
  readonly #config: StoreConfig;

  constructor(store: ObjectStore, config: StoreConfig) {
    this.#store = store;
    this.#config = config;
  }

  /** Throws STORE_UNAVAILABLE. */
  async all(): Promise<HoldRow[]> {
    return (await heldStudies(this.#store)).map(rowOf);
  }

  /** Throws STORE_UNAVAILABLE. */
  async of(studyInstanceUID: string): Promise<HoldAnswer> {
    const history = await holdsOf(this.#store, studyInstanceUID);
    const last = history.at(-1);
    return {
      held: last?.state === 'placed' ? rowOf(last) : null,
      history: history.map((record) => ({ ...rowOf(record), state: record.state })),
    };
  }

  /**
   * Holds a study or ends that; the record counts at once. Whether the store's own legal hold could be changed too is told.
   * @throws CONFLICT when it is so already, STORE_UNAVAILABLE
   */
  async change(studyInstanceUID: string, change: Pick<HoldRecord, 'state' | 'by' | 'reason'>): Promise<HoldAnswer> {
    const { held } = await this.of(studyInstanceUID);
    if ((held !== null) === (change.state === 'placed'))
      throw new LifeboatError('CONFLICT', `This study is ${held ? 'held already' : 'not held'}.`);
    await writeHold(this.#store, studyInstanceUID, change);
    const answer = await this.of(studyInstanceUID);
    const store = await this.#inBucket(studyInstanceUID, change.state === 'placed');
    return store === undefined ? answer : { ...answer, store };
  }

  async #inBucket(studyInstanceUID: string, on: boolean): Promise<string | undefined> {
    if (this.#config.kind !== 's3') return undefined;
    const { VersionedBucket } = await import('../../storage/policy/versioned-bucket.ts');
    const bucket = new VersionedBucket(this.#config);
    try {
      if (await bucket.lockProblem()) return undefined;
      const count = await holdInBucket(bucket, studyInstanceUID, on);
      return `The store’s own legal hold was ${on ? 'set on' : 'ended for'} ${count} versions.`;
    } catch (error) {
      const command = `lifeboat hold ${on ? 'place' : 'release'}`;
      return `The store’s own legal hold was not changed (with the key of the bucket’s owner: \`${command}\`): ${asLifeboatError(error).message}`;
    } finally {
      bucket.close();
    }
  }
}

function rowOf({ studyInstanceUID, at, by, reason }: HoldRecord): HoldRow {
  return { studyInstanceUID, at, by, reason };
}
