import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { LifeboatError } from '../contract/errors.ts';
import { DataSetIntake, DEFAULT_INFLATE_LIMITS, type InflateLimits } from './data-set-intake.ts';
import type { ReceiveSource } from './format/manifest.ts';
import { ASSUMED_TRANSFER_SYNTAX, buildFileHeader, type ParsedFileHeader, parseFileHeader } from './format/part10.ts';
import { type TransferSyntax, transferSyntax } from './format/transfer-syntaxes.ts';
import { isAcceptableUid, stripUidPadding } from './format/uid.ts';
import type { Announced, ReceivedInstance, Receiver, Reception } from './receive-types.ts';
import {
  checkAnnounced,
  type InstanceUids,
  type Mark,
  markNotes,
  missingUid,
  notesOf,
  readUid,
  readUids,
  realTransferSyntax,
} from './received-identity.ts';
import type { Spool } from './spool.ts';
import type { SpoolWriter } from './spool-writer.ts';
import { type RawIdentity, rawIdentity } from './waiting.ts';

export interface ReceiverOptions {
  inflate?: Partial<InflateLimits>;
}

/** SOP Class and Instance UID stand at the start of a data set; one that hides them longer is none. */
const MAX_HELD_BYTES = 1024 * 1024;

export function createReceiver(spool: Spool, options: ReceiverOptions = {}): Receiver {
  const limits = { ...DEFAULT_INFLATE_LIMITS, ...options.inflate };
  return {
    beginDataSet(source, announced) {
      return new InstanceReception(spool, limits, source, announced, announced.transferSyntaxUID);
    },
    beginFile(source, announced = {}) {
      return new InstanceReception(spool, limits, source, announced, null);
    },
  };
}

/**
 * One instance: [file header ->] scanner -> header decided -> spool part. Until SOP Class and Instance UID are seen the first
 * bytes are held, so that the header in front can be written from them; afterwards nothing is held.
 */
class InstanceReception implements Reception {
  readonly #spool: Spool;
  readonly #limits: InflateLimits;
  readonly #source: ReceiveSource;
  readonly #announced: Partial<Announced>;
  readonly #marks = new Set<Mark>();
  readonly #dataSet: Hash = createHash('sha256');
  #phase: 'file-header' | 'identity' | 'body' | 'done' | 'failed';
  /** Copies of what came and is not yet written. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ownHeader: Uint8Array | null = null;
  #fileHeader: ParsedFileHeader | null = null;
  #syntax: TransferSyntax | null = null;
  #guessed = false;
  #intake: DataSetIntake | null = null;
  #part: SpoolWriter | null = null;
  #headerBytes = 0;
  #headerCrc = 0;
  #bodyBytes = 0;

  /** @param transferSyntaxUID null: a file, whose header tells. */
  constructor(
    spool: Spool,
    limits: InflateLimits,
    source: ReceiveSource,
    announced: Partial<Announced>,
    transferSyntaxUID: string | null,
  ) {
    this.#spool = spool;
    this.#limits = limits;
    this.#source = source;
    this.#announced = announced;
    this.#phase = transferSyntaxUID === null ? 'file-header' : 'identity';
    if (transferSyntaxUID !== null) this.#startDataSet(transferSyntaxUID);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#phase === 'done' || this.#phase === 'failed') throw new Error('this reception has ended');
    try {
      const pending = this.#accept(chunk);
      return pending?.catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  async finish(): Promise<ReceivedInstance> {
    if (this.#phase === 'done' || this.#phase === 'failed') throw new Error('this reception has ended');
    try {
      return await this.#finish();
    } catch (error) {
      return this.#fail(error);
    }
  }

  abort(): void {
    if (this.#phase === 'done') return;
    this.#phase = 'failed';
    this.#held = [];
    this.#intake?.destroy();
    this.#part?.abort();
  }

  #fail(error: unknown): never {
    this.abort();
    if (this.#syntax && !this.#syntax.known && error instanceof LifeboatError && error.code === 'DATASET_UNREADABLE') {
      throw new LifeboatError(
        'TRANSFER_SYNTAX_UNKNOWN',
        `The transfer syntax ${this.#syntax.uid.replace(/[^0-9.]/g, '?')} is unknown and the data set cannot be read without it.`,
        { cause: error },
      );
    }
    throw error;
  }

  #accept(chunk: Uint8Array): void | Promise<void> {
    if (this.#phase === 'file-header') {
      this.#hold(chunk);
      return this.#tryFileHeader(false);
    }
    return this.#acceptDataSet(chunk);
  }

  #hold(chunk: Uint8Array): void {
    this.#held.push(Buffer.from(chunk));
    this.#heldBytes += chunk.length;
  }

  #takeHeld(): Buffer {
    const all = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return all;
  }

  #tryFileHeader(atEnd: boolean): void | Promise<void> {
    const head = this.#takeHeld();
    const parsed = parseFileHeader(head, atEnd);
    if (!parsed) {
      this.#held = [head];
      this.#heldBytes = head.length;
      return;
    }
    this.#fileHeader = parsed;
    if (parsed.junk > 0) this.#marks.add('j');
    if (parsed.wellFormed) this.#ownHeader = head.subarray(parsed.junk, parsed.dataSetOffset);
    this.#guessed = parsed.transferSyntaxUID === '';
    this.#phase = 'identity';
    this.#startDataSet(parsed.transferSyntaxUID || ASSUMED_TRANSFER_SYNTAX);
    if (parsed.dataSetOffset < head.length) return this.#acceptDataSet(head.subarray(parsed.dataSetOffset));
  }

  #startDataSet(transferSyntaxUID: string): void {
    this.#syntax = transferSyntax(stripUidPadding(transferSyntaxUID));
    this.#intake = new DataSetIntake(this.#syntax, this.#limits);
  }

  #acceptDataSet(chunk: Uint8Array): void | Promise<void> {
    this.#dataSet.update(chunk);
    this.#bodyBytes += chunk.length;
    const scanned = this.#intake!.push(chunk);
    return scanned ? scanned.then(() => this.#keep(chunk)) : this.#keep(chunk);
  }

  /** After every wait: the sender may have gone meanwhile. */
  #mustBeAlive(): void {
    if (this.#phase === 'failed') throw new LifeboatError('SPOOL_UNWRITABLE', 'The reception was aborted.');
  }

  #keep(chunk: Uint8Array): void | Promise<void> {
    this.#mustBeAlive();
    if (this.#phase === 'body') return this.#part!.write(chunk);
    this.#hold(chunk);
    if (this.#intake!.scanner.pastIdentity) return this.#writeHead();
    if (this.#heldBytes > MAX_HELD_BYTES) {
      throw new LifeboatError('DATASET_UNREADABLE', ': SOP Class and Instance UID do not stand at its start.');
    }
  }

  /** Decides the header in front, opens the part and writes header and held bytes. */
  #writeHead(): void | Promise<void> {
    const { scanner } = this.#intake!;
    const sopClassUID = readUid(scanner.values, 'sopClassUID');
    const sopInstanceUID = readUid(scanner.values, 'sopInstanceUID');
    checkAnnounced(this.#announced, { sopClassUID, sopInstanceUID });
    this.#settleSyntax();
    const header = this.#header(sopClassUID, sopInstanceUID);
    const held = this.#takeHeld();
    this.#headerBytes = header.length;
    this.#headerCrc = crc32(header);
    this.#part = this.#spool.begin();
    this.#phase = 'body';
    const first = this.#part!.write(header);
    return first ? first.then(() => this.#part!.write(held)) : this.#part!.write(held);
  }

  #settleSyntax(): void {
    const { encoding } = this.#intake!.scanner;
    if (!encoding || this.#syntax!.deflated) return;
    const real = realTransferSyntax(this.#syntax!, encoding);
    if (real.uid !== this.#syntax!.uid && !this.#guessed) this.#marks.add('t');
    if (real.uid !== this.#syntax!.uid) this.#ownHeader = null;
    this.#syntax = real;
  }

  #header(sopClassUID: string, sopInstanceUID: string): Uint8Array {
    if (this.#ownHeader) return this.#ownHeader;
    if (this.#fileHeader) this.#marks.add('h');
    if (sopInstanceUID === '') throw missingUid('sopInstanceUID');
    return buildFileHeader({
      sopClassUID: sopClassUID || this.#fallbackSopClass(),
      sopInstanceUID,
      transferSyntaxUID: this.#syntax!.uid,
    });
  }

  /** Announced by the sender or by the file's own header; '' when neither says. */
  #fallbackSopClass(): string {
    const uid = stripUidPadding(this.#announced.sopClassUID || this.#fileHeader?.sopClassUID || '');
    return isAcceptableUid(uid) ? uid : '';
  }

  async #finish(): Promise<ReceivedInstance> {
    if (this.#phase === 'file-header') await this.#tryFileHeader(true);
    const scan = await this.#intake!.end();
    this.#mustBeAlive();
    if (this.#guessed && scan.pixelData?.kind === 'encapsulated') {
      throw new LifeboatError(
        'DATASET_UNREADABLE',
        'The file does not say its transfer syntax, and its pixel data is compressed.',
      );
    }
    const uids = readUids(scan, this.#fallbackSopClass());
    checkAnnounced(this.#announced, uids);
    if (readUid(scan.values, 'sopClassUID') === '') this.#marks.add('c');
    if (this.#phase === 'identity') await this.#writeHead();
    this.#mustBeAlive();
    const notes = [...notesOf(scan, this.#syntax!, uids), ...markNotes(this.#marks)];
    return this.#seal(uids, notes, rawIdentity(scan.values));
  }

  async #seal(uids: InstanceUids, notes: string[], identity: RawIdentity): Promise<ReceivedInstance> {
    const kept = {
      ...uids,
      transferSyntaxUID: this.#syntax!.uid,
      size: this.#headerBytes + this.#bodyBytes,
      dataSetSha256: this.#dataSet.digest('hex'),
    };
    await this.#spool.seal(
      this.#part!,
      { ...kept, dataSetOffset: this.#headerBytes, source: this.#source, notes, identity },
      { marks: [...this.#marks].join(''), headerCrc: this.#headerCrc },
    );
    this.#phase = 'done';
    return kept;
  }
}
