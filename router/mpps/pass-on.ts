import type { Logger } from 'pino';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { AssociationRequestor, type PeerAddress } from '../dimse/association-requestor.ts';
import { CommandField } from '../dimse/command-set.ts';
import { SHORT_DATA_SET_SYNTAXES } from '../dimse/data-set-json.ts';
import { writeAnswer } from '../worklist/worklist-answer.ts';
import { MODALITY_PERFORMED_PROCEDURE_STEP } from './mpps-scp.ts';
import type { PerformedSteps, StepMessage } from './performed-steps.ts';

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** Looked for without being told, ms: what is due again. */
const LOOK_EVERY_MS = 1_000;

const DUPLICATE_INSTANCE = 0x0111;
const RESOURCE_LIMITATION = 0x0213;

/** Passes performed procedure steps on to one destination: in order, each until it is taken or a person has to look. */
export class StepsPassOn {
  readonly #name: string;
  readonly #peer: PeerAddress;
  readonly #steps: PerformedSteps;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;
  /** The line failed so often in a row, and is left alone until then (ms since 1970). */
  #failures = 0;
  #notBefore = 0;

  constructor(name: string, peer: PeerAddress, steps: PerformedSteps, log: Logger) {
    this.#name = name;
    this.#peer = peer;
    this.#steps = steps;
    this.#log = log;
  }

  start(): void {
    this.wake();
  }

  /** There may be something to send. @param now a person says so: without waiting for a line that failed */
  wake(now = false): void {
    if (now) this.#notBefore = 0;
    if (this.#closed || this.#running || Date.now() < this.#notBefore) return;
    clearTimeout(this.#timer);
    this.#running = this.#sendAll()
      .catch((error: unknown) => this.#log.error({ err: error, destination: this.#name }, 'MPPS cannot be passed on'))
      .finally(() => {
        this.#running = undefined;
        if (this.#closed) return;
        const wait = Math.max(LOOK_EVERY_MS, this.#notBefore - Date.now());
        this.#timer = setTimeout(() => this.wake(), wait);
        this.#timer.unref();
      });
  }

  async #sendAll(): Promise<void> {
    let message = this.#steps.next(this.#name);
    if (!message) return;
    let association: AssociationRequestor | undefined;
    try {
      association = await AssociationRequestor.open(this.#peer, [
        { abstractSyntax: MODALITY_PERFORMED_PROCEDURE_STEP, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
      ]);
      for (; message && !this.#closed; message = this.#steps.next(this.#name)) await this.#send(association, message);
      this.#failures = 0;
    } catch (cause) {
      const { message: words } = asLifeboatError(cause);
      this.#notBefore = Date.now() + waitAfter(this.#failures++);
      if (message) this.#steps.postpone(this.#name, message.id, 0, words);
      if (this.#failures === 1) this.#log.warn({ destination: this.#name, words }, 'MPPS cannot be passed on now');
    } finally {
      if (association && !association.over) await association.release();
    }
  }

  async #send(association: AssociationRequestor, message: StepMessage): Promise<void> {
    const context = association.contextFor(MODALITY_PERFORMED_PROCEDURE_STEP);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'It takes no performed procedure steps (MPPS).');
    const dataSet = writeAnswer(message.dataSet, context.transferSyntax, '');
    const command =
      message.operation === 'create'
        ? {
            commandField: CommandField.NCreateRQ,
            affectedSOPClassUID: MODALITY_PERFORMED_PROCEDURE_STEP,
            affectedSOPInstanceUID: message.sopInstanceUID,
          }
        : {
            commandField: CommandField.NSetRQ,
            requestedSOPClassUID: MODALITY_PERFORMED_PROCEDURE_STEP,
            requestedSOPInstanceUID: message.sopInstanceUID,
          };
    for await (const { command: answer } of association.operate(context, command, dataSet)) {
      const status = answer.status ?? 0;
      const shown = `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;
      const words = `${shown} ${answer.errorComment ?? ''}`.trimEnd();
      // Answered before, and the answer was lost on its way.
      const wasTaken = status === DUPLICATE_INSTANCE && message.operation === 'create' && message.attempts > 0;
      if (isTaken(status) || wasTaken) this.#steps.settle(this.#name, message.id, 'sent', '');
      else if ((status & 0xff00) === 0xa700 || status === RESOURCE_LIMITATION)
        this.#steps.postpone(this.#name, message.id, waitAfter(message.attempts), words);
      else {
        this.#steps.settle(this.#name, message.id, 'person', words);
        this.#log.warn(
          { destination: this.#name, step: message.sopInstanceUID, words },
          'MPPS refused: a person has to look',
        );
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}

const waitAfter = (failures: number) =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2);

/** Success, or a warning (PS3.7 Annex C): 0x0001, 0x0107, 0x0116, 0xBxxx. */
function isTaken(status: number): boolean {
  return [0x0000, 0x0001, 0x0107, 0x0116].includes(status) || (status & 0xf000) === 0xb000;
}
