import { pino } from 'pino';
import { PUSH_MODEL, PUSH_MODEL_INSTANCE } from '../../router/commitment/commitment-classes.ts';
import { reportOn, reportTo } from '../../router/commitment/event-report.ts';
import {
  type CommitmentInformation,
  readCommitment,
  type SopReference,
  writeCommitment,
} from '../../router/commitment/references.ts';
import { AssociationRequestor, type PeerAddress } from '../../router/dimse/association-requestor.ts';
import { CommandField, type CommandSet, NO_DATA_SET } from '../../router/dimse/command-set.ts';
import type { DimseService } from '../../router/dimse/dimse-service.ts';
import { type DimseServer, startDimseServer } from '../../router/dimse/server.ts';
import { type SmallReceiver, smallReceiver } from './dimse.ts';
import { IMPLICIT } from './raw-dimse.ts';

export interface Report extends CommitmentInformation {
  eventTypeID: number;
  transferSyntaxUID: string;
}

const read = (command: CommandSet, dataSet: Buffer, transferSyntaxUID: string): Report => ({
  ...readCommitment(dataSet, transferSyntaxUID),
  eventTypeID: command.eventTypeID!,
  transferSyntaxUID,
});

/** A modality's port on which it takes reports; `status` is what it answers them with. */
export class ReportTaker {
  readonly reports: Report[] = [];
  status = 0;
  readonly #server: DimseServer;

  private constructor(server: DimseServer) {
    this.#server = server;
  }

  static async start(port = 0): Promise<ReportTaker> {
    let taker: ReportTaker | undefined;
    const service: DimseService = {
      abstractSyntaxes: [PUSH_MODEL],
      peerMayServe: (sopClass) => sopClass === PUSH_MODEL,
      async *serve({ command, dataSet, context }) {
        if (taker!.status === 0) taker!.reports.push(read(command, dataSet!, context.transferSyntax));
        yield { status: taker!.status };
      },
    };
    const server = await startDimseServer({
      config: { aeTitle: 'SCANNER', dicomPort: port, maxAssociations: 8, artimTimeoutMs: 5_000, idleTimeoutMs: 20_000 },
      receiver: { beginDataSet: () => refuse(), beginFile: () => refuse() },
      access: { senderAllowed: () => true, refused: () => undefined, audit: () => undefined },
      log: pino({ level: 'silent' }),
      services: [service],
    });
    taker = new ReportTaker(server);
    return taker;
  }

  get port(): number {
    return this.#server.port;
  }

  async stop(): Promise<void> {
    await this.#server.close(500);
  }
}

function refuse(): never {
  throw new Error('no images here');
}

/** An association of a modality on which it asks for commitment, and on which reports may come. */
export class Asker {
  readonly reports: Report[];
  readonly #association: AssociationRequestor;

  private constructor(association: AssociationRequestor, reports: Report[]) {
    this.#association = association;
    this.reports = reports;
  }

  static async open(peer: Pick<PeerAddress, 'port' | 'calledAE' | 'callingAE'>, syntaxes = [IMPLICIT]): Promise<Asker> {
    const reports: Report[] = [];
    const association = await AssociationRequestor.open(
      { host: '127.0.0.1', ...peer },
      [{ abstractSyntax: PUSH_MODEL, transferSyntaxes: syntaxes }],
      {
        serve: (context, command, _, answer) => {
          const pieces: Buffer[] = [];
          return {
            write: (piece) => void pieces.push(Buffer.from(piece)),
            end: () => {
              reports.push(read(command, Buffer.concat(pieces), context.transferSyntax));
              return answer({
                commandField: CommandField.NEventReportRSP,
                messageIDBeingRespondedTo: command.messageID!,
                commandDataSetType: NO_DATA_SET,
                status: 0,
              });
            },
            abort: () => undefined,
          };
        },
      },
    );
    return new Asker(association, reports);
  }

  /** N-ACTION; returns its status. */
  async ask(transactionUID: string, references: SopReference[], command: Partial<CommandSet> = {}): Promise<number> {
    const context = this.#association.contextFor(PUSH_MODEL)!;
    const bytes = writeCommitment({ transactionUID, references, failed: [] }, context.transferSyntax);
    const answer = await this.#association.invoke(
      context,
      {
        commandField: CommandField.NActionRQ,
        requestedSOPClassUID: PUSH_MODEL,
        requestedSOPInstanceUID: PUSH_MODEL_INSTANCE,
        actionTypeID: 1,
        ...command,
      },
      (async function* () {
        yield bytes;
      })(),
    );
    return answer.status!;
  }

  release(): Promise<void> {
    return this.#association.release();
  }
}

/** What a PACS of a test says of an instance that it is asked for: undefined, it commits; else the reason why not. */
export type PacsSays = (reference: SopReference, time: number) => number | undefined;

interface PacsOptions {
  says?: PacsSays;
  /** Where it reports: on the association on which it is asked, on one of its own, or not at all. */
  reports: 'same' | 'new' | 'never';
  /** Lifeboat, for reports on an association of its own. */
  lifeboat?: () => { port: number; aeTitle: string };
}

/** A PACS that takes images and answers for storage commitment. */
export class CommittingPacs {
  readonly asked: CommitmentInformation[] = [];
  readonly receiver: SmallReceiver = smallReceiver();
  readonly #times = new Map<string, number>();
  readonly #options: PacsOptions;
  #server: DimseServer | undefined;

  private constructor(options: PacsOptions) {
    this.#options = options;
  }

  static async start(options: PacsOptions, port = 0): Promise<CommittingPacs> {
    const pacs = new CommittingPacs(options);
    const service: DimseService = {
      abstractSyntaxes: [PUSH_MODEL],
      async *serve({ dataSet, context, association }) {
        const information = readCommitment(dataSet!, context.transferSyntax);
        pacs.asked.push(information);
        yield { status: 0 };
        if (options.reports === 'never') return;
        const answer = pacs.#answer(information);
        if (options.reports === 'same')
          await reportOn((...args) => association.invoke(...args), context, answer, 'PACS');
        else void pacs.#reportOnNew(answer);
      },
    };
    pacs.#server = await startDimseServer({
      config: { aeTitle: 'PACS', dicomPort: port, maxAssociations: 8, artimTimeoutMs: 5_000, idleTimeoutMs: 20_000 },
      receiver: pacs.receiver,
      access: { senderAllowed: () => true, refused: () => undefined, audit: () => undefined },
      log: pino({ level: 'silent' }),
      services: [service],
    });
    return pacs;
  }

  get port(): number {
    return this.#server!.port;
  }

  #answer({ transactionUID, references }: CommitmentInformation): CommitmentInformation {
    const answer: CommitmentInformation = { transactionUID, references: [], failed: [] };
    for (const reference of references) {
      const time = (this.#times.get(reference.sopInstanceUID) ?? 0) + 1;
      this.#times.set(reference.sopInstanceUID, time);
      const reason = this.#options.says?.(reference, time);
      if (reason === undefined) answer.references.push(reference);
      else answer.failed.push({ ...reference, reason });
    }
    return answer;
  }

  async #reportOnNew(answer: CommitmentInformation): Promise<void> {
    const { port, aeTitle } = this.#options.lifeboat!();
    await reportTo({ host: '127.0.0.1', port, calledAE: aeTitle, callingAE: 'PACS' }, answer);
  }

  async stop(): Promise<void> {
    await this.#server?.close(500);
    this.receiver.close();
  }
}
