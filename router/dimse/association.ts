import type { Socket } from 'node:net';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import {
  type AssociateAccept,
  type AssociateRequest,
  encodeAssociateAC,
  parseAssociateAC,
  parseAssociateRJ,
  parseAssociateRQ,
} from './acse.ts';
import {
  AbortReason,
  AbortSource,
  describeRejection,
  encodeAbort,
  encodeReject,
  encodeReleaseRP,
  encodeReleaseRQ,
  PduType,
  ProtocolViolation,
  type Rejection,
} from './pdu.ts';
import { PduDecoder } from './pdu-decoder.ts';
import { type Event, type State, transition } from './upper-layer-table.ts';

/** How an association ended. `error` says why where it did not end as both sides wished. */
export interface AssociationEnd {
  kind: 'released' | 'rejected' | 'aborted' | 'peer-aborted' | 'lost';
  message: string;
  error?: LifeboatError;
}

/** The service user above the upper layer: an acceptor or a requestor. */
export interface AssociationUser {
  /** Acceptor: answer with `accept` or `reject`. */
  associateRequest?(request: AssociateRequest): void;
  /** Requestor: the peer accepted. */
  associateAccept?(accept: AssociateAccept): void;
  /** See PduSink.pdv; a promise holds the peer back. */
  pdv(contextId: number, control: number, piece: Buffer, endOfPdv: boolean): void | Promise<void>;
  /** The association is over; called once, at once, however it ended. */
  ended(end: AssociationEnd): void;
}

export interface AssociationTimers {
  /** PS3.8 9.1.5 ARTIM, ms. */
  artimTimeoutMs: number;
  /** An established association on which nothing moves, ms. */
  idleTimeoutMs: number;
}

/** After an abort this much of what the peer still sends is read and dropped, so that our A-ABORT reaches it; then the line is cut. */
const DISCARD_LIMIT = 4 * 1024 * 1024;
const KEEPALIVE_MS = 30_000;

const PDU_EVENT: Record<number, Event> = {
  [PduType.AssociateRQ]: 'associate-rq-pdu',
  [PduType.AssociateAC]: 'associate-ac-pdu',
  [PduType.AssociateRJ]: 'associate-rj-pdu',
  [PduType.PDataTF]: 'p-data-pdu',
  [PduType.ReleaseRQ]: 'release-rq-pdu',
  [PduType.ReleaseRP]: 'release-rp-pdu',
  [PduType.Abort]: 'abort-pdu',
};

/**
 * One association on one transport connection, either role: the protocol machine of PS3.8 section 9.2 around a socket,
 * with ARTIM and idle timers and back-pressure both ways.
 */
export class Association {
  readonly #socket: Socket;
  readonly #role: 'acceptor' | 'requestor';
  readonly #user: AssociationUser;
  readonly #timers: AssociationTimers;
  readonly #decoder: PduDecoder;
  #state: State;
  #artim: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastActivity = Date.now();
  #busy = false;
  #draining = false;
  #discarded = 0;
  #end: AssociationEnd | undefined;

  /**
   * @param socket connected; from here on it belongs to the association
   * @param maximumLength what we announce: the longest P-DATA-TF we take, bytes
   * @param readsItself the socket's bytes come by `read`, not by its 'data' events
   */
  constructor(
    socket: Socket,
    role: 'acceptor' | 'requestor',
    user: AssociationUser,
    timers: AssociationTimers,
    maximumLength: number,
    readsItself = false,
  ) {
    this.#socket = socket;
    this.#role = role;
    this.#user = user;
    this.#timers = timers;
    this.#state = role === 'acceptor' ? 'Sta1' : 'Sta4';
    this.#decoder = new PduDecoder(
      {
        pduHeader: (type) => this.#mayArrive(type),
        pdu: (type, body) => this.#pdu(type, body),
        pdv: (contextId, control, piece, endOfPdv) => this.#user.pdv(contextId, control, piece, endOfPdv),
      },
      maximumLength,
    );
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    if (!readsItself) {
      socket.on('data', (chunk: Buffer) => {
        if (!this.read(chunk)) socket.pause();
      });
    }
    socket.on('error', (error) => {
      this.#end ??= { kind: 'lost', message: `The line broke: ${error.message}.` };
    });
    socket.on('close', () => this.#closed());
    if (role === 'acceptor') {
      this.#state = 'Sta2';
      this.#startArtim();
    }
  }

  get state(): State {
    return this.#state;
  }

  get established(): boolean {
    return this.#state === 'Sta6';
  }

  /** Over, or ending without a say of ours. */
  get over(): boolean {
    return this.#end !== undefined || this.#state === 'Sta13' || this.#state === 'Sta1';
  }

  /** Requestor: send the encoded A-ASSOCIATE-RQ on the connected socket (AE-2). */
  request(pdu: Buffer): void {
    this.#dispatch('transport-confirm');
    this.#startArtim();
    this.#socket.write(pdu);
  }

  /** Acceptor: AE-7. */
  accept(answer: AssociateAccept): void {
    this.#dispatch('associate-accept');
    this.#socket.write(encodeAssociateAC(answer));
    this.#startIdle();
  }

  /** Acceptor: AE-8. */
  reject(rejection: Rejection, error: LifeboatError): void {
    this.#dispatch('associate-reject');
    this.#socket.write(encodeReject(rejection));
    this.#over({ kind: 'rejected', message: describeRejection(rejection), error });
    this.#startArtim();
  }

  /** Sends bytes of whole P-DATA-TF PDUs; a promise means: the peer reads slower than we send. */
  send(pdus: Buffer): void | Promise<void> {
    if (!this.#socket.writable) return;
    if (this.#socket.write(pdus, () => this.#moved())) return;
    return this.#drained();
  }

  /** Requestor: AR-1; `ended` follows. */
  release(): void {
    if (this.#state !== 'Sta6') return;
    this.#dispatch('release-request');
    this.#socket.write(encodeReleaseRQ());
    this.#startArtim();
  }

  /** Sends A-ABORT and closes (AA-1, AA-8); `error` is told to the user and, by its source and reason, to the peer. */
  abort(error: LifeboatError): void {
    if (this.#state === 'Sta13' || this.#state === 'Sta1') return;
    const violation = error instanceof ProtocolViolation;
    this.#dispatch(violation ? 'invalid-pdu' : 'abort-request');
    this.#state = 'Sta13';
    this.#decoder.stop();
    const source = violation ? error.source : AbortSource.ServiceUser;
    this.#over({ kind: 'aborted', message: error.message, error });
    if (this.#socket.writable) this.#socket.end(encodeAbort(source, violation ? error.reason : 0));
    this.#socket.resume();
    this.#startArtim();
  }

  /** Cuts the line at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #dispatch(event: Event): void {
    const step = transition(this.#state, event, this.#role);
    if (step) this.#state = step.next;
  }

  #mayArrive(type: number): void {
    const step = transition(this.#state, PDU_EVENT[type]!, this.#role);
    if (step?.action === 'AA-1' || step?.action === 'AA-8') {
      throw new ProtocolViolation(`PDU of type ${type} came when it was not its turn.`, AbortReason.UnexpectedPdu);
    }
  }

  #pdu(type: number, body: Buffer): void {
    // Parsed before the state moves on: a broken body is answered in the state in which it came.
    const request = type === PduType.AssociateRQ ? parseAssociateRQ(body) : undefined;
    const accept = type === PduType.AssociateAC ? parseAssociateAC(body) : undefined;
    const step = transition(this.#state, PDU_EVENT[type]!, this.#role);
    if (!step)
      throw new ProtocolViolation(`PDU of type ${type} came when it was not its turn.`, AbortReason.UnexpectedPdu);
    this.#state = step.next;
    switch (step.action) {
      case 'AE-3':
        this.#stopArtim();
        this.#startIdle();
        this.#user.associateAccept?.(accept!);
        return;
      case 'AE-4': {
        const message = describeRejection(parseAssociateRJ(body));
        this.#over({ kind: 'rejected', message, error: new LifeboatError('PEER_REJECTED', `: ${message}.`) });
        this.#socket.end();
        this.#startArtim();
        return;
      }
      case 'AE-6':
        this.#stopArtim();
        this.#user.associateRequest?.(request!);
        return;
      case 'AR-2':
        this.#dispatch('release-response');
        this.#socket.write(encodeReleaseRP());
        this.#over({ kind: 'released', message: 'released' });
        this.#startArtim();
        return;
      case 'AR-3':
        this.#over({ kind: 'released', message: 'released' });
        this.#socket.end();
        this.#startArtim();
        return;
      case 'AR-8':
        if (this.#role === 'requestor') {
          this.#dispatch('release-response');
          this.#socket.write(encodeReleaseRP());
        }
        return;
      case 'AR-10':
        this.#dispatch('release-response');
        this.#socket.write(encodeReleaseRP());
        this.#over({ kind: 'released', message: 'released' });
        this.#startArtim();
        return;
      case 'AA-2':
      case 'AA-3':
        this.#over({
          kind: 'peer-aborted',
          message: `The peer aborted the association (source ${body[2]}, reason ${body[3]}).`,
          error: new LifeboatError('PEER_ABORTED'),
        });
        this.#socket.destroy();
        return;
      default:
        throw new ProtocolViolation(`PDU of type ${type} came when it was not its turn.`, AbortReason.UnexpectedPdu);
    }
  }

  /**
   * Takes bytes that came from the peer.
   * @returns false: no more, and `chunk` stays as it is, until the association resumes the socket
   */
  read(chunk: Buffer): boolean {
    this.#moved();
    if (this.#end) {
      this.#discarded += chunk.length;
      if (this.#discarded > DISCARD_LIMIT) this.#socket.destroy();
      return true;
    }
    let wait: void | Promise<void>;
    try {
      wait = this.#decoder.push(chunk);
    } catch (error) {
      this.abort(asLifeboatError(error));
      return true;
    }
    if (!wait) return true;
    this.#busy = true;
    wait.then(
      () => this.#ready(),
      (error: unknown) => {
        this.#busy = false;
        this.abort(asLifeboatError(error));
      },
    );
    return false;
  }

  #ready(): void {
    this.#busy = false;
    this.#moved();
    this.#socket.resume();
  }

  #drained(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      const done = () => {
        this.#draining = false;
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  #moved(): void {
    this.#lastActivity = Date.now();
  }

  #startArtim(): void {
    this.#stopArtim();
    this.#artim = setTimeout(() => this.#artimExpired(), this.#timers.artimTimeoutMs);
  }

  #stopArtim(): void {
    clearTimeout(this.#artim);
    this.#artim = undefined;
  }

  #artimExpired(): void {
    const seconds = this.#timers.artimTimeoutMs / 1000;
    if (!this.#end) {
      const message =
        this.#state === 'Sta2'
          ? `No association request within ${seconds} s of connecting.`
          : `No answer within ${seconds} s.`;
      this.#over({ kind: 'aborted', message, error: new LifeboatError('DIMSE_TIMEOUT', message) });
    }
    this.#socket.destroy();
  }

  #startIdle(): void {
    this.#moved();
    const check = (): void => {
      const quiet = Date.now() - this.#lastActivity;
      // Work of our own (waiting for the disk) is not the peer's silence.
      const left = this.#busy && !this.#draining ? this.#timers.idleTimeoutMs : this.#timers.idleTimeoutMs - quiet;
      if (left > 0) {
        this.#idle = setTimeout(check, left);
        return;
      }
      const what = this.#draining ? 'The peer did not read our answers' : 'Nothing moved on the association';
      this.abort(new LifeboatError('DIMSE_TIMEOUT', `${what} for ${Math.round(quiet / 1000)} s.`));
    };
    this.#idle = setTimeout(check, this.#timers.idleTimeoutMs);
  }

  #over(end: AssociationEnd): void {
    clearTimeout(this.#idle);
    if (this.#reported) return;
    this.#reported = true;
    this.#end = end;
    this.#user.ended(end);
  }
  #reported = false;

  #closed(): void {
    this.#stopArtim();
    this.#decoder.stop();
    const before = this.#state;
    this.#state = 'Sta1';
    const message =
      before === 'Sta2' ? 'The peer closed the line without associating.' : 'The line closed without a release.';
    const end = this.#end ?? { kind: 'lost', message };
    this.#over({ error: new LifeboatError('DIMSE_CONNECTION_LOST', end.message), ...end });
  }
}
