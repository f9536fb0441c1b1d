import { Counter, type Registry } from 'prom-client';
import type { Archive } from '../storage/archive-types.ts';
import type { ReceiveSource } from '../storage/format/manifest.ts';
import type { Reception } from '../storage/receive-types.ts';

/** The same archive; what it receives is counted in /metrics, by how it came. */
export function countReceptions(archive: Archive, registry: Registry): Archive {
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['via'], registers: [registry] });
  const instances = counter('lifeboat_received_instances_total', 'Instances acknowledged, by how they came');
  const bytes = counter('lifeboat_received_bytes_total', 'Bytes acknowledged, by how they came');
  const counted = (source: ReceiveSource, reception: Reception): Reception => ({
    write: (chunk) => reception.write(chunk),
    abort: () => reception.abort(),
    finish: async () => {
      const received = await reception.finish();
      instances.inc({ via: source.via });
      bytes.inc({ via: source.via }, received.size);
      return received;
    },
  });
  return {
    ...archive,
    beginDataSet: (source, announced) => counted(source, archive.beginDataSet(source, announced)),
    beginFile: (source, announced) => counted(source, archive.beginFile(source, announced)),
  };
}
