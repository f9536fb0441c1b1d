import type { RouterContext } from '../context.ts';
import { ImagePool } from '../dicomweb/image-pool.ts';
import type { DimseService } from '../dimse/dimse-service.ts';
import { findScp } from './find-scp.ts';
import { getScp } from './get-scp.ts';
import { moveScp } from './move-scp.ts';
import { PacsSource } from './pacs-source.ts';
import { Permit } from './permit.ts';
import { Spooled } from './spooled.ts';

/** The Query/Retrieve service in place of the PACS (PS3.4 Annex C). */
export interface QueryRetrieve {
  services: readonly DimseService[];
  close(): Promise<void>;
}

export function openQueryRetrieve(router: RouterContext): QueryRetrieve {
  const { config, archive, access, log } = router;
  const permit = new Permit(config.workstations ?? [], access);
  const images = new ImagePool();
  const { aeTitle } = config;
  const sources = { store: archive.reading, images };
  const spooled = new Spooled(archive);
  const { pacs: peer } = config;
  const pacs =
    config.queryPacs && peer
      ? new PacsSource({
          peer: { host: peer.host, port: peer.port, calledAE: peer.aeTitle, callingAE: aeTitle },
          isUp: () => router.pacsStatus?.().state === 'up',
          receiver: archive,
          log,
        })
      : undefined;
  return {
    services: [
      findScp({ catalogue: archive.catalogue, aeTitle, permit, spooled, pacs }),
      moveScp({ archive, spooled, pacs, sources, aeTitle, permit }),
      getScp({ archive, spooled, pacs, sources, permit }),
    ],
    close: async () => {
      await Promise.all([images.close(), spooled.close()]);
    },
  };
}
