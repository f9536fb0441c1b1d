import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import type { ReceiveSource } from '../../storage/format/manifest.ts';
import type { Receiver, Reception } from '../../storage/receive-types.ts';
import { CommandField, type CommandSet, errorComment, NO_DATA_SET, Status } from './command-set.ts';
import type { DataSetSink, PresentationContext } from './dimse-message.ts';

/** What became of one C-STORE request. */
export type StoreOutcome = { sopInstanceUID?: string; error?: LifeboatError };

/** C-STORE-RSP (PS3.7 9.3.1.2); a failure carries its sentence as Error Comment. */
export function storeResponse(request: CommandSet, error?: LifeboatError): CommandSet {
  return {
    affectedSOPClassUID: request.affectedSOPClassUID,
    commandField: CommandField.CStoreRSP,
    messageIDBeingRespondedTo: request.messageID ?? 0,
    commandDataSetType: NO_DATA_SET,
    status: error?.dimse ?? Status.Success,
    errorComment: error && errorComment(error.message),
    affectedSOPInstanceUID: request.affectedSOPInstanceUID,
  };
}

/** The error of a C-STORE request that cannot be served whatever its data set is; undefined: go on. */
export function refuseCommand(request: CommandSet, hasDataSet: boolean): LifeboatError | undefined {
  if (!request.affectedSOPClassUID || !request.affectedSOPInstanceUID) {
    return new LifeboatError('DIMSE_COMMAND_INVALID', 'The C-STORE request lacks its SOP Class or Instance UID.');
  }
  if (!hasDataSet) return new LifeboatError('DIMSE_COMMAND_INVALID', 'The C-STORE request announces no data set.');
  return undefined;
}

/**
 * Storage SCP (PS3.4 Annex B): hands the data set of one C-STORE request to the receiver as it comes. Success is answered
 * only after `Reception.finish` resolved. After a failure the rest of the data set is read and dropped, the association
 * stays.
 */
export class StoreSink implements DataSetSink {
  readonly #request: CommandSet;
  readonly #answer: (response: CommandSet, outcome: StoreOutcome) => void | Promise<void>;
  #reception: Reception | undefined;
  #error: LifeboatError | undefined;

  constructor(
    receiver: Receiver,
    source: ReceiveSource,
    context: PresentationContext,
    request: CommandSet,
    answer: (response: CommandSet, outcome: StoreOutcome) => void | Promise<void>,
  ) {
    this.#request = request;
    this.#answer = answer;
    this.#error = refuseCommand(request, true);
    if (this.#error) return;
    try {
      this.#reception = receiver.beginDataSet(source, {
        transferSyntaxUID: context.transferSyntax,
        sopClassUID: request.affectedSOPClassUID,
        sopInstanceUID: request.affectedSOPInstanceUID,
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  write(piece: Buffer): void | Promise<void> {
    if (!this.#reception) return;
    try {
      const wait = this.#reception.write(piece);
      if (wait) return wait.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  async end(): Promise<void> {
    if (this.#reception) {
      try {
        await this.#reception.finish();
      } catch (error) {
        this.#fail(error);
      }
    }
    await this.#answer(storeResponse(this.#request, this.#error), {
      sopInstanceUID: this.#request.affectedSOPInstanceUID,
      error: this.#error,
    });
  }

  abort(): void {
    this.#reception?.abort();
    this.#reception = undefined;
  }

  #fail(error: unknown): void {
    this.#error ??= asLifeboatError(error);
    this.abort();
  }
}
