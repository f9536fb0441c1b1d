import type { WorklistAnswer } from '../../../../contract/api.ts';
import { asLifeboatError } from '../../../../contract/errors.ts';
import type { LifeboatHit, LifeboatResult, LifeboatSearch } from '../../../../storage/format/lifeboat-index.ts';
import { readLifeboatStudy } from '../../../../storage/format/lifeboat-study.ts';
import type { InstanceManifest, StudyManifest } from '../../../../storage/format/manifest.ts';
import { buildStudyManifest } from '../../../../storage/format/study-manifest.ts';
import { RequestError } from '../../shared/api/client.ts';
import type { ArchiveDoor } from '../../shared/api/door.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';
import type { Visit } from './visit.ts';

/** The pages know refusals of the router: status 0 for no answer, 404 for no such study. */
export function asRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  const error = asLifeboatError(thrown);
  if (error.code === 'INTERNAL' && error.cause instanceof Error)
    return new RequestError(500, 'INTERNAL', error.cause.message);
  return new RequestError(error.code === 'STORE_UNAVAILABLE' ? 0 : error.http, error.code, error.message);
}

type Row = WorklistAnswer['rows'][number];

function rowOf(hit: LifeboatHit): Row {
  return {
    studyInstanceUID: hit.studyInstanceUID,
    patientName: hit.patientName,
    patientNameGroups: hit.patientName.split('='),
    patientID: hit.patientID,
    issuerOfPatientID: '',
    patientBirthDate: hit.patientBirthDate,
    patientSex: hit.patientSex,
    accessionNumber: hit.accessionNumber,
    studyDate: hit.studyDate,
    studyTime: hit.studyTime,
    studyDescription: hit.studyDescription,
    modalities: hit.modalities,
    seriesCount: hit.series,
    instanceCount: hit.instances,
    bytes: 0,
    firstReceivedAt: hit.receivedAt,
    lastReceivedAt: hit.receivedAt,
    callingAEs: [],
    conflicts: 0,
  };
}

/** The archive without a router: searching by the index in the store, studies from their segments, addresses signed here. */
export class StoreDoor implements ArchiveDoor {
  readonly live = false;
  readonly #visit: Visit;

  constructor(visit: Visit) {
    this.#visit = visit;
  }

  /** @throws RequestError */
  async search(question: LifeboatSearch): Promise<LifeboatResult> {
    try {
      const index = await this.#visit.index();
      const result = await index.search(question);
      this.#visit.noteIndexAge(result.asOf);
      return result;
    } catch (error) {
      throw asRequestError(error);
    }
  }

  async manifest(studyInstanceUID: string): Promise<StudyManifest> {
    try {
      const { store } = this.#visit;
      const { entries, problems } = await readLifeboatStudy(
        store,
        studyInstanceUID,
        await this.#known(studyInstanceUID),
      );
      const manifest = buildStudyManifest(entries);
      if (!manifest)
        throw new RequestError(problems.length > 0 ? 500 : 404, 'NOT_FOUND', problems[0] ?? lifeboatMessages.noStudy);
      this.#visit.noteProblems(studyInstanceUID, problems);
      this.#visit.noteView(studyInstanceUID);
      return await this.#addressed(manifest);
    } catch (error) {
      throw asRequestError(error);
    }
  }

  /** Other studies of a patient, for the reading page. */
  async worklist({ search = '', limit = 100 }: { search?: string; limit?: number }): Promise<WorklistAnswer> {
    const { hits, next, problems } = await this.search({ patientID: search, limit });
    if (problems.length > 0) throw new RequestError(500, 'INCOMPLETE', problems[0]!);
    return { rows: hits.map(rowOf), more: next !== undefined, count: hits.length };
  }

  /** Segments that the index names, which are all there is to go by where the store cannot list. */
  async #known(studyInstanceUID: string): Promise<string[]> {
    if (this.#visit.store.list) return [];
    const index = await this.#visit.index();
    const { hit, problems } = await index.findStudy(studyInstanceUID);
    if (!hit && problems.length > 0) throw new RequestError(500, 'INCOMPLETE', problems[0]!);
    return hit?.segments ?? [];
  }

  async #addressed(manifest: StudyManifest): Promise<StudyManifest> {
    const { store } = this.#visit;
    const instanceOf = async (instance: InstanceManifest): Promise<InstanceManifest> => ({
      ...instance,
      url: await store.address(instance.key),
      ...(instance.superseded && {
        superseded: await Promise.all(
          instance.superseded.map(async (older) => ({ ...older, url: await store.address(older.key) })),
        ),
      }),
    });
    const series = await Promise.all(
      manifest.series.map(async (each) => ({ ...each, instances: await Promise.all(each.instances.map(instanceOf)) })),
    );
    return { ...manifest, series };
  }
}
