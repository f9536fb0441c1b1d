import { type Request, type Response, Router } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import { commitmentRequests } from '../commitment/commitment-web.ts';
import type { RouterContext } from '../context.ts';
import { clearBulkFiles } from './bulk-file.ts';
import { sendCapabilities } from './capabilities.ts';
import { errorHandler } from './errors.ts';
import { ImagePool } from './image-pool.ts';
import { MemoryBudget } from './memory-budget.ts';
import { search } from './qido.ts';
import { handle } from './request.ts';
import type { Retrieval } from './retrieval.ts';
import { store } from './stow.ts';
import { StudyIndex } from './study-index.ts';
import { retrieveBulkdata } from './wado-bulkdata.ts';
import { retrieveFrames } from './wado-frames.ts';
import { retrieveInstances } from './wado-instances.ts';
import { retrieveMetadata } from './wado-metadata.ts';
import { retrieveRendered } from './wado-rendered.ts';

/** What all requests together may hold of objects and frames that are converted. */
const MEMORY_BYTES = 384 * 1024 * 1024;
const STUDY = '/studies/:study';
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

function methods(allowed: string): (req: Request, res: Response) => never {
  return (req, res) => {
    res.setHeader('Allow', allowed);
    throw new LifeboatError('BAD_REQUEST', `The method ${req.method} is not supported here; use ${allowed}.`);
  };
}

/** Studies service of PS3.18 chapter 10 (QIDO-RS, WADO-RS, STOW-RS), to be mounted behind authentication. */
export function createDicomweb(ctx: RouterContext): Router {
  const router = Router({ caseSensitive: true, mergeParams: true });
  clearBulkFiles(ctx.config);
  const retrieval: Retrieval = {
    ctx,
    index: new StudyIndex(ctx.archive),
    images: new ImagePool(),
    memory: new MemoryBudget(MEMORY_BYTES),
  };

  router.options(/.*/, sendCapabilities);
  router.get('/capabilities', sendCapabilities);

  for (const [path, level] of [
    ['/studies', 'study'],
    ['/series', 'series'],
    ['/instances', 'instance'],
    [`${STUDY}/series`, 'series'],
    [`${STUDY}/instances`, 'instance'],
    [`${SERIES}/instances`, 'instance'],
  ] as const) {
    router.get(path, handle(search(ctx, level)));
  }

  router.post('/studies', handle(store(ctx)));
  router.post(STUDY, handle(store(ctx)));

  const instances = handle(retrieveInstances(retrieval));
  const metadata = handle(retrieveMetadata(retrieval));
  for (const path of [STUDY, SERIES, INSTANCE]) {
    router.get(path, instances);
    router.get(`${path}/metadata`, metadata);
    router.get(`${path}/rendered`, handle(retrieveRendered(retrieval, 'rendered')));
    router.get(`${path}/thumbnail`, handle(retrieveRendered(retrieval, 'thumbnail')));
  }
  router.get(`${INSTANCE}/bulkdata/:range`, handle(retrieveBulkdata(retrieval)));
  router.get(`${INSTANCE}/frames/:frames`, handle(retrieveFrames(retrieval)));
  router.get(`${INSTANCE}/frames/:frames/rendered`, handle(retrieveRendered(retrieval, 'rendered')));
  router.get(`${INSTANCE}/frames/:frames/thumbnail`, handle(retrieveRendered(retrieval, 'thumbnail')));

  router.use('/commitment-requests', commitmentRequests(ctx));

  router.all(['/studies', STUDY], methods('GET, HEAD, POST, OPTIONS'));
  router.use((_req, _res) => {
    throw new LifeboatError('NOT_FOUND', 'There is no such DICOMweb resource.');
  });
  router.use(errorHandler(ctx));
  return router;
}
