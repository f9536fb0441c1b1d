/** A lookup table (PS3.3 C.11.1.1, C.11.2.1, C.7.6.3.1.6): `first` is the input value mapped to `data[0]`. */
export interface LookupTable {
  first: number;
  data: Uint16Array;
  /** Bits of an output value. */
  bits: number;
}

export interface Palette {
  red: LookupTable;
  green: LookupTable;
  blue: LookupTable;
}

/** What turns stored values into grey or colour. */
export interface RenderTables {
  slope: number;
  intercept: number;
  modalityLut?: LookupTable;
  /** First window of the object. */
  window?: Window;
  voiLut?: LookupTable;
  /** White is the lowest value. */
  inverse: boolean;
  palette?: Palette;
  /** Stored value(s) of no meaning, left out of an automatic window. */
  padding?: [number, number];
}

export interface Window {
  center: number;
  width: number;
  /** PS3.3 C.11.2.1.3 */
  shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
}

export interface RenderOptions {
  format: 'jpeg' | 'png';
  /** 1 to 100, JPEG. */
  quality: number;
  window?: Window;
  /** Largest width and height of the picture; it keeps its proportions. */
  viewport?: { width: number; height: number };
  /** Part of the image, in its own pixels, to show in the viewport. */
  region?: { x: number; y: number; width: number; height: number };
  /** Height of a pixel in widths of one. */
  pixelAspect: number;
}
