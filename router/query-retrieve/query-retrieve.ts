import { authorization, pacsName } from '../backfill/pacs-source.ts';
import type { RouterContext } from '../context.ts';
import { correctedCatalogue } from '../corrections/corrected-catalogue.ts';
import { ImagePool } from '../dicomweb/image-pool.ts';
import type { DimseService } from '../dimse/dimse-service.ts';
import { findScp } from './find-scp.ts';
import { getScp } from './get-scp.ts';
import { moveScp } from './move-scp.ts';
import { PacsSource } from './pacs-source.ts';
import { Permit } from './permit.ts';
import { Spooled } from './spooled.ts';
import { WebPacsSource } from './web-pacs-source.ts';

/** The Query/Retrieve service in place of the PACS (PS3.4 Annex C). */
export interface QueryRetrieve {
  services: readonly DimseService[];
  close(): Promise<void>;
}

export function openQueryRetrieve(router: RouterContext): QueryRetrieve {
  const { config, access, log, corrections } = router;
  const { archive: received } = router;
  const catalogue = correctedCatalogue(received.catalogue, corrections);
  const archive = { catalogue, entries: (study: string) => received.entries(study) };
  const permit = new Permit(config.workstations ?? [], access);
  const images = new ImagePool();
  const { aeTitle } = config;
  const sources = { store: received.reading, images };
  const spooled = new Spooled(received);
  const { pacs: peer, pacsWeb } = config;
  const isUp = () => (router.pacsStatus ? router.pacsStatus().state === 'up' : true);
  const web =
    config.queryPacs && pacsWeb
      ? new WebPacsSource({
          name: pacsName(config, router.forwarding),
          peer: { url: pacsWeb.url, headers: () => authorization(pacsWeb.tokenFile) },
          isUp,
          receiver: received,
          log,
        })
      : undefined;
  const dimse =
    config.queryPacs && peer
      ? new PacsSource({
          peer: { host: peer.host, port: peer.port, calledAE: peer.aeTitle, callingAE: aeTitle },
          isUp,
          receiver: received,
          log,
        })
      : undefined;
  const pacs = web ?? dimse;
  return {
    services: [
      findScp({ catalogue, aeTitle, permit, spooled, corrections, pacs }),
      moveScp({ archive, spooled, corrections, pacs, sources, aeTitle, permit }),
      getScp({ archive, spooled, corrections, pacs, sources, permit }),
    ],
    close: async () => {
      await Promise.all([images.close(), spooled.close()]);
    },
  };
}
