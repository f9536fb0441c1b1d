import { numbersOf, textOf } from './dicom-json.ts';
import type { Picture } from './study-model.ts';

/** JPEG baseline and extended, and JPEG XL made from such: always lossy (PS3.5 A.4). */
const alwaysLossy = /^1\.2\.840\.10008\.1\.2\.4\.(5[0-5]|111)$/;
/** JPEG-LS near-lossless, JPEG 2000, HTJ2K, JPEG XL: may lose, or not. */
const perhapsLossy = /^1\.2\.840\.10008\.1\.2\.4\.(81|91|93|203|112)$/;

export interface Lossiness {
  /** `perhaps`: the way of coding may lose and the image does not say whether it did. */
  lossy: 'yes' | 'perhaps' | 'no';
  /** Lossy Image Compression Ratio, the last where there are several; undefined where it is not told. */
  ratio?: number;
}

/** Whether an image has lost detail on its way (PS3.3 C.7.6.1.1.5), by its own word and by how it is coded. */
export function lossinessOf(picture: Picture): Lossiness {
  const told = textOf(picture.attributes, '00282110');
  const { transferSyntaxUID } = picture.instance;
  if (told === '01' || alwaysLossy.test(transferSyntaxUID)) {
    const ratio = numbersOf(picture.attributes, '00282112').at(-1);
    return { lossy: 'yes', ...(ratio !== undefined && ratio > 1 && { ratio }) };
  }
  return { lossy: perhapsLossy.test(transferSyntaxUID) && told !== '00' ? 'perhaps' : 'no' };
}
