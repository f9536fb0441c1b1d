import { Counter, Gauge, type Registry } from 'prom-client';

/** Counters of the DIMSE service; without a registry they count for nobody. */
export interface DimseMetrics {
  accepted(): void;
  rejected(code: string): void;
  ended(kind: string): void;
  /** @param code of the error, or undefined for success */
  stored(code?: string): void;
}

/** Registers the DIMSE metrics. @param open current number of connections */
export function createDimseMetrics(registry: Registry | undefined, open: () => number): DimseMetrics {
  if (!registry) return { accepted() {}, rejected() {}, ended() {}, stored() {} };
  const registers = [registry];
  const associations = new Counter({
    name: 'lifeboat_dimse_associations_total',
    help: 'Associations by what became of them: accepted, rejected, released, aborted, peer-aborted, lost',
    labelNames: ['outcome', 'code'],
    registers,
  });
  const stores = new Counter({
    name: 'lifeboat_dimse_store_total',
    help: 'C-STORE requests answered, by error code (ok: kept)',
    labelNames: ['code'],
    registers,
  });
  new Gauge({
    name: 'lifeboat_dimse_connections',
    help: 'Open DICOM connections',
    registers,
    collect() {
      this.set(open());
    },
  });
  return {
    accepted: () => associations.inc({ outcome: 'accepted', code: '' }),
    rejected: (code) => associations.inc({ outcome: 'rejected', code }),
    ended: (outcome) => associations.inc({ outcome, code: '' }),
    stored: (code) => stores.inc({ code: code ?? 'ok' }),
  };
}
