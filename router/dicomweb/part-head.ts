const MAX_HEAD_BYTES = 4_096;

/** What the file meta information says, when it can be read. */
export interface HeadUids {
  sopClassUID?: string;
  sopInstanceUID?: string;
}

/**
 * Keeps the first bytes of an uploaded PS3.10 file so that a refusal can name the instance it is about even when the data
 * set itself was unreadable.
 */
export class PartHead {
  #bytes = Buffer.alloc(0);

  write(chunk: Uint8Array): void {
    const missing = MAX_HEAD_BYTES - this.#bytes.length;
    if (missing > 0) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, missing)]);
  }

  /** Media Storage SOP Class and Instance UID (0002,0002), (0002,0003); PS3.10 7.1: always explicit VR little endian. */
  uids(): HeadUids {
    const uids: HeadUids = {};
    const bytes = this.#bytes;
    if (bytes.length < 140 || bytes.toString('latin1', 128, 132) !== 'DICM') return uids;
    let at = 132;
    while (at + 8 <= bytes.length && bytes.readUInt16LE(at) === 2) {
      const element = bytes.readUInt16LE(at + 2);
      const long = /^(OB|OW|OF|SQ|UN|UT|UC|UR)$/.test(bytes.toString('latin1', at + 4, at + 6));
      if (long && at + 12 > bytes.length) break;
      const length = long ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
      const start = at + (long ? 12 : 8);
      if (start + length > bytes.length) break;
      const value = bytes.toString('latin1', start, start + length).replace(/[\0 ]+$/, '');
      if (/^[0-9.]{1,64}$/.test(value)) {
        if (element === 2) uids.sopClassUID = value;
        if (element === 3) uids.sopInstanceUID = value;
      }
      at = start + length;
    }
    return uids;
  }
}
