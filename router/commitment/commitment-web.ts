import express, { type Request, type Response, Router } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { RouterContext } from '../context.ts';
import { covers, mediaAsks, parseMediaType } from '../dicomweb/accept.ts';
import { callerOf, checkedUid, handle, param, single } from '../dicomweb/request.ts';
import { referencesOfJson, responseModule } from './commitment-json.ts';
import type { CommitmentRequest } from './commitment-queue.ts';
import type { Commitments } from './commitments.ts';

const JSON_TYPE = 'application/dicom+json';
const MOST_BYTES = 20 * 1024 * 1024;
/** A request is answered at once when it is judged within, ms; otherwise the result is asked for later. */
const WAIT_MS = 2_000;
const RETRY_AFTER_S = 5;

/** Storage Commitment Service of PS3.18 chapter 13: `/commitment-requests/{transactionUID}`, behind authentication. */
export function commitmentRequests(ctx: RouterContext): Router {
  const router = Router({ caseSensitive: true });
  const body = express.json({ type: [JSON_TYPE, 'application/json'], limit: MOST_BYTES, inflate: false });
  router.post('/:transaction', mustBeJson, body, handle(request(ctx)));
  router.get('/:transaction', handle(resultCheck(ctx)));
  return router;
}

function mustBeJson(req: Request, _res: Response, next: () => void): void {
  const media = parseMediaType(req.headers['content-type'] ?? '');
  if (media?.type !== JSON_TYPE && media?.type !== 'application/json')
    throw new LifeboatError('UNSUPPORTED_MEDIA_TYPE', `A commitment request comes as ${JSON_TYPE}.`);
  next();
}

function commitmentsOf(ctx: RouterContext): Commitments {
  if (!ctx.commitments) throw new LifeboatError('NOT_FOUND', 'There is no storage commitment here.');
  return ctx.commitments;
}

function request(ctx: RouterContext) {
  return async (req: Request, res: Response): Promise<void> => {
    const { user: requester, address } = callerOf(req, ctx.config);
    const transactionUID = checkedUid(param(req, 'transaction'), 'The Transaction UID');
    acceptsJson(req);
    const references = referencesOfJson(req.body);
    res.locals['audited'] = true;
    const commitments = commitmentsOf(ctx);
    if (!commitments.request({ transactionUID, via: 'web', requester, address, references }))
      throw new LifeboatError('CONFLICT', 'The Transaction UID is already in use.');
    answer(res, await commitments.judgedWithin(transactionUID, WAIT_MS));
  };
}

function resultCheck(ctx: RouterContext) {
  return async (req: Request, res: Response): Promise<void> => {
    const { user } = callerOf(req, ctx.config);
    const transactionUID = checkedUid(param(req, 'transaction'), 'The Transaction UID');
    acceptsJson(req);
    const found = commitmentsOf(ctx).queue.byTransaction(transactionUID);
    // What others asked for is nobody's business.
    if (found?.via !== 'web' || found.requester !== user)
      throw new LifeboatError('NOT_FOUND', 'No such commitment request was made.');
    answer(res, found);
  };
}

function acceptsJson(req: Request): void {
  const asks = mediaAsks(req.headers.accept, single(req, 'accept'));
  if (!asks.some(({ mediaType }) => covers(mediaType, JSON_TYPE) || mediaType === 'application/json'))
    throw new LifeboatError('NOT_ACCEPTABLE', `The result of a commitment request comes as ${JSON_TYPE}.`);
}

/** 200 with the result, or 202 and no payload: not known yet (PS3.18 Table 13.4.3-1). */
function answer(res: Response, found: CommitmentRequest | undefined): void {
  if (found?.state === 'done') {
    res
      .status(200)
      .type(JSON_TYPE)
      .send(JSON.stringify([responseModule(found)]));
    return;
  }
  res.status(202).setHeader('Retry-After', String(RETRY_AFTER_S)).end();
}
