import { type DataSet, EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';
import { keepFiles } from './keep-files.ts';
import type { TestRouter } from './router.ts';
import { smallImage } from './small-image.ts';

/** A study of two images, a report on the second, an ECG and a PDF. */
export const documentStudy = '2.25.1000';
export const encapsulatedPdf = new TextEncoder().encode(
  `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`.padEnd(300, '\n'),
);

/** An object of the study that is no image. */
export function document(sopClassUID: string, sop: string, modality: string, more: DataSet): Buffer {
  const common: DataSet = {
    '00080016': ['UI', sopClassUID],
    '00080018': ['UI', sop],
    '00080020': ['DA', '20260102'],
    '00080023': ['DA', '20260102'],
    '00080060': ['CS', modality],
    '00100010': ['PN', 'Test^Patient'],
    '00100020': ['LO', 'P1'],
    '0020000D': ['UI', documentStudy],
    '0020000E': ['UI', `2.25.9${sop.slice(5)}`],
  };
  return Buffer.from(writePart10({ ...common, ...more }, EXPLICIT_LE));
}

const code = (meaning: string, value = '1'): DataSet[string] => [
  'SQ',
  { '00080100': ['SH', value], '00080102': ['SH', '99TEST'], '00080104': ['LO', meaning] },
];

function item(type: string, name: string, more: DataSet): DataSet {
  return { '0040A010': ['CS', 'CONTAINS'], '0040A040': ['CS', type], '0040A043': code(name), ...more };
}

function report(imageUID: string): Buffer {
  return document('1.2.840.10008.5.1.4.1.1.88.22', '2.25.1010', 'SR', {
    '0040A040': ['CS', 'CONTAINER'],
    '0040A043': code('Chest CT Report'),
    '0040A491': ['CS', 'COMPLETE'],
    '0040A493': ['CS', 'UNVERIFIED'],
    '0040A730': [
      'SQ',
      item('TEXT', 'Finding', { '0040A160': ['UT', 'A nodule in the left lung.'] }),
      item('NUM', 'Length', {
        '0040A300': ['SQ', { '0040A30A': ['DS', '12.5'], '004008EA': code('millimeter', 'mm') }],
      }),
      item('IMAGE', 'Seen in', {
        '00081199': ['SQ', { '00081150': ['UI', '1.2.840.10008.5.1.4.1.1.2'], '00081155': ['UI', imageUID] }],
      }),
    ],
  });
}

/** Two seconds of lead II at 500 Hz: flat but for one sample of 1 mV. */
function electrocardiogram(): Buffer {
  const samples = 1000;
  const values = new Int16Array(samples);
  values[500] = 400;
  return document('1.2.840.10008.5.1.4.1.1.9.1.1', '2.25.1020', 'ECG', {
    '54000100': [
      'SQ',
      {
        '003A0005': ['US', 1],
        '003A0010': ['UL', samples],
        '003A001A': ['DS', '500'],
        '003A0020': ['SH', 'RHYTHM'],
        '003A0200': [
          'SQ',
          {
            '003A0208': code('Lead II'),
            '003A0210': ['DS', '2.5'],
            '003A0211': code('microvolt', 'uV'),
            '003A0212': ['DS', '1'],
            '003A0213': ['DS', '0'],
          },
        ],
        '54001004': ['US', 16],
        '54001006': ['CS', 'SS'],
        '54001010': ['OW', new Uint8Array(values.buffer)],
      },
    ],
  });
}

/** Puts the study into the router's archive. */
export async function keepDocuments(router: TestRouter): Promise<void> {
  const image = (n: number) =>
    smallImage({
      study: documentStudy,
      series: '2.25.900',
      sop: `2.25.100${n}`,
      instanceNumber: n,
      rows: 64,
      columns: 64,
    });
  const pdf = document('1.2.840.10008.5.1.4.1.1.104.1', '2.25.1030', 'DOC', {
    '00420010': ['ST', 'Discharge letter'],
    '00420011': ['OB', encapsulatedPdf],
    '00420012': ['LO', 'application/pdf'],
  });
  await keepFiles(router.router.context.archive, [image(1), image(2), report('2.25.1002'), electrocardiogram(), pdf]);
}
