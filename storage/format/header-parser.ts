/**
 * Data sets (PS3.5 7) to the DICOM JSON Model (PS3.18 Annex F) without touching large values: each is skipped and
 * referred to as `bulk:OFFSET:LENGTH`. Nothing in the input makes it throw: what cannot be read ends the reading there,
 * with a note, and what came before is kept. Runs in the browser too.
 */
import type { ByteWindow } from './byte-window.ts';
import { type CharacterSet, characterSet } from './charset.ts';
import { dictionaryVr } from './dictionary.ts';
import type { DicomJson, DicomJsonElement } from './manifest.ts';
import { decodeLimit, elementFromBytes, tagName } from './values.ts';

/** Pixel data of the data set itself (not of an icon in a sequence). */
export interface PixelDataElement {
  tag: '7FE00010' | '7FE00008' | '7FE00009';
  vr: string;
  /** First byte of the value field in the object. */
  offset: number;
  /** 0xFFFFFFFF: encapsulated, the value is a sequence of fragments (PS3.5 A.4). */
  length: number;
}

export interface Encoding {
  explicit: boolean;
  littleEndian: boolean;
}

const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_DELIMITER = 0xfffee00d;
const SEQUENCE_DELIMITER = 0xfffee0dd;
const PIXEL_DATA = new Map<number, PixelDataElement['tag']>([
  [0x7fe00010, '7FE00010'],
  [0x7fe00008, '7FE00008'],
  [0x7fe00009, '7FE00009'],
]);
/** Deeper nesting than any real object has; beyond it the reading stops rather than the stack overflows. */
const MAX_DEPTH = 1000;
const MAX_ELEMENTS = 5_000_000;
const MAX_NOTES = 20;

const shortLength = new Set('AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
const longLength = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const text = new Set('LO LT PN SH ST UC UT'.split(' '));
const vrNames = new Map<number, string>();
for (const vr of [...shortLength, ...longLength]) vrNames.set(vr.charCodeAt(0) * 256 + vr.charCodeAt(1), vr);

interface Scope extends Encoding {
  charset: CharacterSet;
  /** Pixel Representation in force: decides between US and SS. */
  signed: boolean;
  depth: number;
}

interface Field {
  tag: number;
  vr: string;
  /** First byte of the value. */
  offset: number;
  length: number;
  /** How the value is encoded: elements sent as UN are Implicit VR Little Endian (PS3.5 6.2.2). */
  littleEndian: boolean;
  explicit: boolean;
}

/** Parses one data set; read the results from its fields afterwards. */
export class HeaderParser {
  readonly json: DicomJson = {};
  readonly notes = new Set<string>();
  pixelData: PixelDataElement | undefined;
  /** Where values of (7FE0,0001) and (7FE0,0002) lie: Extended Offset Table and its lengths. */
  extendedOffsets: Field | undefined;
  extendedLengths: Field | undefined;
  /** First byte behind what was read. */
  position: number;
  private readonly window: ByteWindow;
  private elements = 0;
  private stopped = false;
  private readonly root: Scope;

  constructor(window: ByteWindow, offset: number, encoding: Encoding) {
    this.window = window;
    this.position = offset;
    this.root = { ...encoding, charset: characterSet([]), signed: false, depth: 0 };
  }

  /** Reads up to encapsulated pixel data or the end. Call again with the position behind the pixel data to go on. */
  run(from = this.position): void {
    this.stopped = false;
    this.position = this.dataSet(this.json, from, this.window.size, this.root, false);
  }

  note(note: string): void {
    if (this.notes.size < MAX_NOTES) this.notes.add(note);
  }

  private stop(note: string): void {
    this.note(note);
    this.stopped = true;
  }

  private dataSet(json: DicomJson, start: number, end: number, scope: Scope, delimited: boolean): number {
    this.correctEncoding(start, end, scope);
    let at = start;
    while (!this.stopped && at + 8 <= end) {
      const index = this.window.at(at, 8);
      if (index < 0) break;
      const { view } = this.window;
      const tag = view.getUint16(index, scope.littleEndian) * 0x10000 + view.getUint16(index + 2, scope.littleEndian);
      if (tag === ITEM_DELIMITER || tag === SEQUENCE_DELIMITER || tag === ITEM) {
        if (delimited && tag === ITEM_DELIMITER) return at + 8;
        if (delimited) {
          this.note('an item has no item delimiter');
          return at;
        }
        this.note('a stray item or delimiter between elements');
        at += 8;
        continue;
      }
      if (++this.elements > MAX_ELEMENTS) {
        this.stop('more elements than are read');
        break;
      }
      const field = this.field(tag, at, index, scope);
      if (!field) {
        this.stop(`the object ends inside element ${tagName(tag)}`);
        break;
      }
      at = this.element(json, field, end, scope);
    }
    if (!this.stopped && at < end && !delimited) {
      this.note('bytes left over that are no element');
      return end;
    }
    if (!this.stopped && delimited && at >= end) this.note('an item has no item delimiter');
    return at;
  }

  /** Tag, VR and length of the element at `at`; undefined when the object ends before. */
  private field(tag: number, at: number, index: number, scope: Scope): Field | undefined {
    const { view, bytes } = this.window;
    const { littleEndian } = scope;
    const high = bytes[index + 4]!;
    const low = bytes[index + 5]!;
    const letters = high >= 0x41 && high <= 0x5a && low >= 0x41 && low <= 0x5a;
    if (!scope.explicit || !letters) {
      if (scope.explicit && !(high === 0x3f && low === 0x3f) && !(high === 0x2d && low === 0x2d)) {
        this.note('an element without VR in an Explicit VR data set');
      } else if (scope.explicit) {
        return {
          tag,
          vr: this.implicitVr(tag, scope, 0),
          offset: at + 8,
          length: view.getUint16(index + 6, littleEndian),
          littleEndian,
          explicit: true,
        };
      }
      const length = view.getUint32(index + 4, littleEndian);
      return { tag, vr: this.implicitVr(tag, scope, length), offset: at + 8, length, littleEndian, explicit: false };
    }
    const sent = vrNames.get(high * 256 + low);
    const short = view.getUint16(index + 6, littleEndian);
    if (sent !== undefined ? shortLength.has(sent) : short !== 0) {
      return {
        tag,
        vr: sent ?? this.implicitVr(tag, scope, short),
        offset: at + 8,
        length: short,
        littleEndian,
        explicit: true,
      };
    }
    const long = this.window.at(at + 8, 4);
    if (long < 0) return undefined;
    const length = this.window.view.getUint32(long, littleEndian);
    if (sent !== 'UN' && sent !== undefined) {
      return { tag, vr: sent, offset: at + 12, length, littleEndian, explicit: true };
    }
    // PS3.5 6.2.2: a value sent as UN is Implicit VR Little Endian, whatever the transfer syntax.
    const vr = this.implicitVr(tag, scope, length);
    return { tag, vr, offset: at + 12, length, littleEndian: true, explicit: false };
  }

  private implicitVr(tag: number, scope: Scope, length: number): string {
    const group = tag >>> 16;
    const element = tag & 0xffff;
    if (element === 0) return 'UL';
    if (group & 1) {
      if (element >= 0x10 && element <= 0xff) return 'LO';
      return length === UNDEFINED_LENGTH ? 'SQ' : 'UN';
    }
    const vr = dictionaryVr(tag);
    switch (vr) {
      case 'xs':
        return scope.signed ? 'SS' : 'US';
      case 'ox':
      case 'px':
      case 'lt':
        return 'OW';
      case 'up':
        return 'UL';
      case undefined:
        return length === UNDEFINED_LENGTH ? 'SQ' : 'UN';
      default:
        return vr;
    }
  }

  /** Reads or skips one element; answers the position behind it. */
  private element(json: DicomJson, field: Field, end: number, scope: Scope): number {
    const { tag, offset, length } = field;
    let { vr } = field;
    const pixelTag = scope.depth === 0 ? PIXEL_DATA.get(tag) : undefined;
    if (pixelTag) return this.pixels(json, field, pixelTag, end);
    if (length === UNDEFINED_LENGTH && vr !== 'SQ') {
      const fragments = this.isFragmented(field);
      if (fragments) return this.fragmented(json, field, end);
      vr = 'SQ';
    }
    if (length !== UNDEFINED_LENGTH && offset + length > end) {
      this.note(`element ${tagName(tag)} is longer than what contains it`);
      if (scope.depth === 0) this.stopped = true;
      return end;
    }
    const name = tagName(tag);
    if (vr === 'SQ') {
      const items: DicomJson[] = [];
      const stop = length === UNDEFINED_LENGTH ? end : offset + length;
      // Undefined-length UN keeps its own encoding; otherwise the sequence is encoded as what contains it.
      const inner: Scope = { ...scope, littleEndian: field.littleEndian, explicit: field.explicit && scope.explicit };
      const behind = this.sequence(items, offset, stop, length === UNDEFINED_LENGTH, inner);
      this.put(json, name, items.length > 0 ? { vr, Value: items } : { vr });
      return behind;
    }
    if ((tag & 0xffff) === 0) return offset + length;
    if (length > decodeLimit(vr)) {
      this.put(json, name, { vr, BulkDataURI: `bulk:${offset}:${length}` });
      if (tag === 0x7fe00001) this.extendedOffsets = field;
      if (tag === 0x7fe00002) this.extendedLengths = field;
      return offset + length;
    }
    const bytes = this.window.slice(offset, length);
    if (!bytes) {
      this.stop(`the object ends inside element ${name}`);
      return offset;
    }
    if (tag === 0x00080005) {
      scope.charset = characterSet(
        (elementFromBytes('CS', bytes, true, characterSet([])).Value ?? []).map((term) => String(term ?? '')),
      );
    }
    const element = elementFromBytes(vr, bytes, field.littleEndian, scope.charset);
    // The text written here is Unicode, and says so as PS3.18 F.2 wants it.
    if (tag === 0x00080005 && element.Value) element.Value = ['ISO_IR 192'];
    if (scope.charset.notes.size > 0 && text.has(vr)) for (const note of scope.charset.notes) this.note(note);
    if (tag === 0x00280103) scope.signed = element.Value?.[0] === 1;
    if (tag === 0x7fe00001) this.extendedOffsets = field;
    if (tag === 0x7fe00002) this.extendedLengths = field;
    this.put(json, name, element);
    return offset + length;
  }

  private put(json: DicomJson, name: string, element: DicomJsonElement): void {
    if (name in json) this.note(`element ${name} comes twice; the first is used`);
    else json[name] = element;
  }

  private pixels(json: DicomJson, field: Field, tag: PixelDataElement['tag'], end: number): number {
    const { offset, vr } = field;
    let { length } = field;
    if (length !== UNDEFINED_LENGTH && offset + length > end) {
      this.note('the object ends inside the pixel data');
      length = Math.max(0, end - offset);
    }
    if (this.pixelData) this.note(`more than one pixel data element; ${this.pixelData.tag} is shown`);
    else this.pixelData = { tag, vr, offset, length };
    if (length === UNDEFINED_LENGTH) {
      this.stopped = true;
      this.put(json, tag, {
        vr: vr === 'SQ' || vr === 'UN' ? 'OB' : vr,
        BulkDataURI: `bulk:${offset}:${end - offset}`,
      });
      return offset;
    }
    this.put(json, tag, length > 0 ? { vr, BulkDataURI: `bulk:${offset}:${length}` } : { vr });
    return offset + length;
  }

  private sequence(items: DicomJson[], start: number, end: number, delimited: boolean, scope: Scope): number {
    if (scope.depth >= MAX_DEPTH) {
      this.stop('sequences nested deeper than is read');
      return end;
    }
    let at = start;
    while (!this.stopped && at + 8 <= end) {
      const index = this.window.at(at, 8);
      if (index < 0) break;
      const { view } = this.window;
      const tag = view.getUint16(index, scope.littleEndian) * 0x10000 + view.getUint16(index + 2, scope.littleEndian);
      const length = view.getUint32(index + 4, scope.littleEndian);
      if (tag === SEQUENCE_DELIMITER) {
        if (delimited) return at + 8;
        at += 8;
        continue;
      }
      if (tag === ITEM_DELIMITER) {
        this.note('a stray item delimiter in a sequence');
        at += 8;
        continue;
      }
      if (tag !== ITEM) {
        if (delimited) this.stop('a sequence holds something that is no item');
        else this.note('a sequence holds something that is no item');
        return end;
      }
      const json: DicomJson = {};
      const inner: Scope = { ...scope, depth: scope.depth + 1 };
      if (length === UNDEFINED_LENGTH) at = this.dataSet(json, at + 8, end, inner, true);
      else {
        const itemEnd = at + 8 + length;
        if (itemEnd > end) this.note('an item is longer than its sequence');
        this.dataSet(json, at + 8, Math.min(itemEnd, end), inner, false);
        at = Math.min(itemEnd, end);
      }
      items.push(json);
    }
    if (delimited && !this.stopped) this.stop('a sequence has no end');
    return at;
  }

  /** Undefined length with a VR that is no sequence: encapsulated fragments (an icon, say) when it is OB or OW. */
  private isFragmented(field: Field): boolean {
    return field.vr === 'OB' || field.vr === 'OW';
  }

  private fragmented(json: DicomJson, field: Field, end: number): number {
    let at = field.offset;
    while (at + 8 <= end) {
      const index = this.window.at(at, 8);
      if (index < 0) break;
      const { view } = this.window;
      const tag = view.getUint16(index, field.littleEndian) * 0x10000 + view.getUint16(index + 2, field.littleEndian);
      const length = view.getUint32(index + 4, field.littleEndian);
      if (tag === SEQUENCE_DELIMITER) {
        this.put(json, tagName(field.tag), { vr: field.vr, BulkDataURI: `bulk:${field.offset}:${at - field.offset}` });
        return at + 8;
      }
      if (tag !== ITEM || at + 8 + length > end) break;
      at += 8 + length;
    }
    this.stop(`the fragments of element ${tagName(field.tag)} have no end`);
    return end;
  }

  /**
   * Data sets and items that are not encoded as declared: Explicit where Implicit was said, the other byte order.
   * Only unmistakable cases are corrected.
   */
  private correctEncoding(start: number, end: number, scope: Scope): void {
    if (start + 8 > end) return;
    const index = this.window.at(start, 8);
    if (index < 0) return;
    const { view, bytes } = this.window;
    const vr = vrNames.get(bytes[index + 4]! * 256 + bytes[index + 5]!);
    if (!scope.explicit && vr !== undefined) {
      const length = view.getUint32(index + 4, scope.littleEndian);
      const tag = view.getUint16(index, scope.littleEndian) * 0x10000 + view.getUint16(index + 2, scope.littleEndian);
      if (length > end - start - 8 || length > 0xffff || dictionaryVr(tag) === vr) {
        scope.explicit = true;
        this.note('Explicit VR where Implicit VR was declared');
      }
    }
    if (scope.depth > 0) return;
    const group = view.getUint16(index, scope.littleEndian);
    const swapped = view.getUint16(index, !scope.littleEndian);
    if (group > 0xff && swapped > 0 && swapped <= 0x10) {
      scope.littleEndian = !scope.littleEndian;
      this.note('the byte order is not the declared one');
    }
  }
}
