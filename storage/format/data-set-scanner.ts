import { LifeboatError } from '../../contract/errors.ts';
import {
  detectEncoding,
  detectItemEncoding,
  type Header,
  HeaderError,
  readHeader,
  UNDEFINED_LENGTH,
} from './scan-header.ts';
import {
  CAPTURE_BYTES,
  CAPTURED_TAGS,
  type CapturedValues,
  describeTag,
  type Encoding,
  isKnownVR,
  isPixelData,
  type ScannedPixelData,
  type ScanResult,
  TAG,
} from './scan-types.ts';

/** Nesting beyond this is an attack on every reader that recurses. */
const MAX_DEPTH = 4096;
const MAX_NOTES = 20;
const IMPLICIT: Encoding = { explicitVR: false, bigEndian: false };

interface Container {
  kind: 'root' | 'sequence' | 'item' | 'fragments';
  tag: number;
  /** Offset of the first byte behind it; Infinity for undefined length. */
  end: number;
  encoding: Encoding;
  underUN: boolean;
  fragments: number;
  bytes: number;
}

/**
 * Walks a data set (PS3.5 section 7) that arrives in chunks of any size: checks its structure and captures a few root values.
 * Values are skipped, whole chunks at a time; memory is bounded by the nesting depth. Throws DATASET_UNREADABLE and
 * DATASET_TRUNCATED, except behind complete pixel data, where the rest only earns a note.
 */
export class DataSetScanner {
  readonly notes: string[] = [];
  readonly #declared: Encoding;
  #encoding: Encoding | null = null;
  readonly #stack: Container[] = [];
  /** Bytes consumed so far. */
  #offset = 0;
  /** Bytes pushed so far. */
  #pushed = 0;
  readonly #carry = new Uint8Array(12);
  #carried = 0;
  #itemStart = false;
  readonly #header: Header = { tag: 0, vr: null, length: 0 };
  /** Bytes of the current value still to come. */
  #left = 0;
  #capture: { bytes: Uint8Array; length: number; vr: string | null } | null = null;
  readonly #values = new Map<number, { bytes: Uint8Array; length: number; vr: string | null }>();
  #lastRootTag = -1;
  #pixelData: ScannedPixelData | null = null;
  #pixelDone = false;
  #mode: 'elements' | 'zeros' | 'ignore' = 'elements';
  #ignoredFrom = 0;

  /** @param declared what the transfer syntax says; the first bytes may prove otherwise. */
  constructor(declared: Encoding) {
    this.#declared = declared;
  }

  /** The real encoding, null until eight bytes were pushed. */
  get encoding(): Encoding | null {
    return this.#encoding;
  }

  /** True when SOP Class and Instance UID have been captured or can no longer come. */
  get pastIdentity(): boolean {
    return this.#lastRootTag > TAG.sopInstanceUID || this.#mode !== 'elements';
  }

  /** Captured so far; complete after `end`. */
  get values(): CapturedValues {
    return this.#values;
  }

  push(chunk: Uint8Array): void {
    this.#pushed += chunk.length;
    try {
      this.#walk(chunk);
    } catch (error) {
      this.#tolerate(error);
    }
  }

  /** After the last byte. */
  end(): ScanResult {
    try {
      this.#finish();
    } catch (error) {
      this.#tolerate(error);
    }
    if (this.#mode === 'ignore') {
      this.#note(`${this.#pushed - this.#ignoredFrom} bytes after the pixel data are no readable elements`);
    }
    return {
      encoding: this.#encoding ?? this.#declared,
      values: this.#values,
      pixelData: this.#pixelData,
      length: this.#pushed,
      notes: this.notes,
    };
  }

  #tolerate(error: unknown): void {
    if (!(error instanceof LifeboatError) || !this.#pixelDone) throw error;
    this.#mode = 'ignore';
    this.#carried = 0;
    this.#left = 0;
  }

  #walk(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#mode === 'ignore') return;
      if (this.#mode === 'zeros') {
        this.#requireZeros(chunk, at);
        return;
      }
      if (this.#left > 0) {
        at += this.#takeValue(chunk, at);
        continue;
      }
      if (this.#carried === 0) {
        const used = this.#takeHeader(chunk, at, chunk.length - at, false);
        if (used > 0) {
          at += used;
          continue;
        }
      }
      this.#carry[this.#carried++] = chunk[at++]!;
      this.#takeCarried(false);
    }
  }

  /** A header that lies across chunks; what was read ahead stays for the next one. */
  #takeCarried(atEnd: boolean): boolean {
    const used = this.#takeHeader(this.#carry, 0, this.#carried, atEnd);
    if (used === 0) return false;
    this.#carry.copyWithin(0, used, this.#carried);
    this.#carried -= used;
    return true;
  }

  #takeValue(chunk: Uint8Array, at: number): number {
    const n = Math.min(this.#left, chunk.length - at);
    const capture = this.#capture;
    if (capture) {
      const from = capture.length - this.#left;
      if (from < CAPTURE_BYTES) capture.bytes.set(chunk.subarray(at, at + Math.min(n, CAPTURE_BYTES - from)), from);
    }
    this.#left -= n;
    this.#offset += n;
    if (this.#left === 0) this.#valueDone();
    return n;
  }

  #valueDone(): void {
    this.#capture = null;
    const top = this.#stack.at(-1)!;
    if (top.kind === 'root' && isPixelData(this.#header.tag)) this.#pixelDone = true;
    this.#closeEnded();
  }

  /** Reads one header at `at`; returns its length, 0 when it is not complete. */
  #takeHeader(bytes: Uint8Array, at: number, available: number, atEnd: boolean): number {
    if (available < 8) return 0;
    if (!this.#encoding) this.#start(bytes, at);
    const top = this.#stack.at(-1)!;
    if (this.#itemStart) {
      const encoding = detectItemEncoding(bytes, at, top.encoding, top.underUN);
      if (encoding.explicitVR !== top.encoding.explicitVR) {
        this.#note(
          `an item of ${describeTag(top.tag)} is encoded as ${encoding.explicitVR ? 'Explicit' : 'Implicit'} VR, unlike what surrounds it`,
        );
      }
      top.encoding = encoding;
    }
    if (top.kind === 'root' && this.#lastRootTag >= 0 && isZero(bytes, at, 8)) {
      this.#mode = 'zeros';
      this.#ignoredFrom = this.#offset;
      this.#offset += 8;
      return 8;
    }
    let used: number;
    try {
      used = readHeader(bytes, at, available, top.encoding, this.#header, atEnd);
    } catch (error) {
      if (error instanceof HeaderError) {
        throw this.#unreadable(`element ${describeTag(this.#header.tag)} at byte ${this.#offset} ${error.message}`);
      }
      throw error;
    }
    if (used === 0) return 0;
    this.#itemStart = false;
    if (this.#offset + used > top.end) throw this.#unreadable(this.#overrun(top));
    this.#offset += used;
    if (top.kind === 'sequence') this.#inSequence(top);
    else if (top.kind === 'fragments') this.#inFragments(top);
    else this.#inElements(top);
    return used;
  }

  #start(bytes: Uint8Array, at: number): void {
    const encoding = detectEncoding(bytes.subarray(at, at + 8), this.#declared);
    if (!encoding) throw this.#unreadable('its first bytes are no DICOM element');
    this.#encoding = encoding;
    this.#stack.push(container('root', 0, Number.POSITIVE_INFINITY, encoding, false));
  }

  #inElements(top: Container): void {
    const { tag, vr, length } = this.#header;
    if (tag >>> 16 === 0xfffe) {
      this.#delimiter(top, tag, length);
      return;
    }
    if (top.kind === 'root') this.#rootElement(tag);
    if (vr !== null && !isKnownVR(vr)) this.#note(`${describeTag(tag)} has the unknown VR ${vr}`);
    if (length === UNDEFINED_LENGTH) this.#openUndefined(top, tag, vr);
    else {
      if (this.#offset + length > top.end) throw this.#unreadable(this.#overrun(top));
      if (vr === 'SQ') {
        this.#open(container('sequence', tag, this.#offset + length, top.encoding, false));
        this.#closeEnded();
      } else this.#openValue(top, tag, vr, length);
    }
  }

  #rootElement(tag: number): void {
    const group = tag >>> 16;
    if (this.#lastRootTag < 0 && (group === 0x0002 || group === 0x0000)) {
      throw this.#unreadable(`it starts with ${describeTag(tag)}, which belongs in front of a data set and not inside`);
    }
    if (tag <= this.#lastRootTag) {
      if (this.#pixelDone) throw this.#unreadable(`${describeTag(tag)} stands behind the pixel data`);
      if (CAPTURED_TAGS.has(tag) && this.#values.has(tag)) {
        throw this.#unreadable(`${describeTag(tag)} occurs twice`);
      }
      this.#note('elements are not in ascending order of their tags');
    }
    this.#lastRootTag = Math.max(tag, this.#lastRootTag);
  }

  #openValue(top: Container, tag: number, vr: string | null, length: number): void {
    if (length % 2 === 1) this.#note(`${describeTag(tag)} has an odd length`);
    if (top.kind === 'root') {
      if (CAPTURED_TAGS.has(tag)) {
        this.#capture = { bytes: new Uint8Array(Math.min(length, CAPTURE_BYTES)), length, vr };
        this.#values.set(tag, this.#capture);
      }
      if (isPixelData(tag)) this.#pixelData = { kind: 'native', tag, length };
    }
    this.#left = length;
    if (length === 0) this.#valueDone();
  }

  #openUndefined(top: Container, tag: number, vr: string | null): void {
    if (vr === 'SQ' || (vr === null && !isPixelData(tag))) {
      this.#open(container('sequence', tag, Number.POSITIVE_INFINITY, top.encoding, top.underUN));
    } else if (vr === 'UN' && !isPixelData(tag)) {
      this.#open(container('sequence', tag, Number.POSITIVE_INFINITY, IMPLICIT, true));
    } else if (vr === null || vr === 'OB' || vr === 'OW' || vr === 'UN') {
      if (top.kind === 'root' && isPixelData(tag)) {
        this.#pixelData = { kind: 'encapsulated', tag, fragments: 0, length: 0 };
      }
      this.#open(container('fragments', tag, Number.POSITIVE_INFINITY, top.encoding, false));
    } else {
      throw this.#unreadable(`${describeTag(tag)} of VR ${vr} has an undefined length`);
    }
  }

  #delimiter(top: Container, tag: number, length: number): void {
    const open = top.end === Number.POSITIVE_INFINITY && top.kind === 'item';
    if (tag === TAG.itemDelimiter && open) {
      if (length !== 0) throw this.#unreadable('an item delimiter has a length');
      this.#stack.pop();
      this.#closeEnded();
      return;
    }
    if (tag === TAG.item || open || length !== 0) {
      throw this.#unreadable(`${describeTag(tag)} at byte ${this.#offset - 8} stands where an element should`);
    }
    this.#note(`a delimiter without its sequence at byte ${this.#offset - 8}`);
    this.#closeEnded();
  }

  #inSequence(top: Container): void {
    const { tag, length } = this.#header;
    if (tag === TAG.item) {
      const end = length === UNDEFINED_LENGTH ? Number.POSITIVE_INFINITY : this.#offset + length;
      if (end !== Number.POSITIVE_INFINITY && end > top.end) throw this.#unreadable(this.#overrun(top));
      this.#open(container('item', top.tag, end, top.encoding, top.underUN));
      this.#itemStart = length !== 0;
      this.#closeEnded();
    } else if (tag === TAG.sequenceDelimiter && length === 0) {
      if (top.end === Number.POSITIVE_INFINITY) this.#stack.pop();
      else this.#note(`a sequence delimiter inside ${describeTag(top.tag)}, whose length is defined`);
      this.#closeEnded();
    } else {
      throw this.#unreadable(
        `${describeTag(tag)} at byte ${this.#offset - 8} stands in sequence ${describeTag(top.tag)} where an item should`,
      );
    }
  }

  #inFragments(top: Container): void {
    const { tag, length } = this.#header;
    if (tag === TAG.item && length !== UNDEFINED_LENGTH) {
      top.fragments++;
      if (top.fragments > 1) top.bytes += length;
      this.#left = length;
    } else if (tag === TAG.sequenceDelimiter) {
      this.#stack.pop();
      if (this.#stack.length === 1 && isPixelData(top.tag)) {
        this.#pixelData = {
          kind: 'encapsulated',
          tag: top.tag,
          fragments: Math.max(0, top.fragments - 1),
          length: top.bytes,
        };
        this.#pixelDone = true;
      }
      this.#closeEnded();
    } else {
      throw this.#unreadable(
        `${describeTag(tag)} at byte ${this.#offset - 8} stands in ${describeTag(top.tag)} where a fragment should`,
      );
    }
  }

  #open(opened: Container): void {
    if (this.#stack.length >= MAX_DEPTH) throw this.#unreadable(`sequences are nested more than ${MAX_DEPTH} deep`);
    this.#stack.push(opened);
  }

  #closeEnded(): void {
    while (this.#stack.at(-1)!.end <= this.#offset) this.#stack.pop();
  }

  #requireZeros(bytes: Uint8Array, from: number): void {
    if (!isZero(bytes, from, bytes.length - from)) {
      throw this.#unreadable(`zero bytes from byte ${this.#ignoredFrom} on are followed by others`);
    }
    this.#offset += bytes.length - from;
  }

  #finish(): void {
    while (this.#carried >= 8 && this.#mode === 'elements' && this.#left === 0 && this.#takeCarried(true));
    if (this.#mode === 'zeros') {
      if (!isZero(this.#carry, 0, this.#carried))
        throw this.#unreadable('zero bytes at its end are followed by others');
      this.#note(`${this.#pushed - this.#ignoredFrom} zero bytes after the last element`);
      return;
    }
    if (this.#mode === 'ignore') return;
    if (this.#pushed === 0) throw new LifeboatError('DATASET_UNREADABLE', 'The data set is empty.');
    if (!this.#encoding) throw this.#unreadable(`${this.#pushed} bytes are not even one element`);
    const top = this.#stack.at(-1)!;
    if (this.#left > 0) throw this.#truncated(this.#endsInValue(top));
    if (top.kind !== 'root') throw this.#truncated(`inside ${describeTag(top.tag)}, before its end`);
    if (this.#carried > 0) {
      if (!this.#carry.subarray(0, this.#carried).every((byte) => byte === 0 || byte === 0x0a || byte === 0x0d)) {
        throw this.#truncated(`inside the header of the element after ${describeTag(this.#lastRootTag)}`);
      }
      this.#note(`${this.#carried} padding bytes after the last element`);
    }
  }

  #endsInValue(top: Container): string {
    const { tag, length } = this.#header;
    const came = length - this.#left;
    const where = top.kind === 'fragments' ? `a fragment of ${describeTag(top.tag)}` : describeTag(tag);
    return `inside ${where}, of whose ${length} bytes ${came} came`;
  }

  #overrun(top: Container): string {
    return `${describeTag(this.#header.tag)} at byte ${this.#offset} runs over the end of ${describeTag(top.tag)} that holds it`;
  }

  #unreadable(what: string): LifeboatError {
    this.#markIgnored();
    return new LifeboatError('DATASET_UNREADABLE', `: ${what}.`);
  }

  #truncated(where: string): LifeboatError {
    this.#markIgnored();
    return new LifeboatError('DATASET_TRUNCATED', `: it ends ${where}.`);
  }

  #markIgnored(): void {
    if (this.#mode === 'elements') this.#ignoredFrom = this.#offset;
  }

  #note(text: string): void {
    if (this.notes.length < MAX_NOTES && !this.notes.includes(text)) this.notes.push(text);
  }
}

function container(kind: Container['kind'], tag: number, end: number, encoding: Encoding, underUN: boolean): Container {
  return { kind, tag, end, encoding, underUN, fragments: 0, bytes: 0 };
}

function isZero(bytes: Uint8Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i++) if (bytes[i] !== 0) return false;
  return true;
}
