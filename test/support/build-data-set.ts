/** Builds small data sets by hand, right or wrong as a test wants them. */
export interface BuildOptions {
  explicitVR?: boolean;
  bigEndian?: boolean;
}

const longVRs = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

export interface Builder {
  /** One element; `length` overrides the length field. */
  element(tag: number, vr: string, value: string | Uint8Array, length?: number): Buffer;
  /** Item or delimiter: tag and length only. */
  marker(tag: number, length: number): Buffer;
  us(tag: number, value: number): Buffer;
}

export function builder({ explicitVR = true, bigEndian = false }: BuildOptions = {}): Builder {
  const u16 = (value: number) => {
    const bytes = Buffer.alloc(2);
    if (bigEndian) bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return bytes;
  };
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const tagBytes = (tag: number) => Buffer.concat([u16(tag >>> 16), u16(tag & 0xffff)]);
  const element = (tag: number, vr: string, value: string | Uint8Array, length?: number) => {
    let bytes = Buffer.from(value as string, 'latin1');
    if (bytes.length % 2) bytes = Buffer.concat([bytes, Buffer.from(vr === 'UI' || vr === 'OB' ? '\0' : ' ')]);
    const size = length ?? bytes.length;
    const head = !explicitVR
      ? [u32(size)]
      : longVRs.has(vr)
        ? [Buffer.from(vr), Buffer.alloc(2), u32(size)]
        : [Buffer.from(vr), u16(size)];
    return Buffer.concat([tagBytes(tag), ...head, bytes]);
  };
  return {
    element,
    marker: (tag, length) => Buffer.concat([tagBytes(tag), u32(length)]),
    us: (tag, value) => element(tag, 'US', u16(value)),
  };
}

export const CT = '1.2.840.10008.5.1.4.1.1.2';

export interface CtOptions extends BuildOptions {
  sopClassUID?: string;
  sopInstanceUID?: string;
  studyInstanceUID?: string;
  seriesInstanceUID?: string;
  rows?: number;
  columns?: number;
  /** Elements between (0028,…) and the pixel data. */
  extra?: Uint8Array;
  pixels?: Uint8Array;
  /** Stands in place of the whole Pixel Data element. */
  pixelElement?: Uint8Array;
}

/** A CT image of 16 bits, by default 16x16. */
export function ctDataSet(options: CtOptions = {}): Buffer {
  const { element, us } = builder(options);
  const rows = options.rows ?? 16;
  const columns = options.columns ?? 16;
  return Buffer.concat([
    element(0x00080016, 'UI', options.sopClassUID ?? CT),
    element(0x00080018, 'UI', options.sopInstanceUID ?? '1.2.3.4.5'),
    element(0x00080020, 'DA', '20260102'),
    element(0x00080060, 'CS', 'CT'),
    element(0x00100010, 'PN', 'Doe^Jane'),
    element(0x00100020, 'LO', 'P1'),
    element(0x0020000d, 'UI', options.studyInstanceUID ?? '1.2.3'),
    element(0x0020000e, 'UI', options.seriesInstanceUID ?? '1.2.3.4'),
    us(0x00280002, 1),
    element(0x00280004, 'CS', 'MONOCHROME2'),
    us(0x00280010, rows),
    us(0x00280011, columns),
    us(0x00280100, 16),
    us(0x00280101, 12),
    options.extra ?? Buffer.alloc(0),
    options.pixelElement ?? element(0x7fe00010, 'OW', options.pixels ?? Buffer.alloc(rows * columns * 2, 7)),
  ]);
}
