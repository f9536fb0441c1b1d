import { numbersOf, textOf, textsOf } from './dicom-json.ts';
import type { Picture } from './study-model.ts';

/** JPEG baseline and extended, and JPEG XL made from such: always lossy (PS3.5 A.4). */
const alwaysLossy = /^1\.2\.840\.10008\.1\.2\.4\.(5[0-5]|111)$/;
/** JPEG-LS near-lossless, JPEG 2000, HTJ2K, JPEG XL: may lose, or not. */
const perhapsLossy = /^1\.2\.840\.10008\.1\.2\.4\.(81|91|93|203|112)$/;

/** Lossy Image Compression Method (0028,2114) in plain words. */
const methods: Record<string, string> = {
  ISO_10918_1: 'JPEG',
  ISO_14495_1: 'JPEG-LS near-lossless',
  ISO_15444_1: 'JPEG 2000',
  ISO_15444_15: 'High-Throughput JPEG 2000',
  ISO_18181_1: 'JPEG XL',
  ISO_13818_2: 'MPEG-2',
  ISO_14496_10: 'MPEG-4',
  ISO_23008_2: 'HEVC',
};

/** Lossy methods by transfer syntax, for images that do not name theirs. */
const methodsBySyntax: [syntax: RegExp, name: string][] = [
  [/\.5[0-5]$/, 'JPEG'],
  [/\.81$/, 'JPEG-LS near-lossless'],
  [/\.9[13]$/, 'JPEG 2000'],
  [/\.203$/, 'High-Throughput JPEG 2000'],
  [/\.11[12]$/, 'JPEG XL'],
];

/** One lossy compression on the image's way. */
export interface LossyStep {
  /** '' where it is not known. */
  method: string;
  ratio?: number;
}

/** The method that the transfer syntax itself shows; '' where it may as well be lossless. */
function methodOfSyntax(transferSyntaxUID: string): string {
  if (!transferSyntaxUID.startsWith('1.2.840.10008.1.2.4.')) return '';
  return methodsBySyntax.find(([syntax]) => syntax.test(transferSyntaxUID))?.[1] ?? '';
}

/** The lossy compressions an image names, in their order; of the last the method may be known by the transfer syntax alone. */
export function lossyStepsOf(picture: Picture): LossyStep[] {
  const ratios = numbersOf(picture.attributes, '00282112');
  const named = textsOf(picture.attributes, '00282114');
  const count = Math.max(1, ratios.length, named.length);
  const steps: LossyStep[] = [];
  for (let i = 0; i < count; i += 1) {
    const name = named[i] ?? '';
    const ratio = ratios[i];
    const known = name ? (methods[name.toUpperCase()] ?? name) : '';
    const method = known || (i === count - 1 ? methodOfSyntax(picture.instance.transferSyntaxUID) : '');
    steps.push({ method, ...(ratio !== undefined && ratio > 1 && { ratio }) });
  }
  return steps;
}

/** The steps as text: 'JPEG 17.4:1, then JPEG 2000 5:1'. */
export function lossyStepsText(picture: Picture, then: string): string {
  return lossyStepsOf(picture)
    .map(({ method, ratio }) => [method, ratio && `${Number(ratio.toPrecision(3))}:1`].filter(Boolean).join(' '))
    .filter(Boolean)
    .join(then);
}

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
