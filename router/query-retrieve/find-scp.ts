import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { KnownCorrections, SearchedCatalogue } from '../corrections/corrected-catalogue.ts';
import { Status } from '../dimse/command-set.ts';
import { writeShortDataSet } from '../dimse/data-set-json.ts';
import type { DimseService, ServiceRequest, ServiceResponse } from '../dimse/dimse-service.ts';
import { QueryClass } from '../dimse/query-classes.ts';
import { agreed, FUZZY, RELATIONAL } from './extended-negotiation.ts';
import { type Identifier, readIdentifier } from './identifier.ts';
import { matches } from './matches.ts';
import type { Elsewhere } from './pacs-source.ts';
import type { Permit } from './permit.ts';
import type { Spooled } from './spooled.ts';

/** C-FIND failures (PS3.4 Table C.4-1). */
const OUT_OF_RESOURCES = 0xa700;
const IDENTIFIER_MISMATCH = 0xa900;
/** Answers to one C-FIND; a requester that gets as many is told that there are more. */
export const MOST_MATCHES = 20_000;

export interface FindContext {
  /** In which corrected patients are the corrected ones. */
  catalogue: SearchedCatalogue;
  aeTitle: string;
  permit: Permit;
  mostMatches?: number;
  /** What is not in the catalogue yet. */
  spooled?: Spooled;
  corrections?: KnownCorrections | undefined;
  /** Asked for what is not here, while it is up. */
  pacs?: Elsewhere | undefined;
}

/** C-FIND SCP of the Patient Root and Study Root models (PS3.4 C.4.1), hierarchical and relational alike. */
export function findScp(context: FindContext): DimseService {
  return {
    abstractSyntaxes: [QueryClass.PatientRootFind, QueryClass.StudyRootFind],
    extended: (_, asked) => agreed(asked, [RELATIONAL, FUZZY]),
    serve: (request) => find(context, request),
  };
}

async function* find(context: FindContext, request: ServiceRequest): AsyncGenerator<ServiceResponse> {
  const refusal = await context.permit.check(request, 'C-FIND');
  if (refusal) {
    yield refusal;
    return;
  }
  let identifier: Identifier;
  try {
    identifier = readIdentifier(request.dataSet, request.context.transferSyntax);
    if (identifier.level === 'PATIENT' && request.context.abstractSyntax === QueryClass.StudyRootFind) {
      throw new LifeboatError('BAD_REQUEST', 'The Study Root model has no level PATIENT.');
    }
  } catch (cause) {
    const error = asLifeboatError(cause);
    context.permit.audit(request, 'query', 'dimse', `C-FIND: ${error.message}`, 'error');
    yield { status: IDENTIFIER_MISMATCH, errorComment: error.message };
    return;
  }
  const shown = identifier.keys
    .map(({ tag, value }) => `${tag}=${value}`)
    .join(' ')
    .slice(0, 200);
  const most = context.mostMatches ?? MOST_MATCHES;
  const { spooled, corrections, pacs } = context;
  const fuzzy = (request.association.extended(request.context.abstractSyntax)?.[FUZZY] ?? 0) === 1;
  const elsewhere = pacs?.isUp
    ? () => pacs.find(request.context.abstractSyntax, identifier, request.signal)
    : undefined;
  let count = 0;
  let last: ServiceResponse = { status: Status.Success };
  try {
    // Written before the first answer leaves.
    context.permit.audit(request, 'query', identifier.level, `C-FIND: ${shown || 'everything'}`, 'ok');
    for await (const { row, keysIgnored } of matches(context.catalogue, identifier, {
      spooled,
      corrections,
      fuzzy,
      elsewhere,
    })) {
      if (request.signal.aborted) {
        last = { status: Status.Cancel };
        break;
      }
      if (count++ === most) {
        last = { status: OUT_OF_RESOURCES, errorComment: `More than ${most} matches; narrow the search.` };
        break;
      }
      yield {
        status: keysIgnored ? Status.PendingKeysUnsupported : Status.Pending,
        dataSet: answerOf(identifier, row, context.aeTitle, request.context.transferSyntax),
      };
    }
  } catch (cause) {
    const error = asLifeboatError(cause);
    last = { status: error.code === 'CATALOGUE_UNAVAILABLE' ? OUT_OF_RESOURCES : 0xc000, errorComment: error.message };
  }
  yield last;
}

/** The attributes asked for, those unknown here empty, and where to retrieve (PS3.4 C.4.1.1.3.2). */
function answerOf(
  { level, asked, characterSet }: Identifier,
  row: DicomJson,
  aeTitle: string,
  transferSyntax: string,
): Buffer {
  const answer: DicomJson = {};
  for (const [tag, vr] of asked) {
    const known = row[tag];
    answer[tag] = known && known.BulkDataURI === undefined ? known : { vr };
  }
  answer['00080052'] = { vr: 'CS', Value: [level] };
  answer['00080054'] = { vr: 'AE', Value: [aeTitle] };
  answer['00080056'] = { vr: 'CS', Value: ['ONLINE'] };
  try {
    return writeShortDataSet(answer, transferSyntax, characterSet);
  } catch {
    // One value of a malformed image that cannot be written must not hide the study.
    for (const [tag, element] of Object.entries(answer)) {
      try {
        writeShortDataSet({ [tag]: element }, transferSyntax);
      } catch {
        answer[tag] = { vr: element.vr };
      }
    }
    return writeShortDataSet(answer, transferSyntax, characterSet);
  }
}
