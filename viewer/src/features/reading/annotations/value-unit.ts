import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { itemsOf, numberOf, textOf, textsOf } from '../study/dicom-json.ts';

/** What the values of an image count, and what they must be multiplied by to count it. */
export interface ValueUnit {
  /** As it is written behind a value. */
  name: string;
  /** UCUM code (PS3.16 CID 82); '' where there is none. */
  ucum: string;
  factor: number;
}

const unit = (name: string, ucum = '', factor = 1): ValueUnit => ({ name, ucum, factor });

/** Seconds since midnight of a TM value. */
function secondsOf(time: string): number | null {
  const match = /^(\d\d)(\d\d)(\d\d(?:\.\d+)?)/.exec(time);
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : null;
}

/**
 * SUV by body weight (g/ml) of a PET image in Bq/ml: what its values are multiplied by (PS3.3 C.8.9.1, QIBA). Null where the
 * image does not tell weight, dose and times, or its decay is not corrected.
 */
export function suvFactor(attributes: DicomJson): number | null {
  const dose = itemsOf(attributes, '00540016')[0];
  const weight = numberOf(attributes, '00101030');
  const total = dose && numberOf(dose, '00181074');
  const halfLife = dose && numberOf(dose, '00181075');
  const corrections = textsOf(attributes, '00280051');
  if (!dose || !weight || !total || !halfLife || (corrections.length > 0 && !corrections.includes('DECY'))) return null;
  const correctedTo = textOf(attributes, '00541102');
  if (correctedTo === 'ADMIN') return (weight * 1000) / total;
  if (correctedTo !== 'START') return null;
  const given = secondsOf(textOf(dose, '00181078').slice(8) || textOf(dose, '00181072'));
  const series = secondsOf(textOf(attributes, '00080031'));
  const acquired = secondsOf(textOf(attributes, '00080032'));
  if (given === null || series === null) return null;
  // A series time after the acquisition is when the series was made, not when the scan began.
  const scan = acquired !== null && acquired < series ? acquired : series;
  const passed = scan >= given ? scan - given : scan + 86_400 - given;
  return (weight * 1000) / (total * 2 ** (-passed / halfLife));
}

/** The unit of an image's values after its modality transformation: HU, SUV, what Rescale Type names, or stored values. */
export function valueUnitOf(attributes: DicomJson): ValueUnit {
  const modality = textOf(attributes, '00080060');
  if (modality === 'PT') {
    const name = textOf(attributes, '00541001');
    if (name === 'GML') return unit('SUV g/ml', 'g/ml{SUVbw}');
    if (name === 'BQML') {
      const factor = suvFactor(attributes);
      return factor === null ? unit('Bq/ml', 'Bq/ml') : unit('SUVbw g/ml', 'g/ml{SUVbw}', factor);
    }
    return unit(name ? name.toLowerCase() : 'values without a unit');
  }
  const type = textOf(attributes, '00281054').toUpperCase() || textOf(attributes, '00283004').toUpperCase();
  if (type === 'HU' || (type === '' && modality === 'CT' && attributes['00281053'])) return unit('HU', "[hnsf'U]");
  if (type !== '' && type !== 'US') return unit(type);
  const plain = (numberOf(attributes, '00281053') ?? 1) === 1 && (numberOf(attributes, '00281052') ?? 0) === 0;
  return unit(plain ? 'stored value' : 'rescaled value');
}
