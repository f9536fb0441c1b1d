import { Counter, type Registry } from 'prom-client';
import type { Archive } from '../storage/archive-types.ts';
import type { ReceiveSource } from '../storage/format/manifest.ts';
import type { Reception } from '../storage/receive-types.ts';

/** A study of which acknowledged images wait in the spool. */
export interface WaitingStudy {
  callingAE: string;
  firstReceivedAt: string;
  lastReceivedAt: string;
  /** Images by Series Instance UID. */
  series: Map<string, number>;
}

/**
 * Counts acknowledged images and tells which studies wait in the spool, so that staff at the modality see at once that their
 * study arrived, also while the store is away. Knows what came since the router started.
 */
export class ReceptionWatch {
  readonly #waiting = new Map<string, WaitingStudy>();
  readonly #archive: Archive;
  readonly #instances: Counter;
  readonly #bytes: Counter;

  constructor(archive: Archive, registry: Registry) {
    const counter = (name: string, help: string) =>
      new Counter({ name, help, labelNames: ['via'], registers: [registry] });
    this.#archive = archive;
    this.#instances = counter('lifeboat_received_instances_total', 'Instances acknowledged, by how they came');
    this.#bytes = counter('lifeboat_received_bytes_total', 'Bytes acknowledged, by how they came');
    archive.events.on('committed', (entries) => {
      for (const entry of entries) this.#committed(entry.studyInstanceUID, entry.seriesInstanceUID);
      if (archive.spool().entries === 0) this.#waiting.clear();
    });
  }

  /** By Study Instance UID. */
  waiting(): ReadonlyMap<string, WaitingStudy> {
    if (this.#archive.spool().entries === 0) this.#waiting.clear();
    return this.#waiting;
  }

  /** The same archive; what it receives is counted. */
  watched(): Archive {
    const archive = this.#archive;
    return {
      ...archive,
      beginDataSet: (source, announced) => this.#watch(source, archive.beginDataSet(source, announced)),
      beginFile: (source, announced) => this.#watch(source, archive.beginFile(source, announced)),
    };
  }

  #watch(source: ReceiveSource, reception: Reception): Reception {
    return {
      write: (chunk) => reception.write(chunk),
      abort: () => reception.abort(),
      finish: async () => {
        const received = await reception.finish();
        this.#instances.inc({ via: source.via });
        this.#bytes.inc({ via: source.via }, received.size);
        this.#arrived(source, received.studyInstanceUID, received.seriesInstanceUID);
        return received;
      },
    };
  }

  #arrived(source: ReceiveSource, study: string, series: string): void {
    if (this.#archive.spool().entries === 0) return;
    const now = new Date().toISOString();
    let waiting = this.#waiting.get(study);
    if (!waiting) {
      waiting = { callingAE: source.callingAE ?? '', firstReceivedAt: now, lastReceivedAt: now, series: new Map() };
      this.#waiting.set(study, waiting);
    }
    waiting.lastReceivedAt = now;
    waiting.series.set(series, (waiting.series.get(series) ?? 0) + 1);
  }

  #committed(study: string, series: string): void {
    const waiting = this.#waiting.get(study);
    const count = waiting?.series.get(series);
    if (!waiting || !count) return;
    if (count > 1) waiting.series.set(series, count - 1);
    else waiting.series.delete(series);
    if (waiting.series.size === 0) this.#waiting.delete(study);
  }
}
