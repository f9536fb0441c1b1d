import { type AnsweredContext, ContextResult, type ProposedContext } from './acse.ts';
import type { PresentationContext } from './dimse-message.ts';
import { isStorageClass, VERIFICATION } from './sop-classes.ts';
import {
  chooseTransferSyntax,
  ExplicitVRBigEndian,
  ExplicitVRLittleEndian,
  ImplicitVRLittleEndian,
} from './transfer-syntaxes.ts';

const VERIFICATION_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian];

/** PS3.8 9.3.3.2.1: where a context is not accepted its transfer syntax means nothing; peers like to see a valid one. */
const INSIGNIFICANT = ImplicitVRLittleEndian;

/** Answers one proposed presentation context as Verification and Storage SCP (PS3.8 7.1.1.13). */
function answer(proposed: ProposedContext): AnsweredContext {
  const { id, abstractSyntax, transferSyntaxes } = proposed;
  if (abstractSyntax !== VERIFICATION && !isStorageClass(abstractSyntax)) {
    return { id, result: ContextResult.AbstractSyntaxNotSupported, transferSyntax: INSIGNIFICANT };
  }
  const chosen =
    abstractSyntax === VERIFICATION
      ? transferSyntaxes.find((uid) => VERIFICATION_SYNTAXES.includes(uid))
      : chooseTransferSyntax(transferSyntaxes);
  if (chosen === undefined) {
    return { id, result: ContextResult.TransferSyntaxesNotSupported, transferSyntax: INSIGNIFICANT };
  }
  return { id, result: ContextResult.Acceptance, transferSyntax: chosen };
}

/** Answers all proposed contexts; `accepted` holds those that may carry messages. */
export function negotiate(proposed: readonly ProposedContext[]): {
  answers: AnsweredContext[];
  accepted: Map<number, PresentationContext>;
} {
  const answers = proposed.map(answer);
  const accepted = new Map<number, PresentationContext>();
  answers.forEach((context, i) => {
    if (context.result !== ContextResult.Acceptance) return;
    const { id, transferSyntax } = context;
    accepted.set(id, { id, transferSyntax, abstractSyntax: proposed[i]!.abstractSyntax });
  });
  return { answers, accepted };
}
