import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { writeTo } from '../dicomweb/multipart-writer.ts';
import { entriesToExport, streamStudy } from '../export/stream-study.ts';
import { streamTeachingCopy } from '../export/teaching-copy.ts';
import { uid } from './api-studies.ts';
import { checked } from './input.ts';
import type { HttpParts } from './parts.ts';
import { demand } from './principal.ts';

const query = z.object({ series: uid.optional() });

/** /api/studies/UID/zip and /teaching: a study or one series to take away, for people who read. */
export function exportApi({ context, control, log }: HttpParts): Router {
  const router = Router();

  type Write = (
    study: string,
    entries: Awaited<ReturnType<typeof entriesToExport>>,
    write: (bytes: Uint8Array) => Promise<void>,
  ) => Promise<void>;

  const send = async (req: Request<{ uid: string }>, res: Response, what: string, write: Write) => {
    const { name: user, address } = demand(req, 'api');
    const study = checked(uid, req.params.uid);
    const { series } = checked(query, req.query);
    const entries = await entriesToExport(context.archive, study, series);
    const detail = `${what}, ${entries.length} files${series ? `, series ${series}` : ''}`;
    res.setHeader('Content-Type', 'application/zip');
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Content-Disposition', `attachment; filename="lifeboat-${what}.zip"`);
    try {
      await write(study, entries, (bytes) => writeTo(res, bytes));
      res.end();
      control.audit({ user, address, action: 'export', object: study, detail, outcome: 'ok' });
    } catch (error) {
      control.audit({
        user,
        address,
        action: 'export',
        object: study,
        detail: `${detail}, broken off`,
        outcome: 'error',
      });
      if (!res.headersSent) throw error;
      // The browser says that the download failed; half a ZIP opens nowhere.
      log.warn({ err: error, study }, 'an export broke off');
      res.destroy();
    }
  };

  router.get('/studies/:uid/zip', (req, res) =>
    send(req, res, 'study', (study, entries, write) =>
      streamStudy(context.archive, study, entries, write, (entry) => context.corrections?.changes(entry) ?? []),
    ),
  );
  router.get('/studies/:uid/teaching', (req, res) =>
    send(req, res, 'teaching', (_study, entries, write) => streamTeachingCopy(context.archive, entries, write)),
  );
  return router;
}
