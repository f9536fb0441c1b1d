import type { RouterContext } from '../context.ts';
import { ImagePool } from '../dicomweb/image-pool.ts';
import type { DimseService } from '../dimse/dimse-service.ts';
import { findScp } from './find-scp.ts';
import { getScp } from './get-scp.ts';
import { moveScp } from './move-scp.ts';
import { Permit } from './permit.ts';
import { Spooled } from './spooled.ts';

/** The Query/Retrieve service in place of the PACS (PS3.4 Annex C). */
export interface QueryRetrieve {
  services: readonly DimseService[];
  close(): Promise<void>;
}

export function openQueryRetrieve({ config, archive, access }: RouterContext): QueryRetrieve {
  const permit = new Permit(config.workstations ?? [], access);
  const images = new ImagePool();
  const { aeTitle } = config;
  const sources = { store: archive.reading, images };
  const spooled = new Spooled(archive);
  return {
    services: [
      findScp({ catalogue: archive.catalogue, aeTitle, permit, spooled }),
      moveScp({ archive, spooled, sources, aeTitle, permit }),
      getScp({ archive, spooled, sources, permit }),
    ],
    close: async () => {
      await Promise.all([images.close(), spooled.close()]);
    },
  };
}
