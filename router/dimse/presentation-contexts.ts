import { type AnsweredContext, ContextResult, type ProposedContext } from './acse.ts';
import { SHORT_DATA_SET_SYNTAXES } from './data-set-json.ts';
import type { PresentationContext } from './dimse-message.ts';
import { isStorageClass, VERIFICATION } from './sop-classes.ts';
import {
  chooseForRetrieval,
  chooseTransferSyntax,
  ExplicitVRBigEndian,
  ExplicitVRLittleEndian,
  ImplicitVRLittleEndian,
} from './transfer-syntaxes.ts';

const VERIFICATION_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian];

/** PS3.8 9.3.3.2.1: where a context is not accepted its transfer syntax means nothing; peers like to see a valid one. */
const INSIGNIFICANT = ImplicitVRLittleEndian;

/** Answers one proposed presentation context as Verification, Storage and further SCP (PS3.8 7.1.1.13). */
function answer(
  proposed: ProposedContext,
  services: ReadonlyMap<string, unknown> | undefined,
  retrieved: ReadonlySet<string>,
): AnsweredContext {
  const { id, abstractSyntax, transferSyntaxes } = proposed;
  const isService = services?.has(abstractSyntax) ?? false;
  if (abstractSyntax !== VERIFICATION && !isService && !isStorageClass(abstractSyntax)) {
    return { id, result: ContextResult.AbstractSyntaxNotSupported, transferSyntax: INSIGNIFICANT };
  }
  const chosen =
    abstractSyntax === VERIFICATION
      ? transferSyntaxes.find((uid) => VERIFICATION_SYNTAXES.includes(uid))
      : isService
        ? SHORT_DATA_SET_SYNTAXES.find((uid) => transferSyntaxes.includes(uid))
        : retrieved.has(abstractSyntax)
          ? chooseForRetrieval(transferSyntaxes)
          : chooseTransferSyntax(transferSyntaxes);
  if (chosen === undefined) {
    return { id, result: ContextResult.TransferSyntaxesNotSupported, transferSyntax: INSIGNIFICANT };
  }
  return { id, result: ContextResult.Acceptance, transferSyntax: chosen };
}

/**
 * Answers all proposed contexts; `accepted` holds those that may carry messages.
 * @param services abstract syntaxes served besides verification and storage
 * @param retrieved storage classes for which the peer wants to be SCP alone: it takes them by C-GET
 */
export function negotiate(
  proposed: readonly ProposedContext[],
  services?: ReadonlyMap<string, unknown>,
  retrieved: ReadonlySet<string> = new Set(),
): {
  answers: AnsweredContext[];
  accepted: Map<number, PresentationContext>;
} {
  const answers = proposed.map((context) => answer(context, services, retrieved));
  const accepted = new Map<number, PresentationContext>();
  answers.forEach((context, i) => {
    if (context.result !== ContextResult.Acceptance) return;
    const { id, transferSyntax } = context;
    accepted.set(id, { id, transferSyntax, abstractSyntax: proposed[i]!.abstractSyntax });
  });
  return { answers, accepted };
}
