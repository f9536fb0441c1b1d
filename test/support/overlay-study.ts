import { type DataSet, EXPLICIT_LE, writePart10 } from '../../phantoms/part10-writer.ts';

/** Three CT slices of 64 by 64 pixels of 1 mm, 2 mm apart, with a segmentation, structures and a presentation state. */
export const overlayStudy = '2.25.2000';
const frameOfReference = '2.25.2001';
const size = 64;
const ct = '1.2.840.10008.5.1.4.1.1.2';

function base(sopClassUID: string, sop: string, modality: string, series: string): DataSet {
  return {
    '00080005': ['CS', 'ISO_IR 192'],
    '00080016': ['UI', sopClassUID],
    '00080018': ['UI', sop],
    '00080020': ['DA', '20260102'],
    '00080060': ['CS', modality],
    '00100010': ['PN', 'Test^Overlay'],
    '00100020': ['LO', 'P2'],
    '0020000D': ['UI', overlayStudy],
    '0020000E': ['UI', series],
    '00200052': ['UI', frameOfReference],
  };
}

export const sliceUID = (n: number): string => `2.25.201${n}`;

/** Slice n, from 0, at z = 2n mm; its values run from 0 to 4095 from left to right. */
export function overlaySlice(n: number): Uint8Array {
  const pixels = new Uint16Array(size * size).map((_, i) => Math.round(((i % size) * 4095) / (size - 1)));
  return writePart10(
    {
      ...base(ct, sliceUID(n), 'CT', '2.25.2002'),
      '00180050': ['DS', '2'],
      '00200011': ['IS', '1'],
      '00200013': ['IS', String(n + 1)],
      '00200032': ['DS', '0', '0', String(2 * n)],
      '00200037': ['DS', '1', '0', '0', '0', '1', '0'],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', size],
      '00280011': ['US', size],
      '00280030': ['DS', '1', '1'],
      '00280100': ['US', 16],
      '00280101': ['US', 12],
      '00280102': ['US', 11],
      '00280103': ['US', 0],
      '7FE00010': ['OW', new Uint8Array(pixels.buffer)],
    },
    EXPLICIT_LE,
  );
}

/** One segment on the middle slice alone: columns 16 to 31, rows 8 to 15, in pixels of half a mm. */
export function overlaySegmentation(): Uint8Array {
  const columns = 128;
  const rows = 128;
  const bits = new Uint8Array((columns * rows) / 8);
  for (let row = 16; row < 32; row += 1)
    for (let column = 32; column < 64; column += 1) {
      const i = row * columns + column;
      bits[i >> 3]! |= 1 << (i & 7);
    }
  return writePart10(
    {
      ...base('1.2.840.10008.5.1.4.1.1.66.4', '2.25.2020', 'SEG', '2.25.2003'),
      '00200011': ['IS', '2'],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280008': ['IS', '1'],
      '00280010': ['US', rows],
      '00280011': ['US', columns],
      '00280100': ['US', 1],
      '00280101': ['US', 1],
      '00280102': ['US', 0],
      '00280103': ['US', 0],
      '00620001': ['CS', 'BINARY'],
      '00620002': [
        'SQ',
        { '00620004': ['US', 1], '00620005': ['LO', 'Lesion'], '0062000D': ['US', 35000, 50000, 50000] },
      ],
      '00700080': ['CS', 'SEG'],
      '00700081': ['LO', 'Made lesion'],
      '52009229': [
        'SQ',
        {
          '00209116': ['SQ', { '00200037': ['DS', '1', '0', '0', '0', '1', '0'] }],
          '00289110': ['SQ', { '00180050': ['DS', '2'], '00280030': ['DS', '0.5', '0.5'] }],
        },
      ],
      '52009230': [
        'SQ',
        {
          '0062000A': ['SQ', { '0062000B': ['US', 1] }],
          '00209113': ['SQ', { '00200032': ['DS', '-0.25', '-0.25', '2'] }],
        },
      ],
      '7FE00010': ['OB', bits],
    },
    EXPLICIT_LE,
  );
}

/** A square of 10 mm about (30, 40), on the first slice. */
export function overlayStructures(): Uint8Array {
  const corners = ['25', '35', '0', '35', '35', '0', '35', '45', '0', '25', '45', '0'];
  return writePart10(
    {
      ...base('1.2.840.10008.5.1.4.1.1.481.3', '2.25.2030', 'RTSTRUCT', '2.25.2004'),
      '30060020': [
        'SQ',
        { '30060022': ['IS', '7'], '30060024': ['UI', frameOfReference], '30060026': ['LO', 'Target'] },
      ],
      '30060039': [
        'SQ',
        {
          '3006002A': ['IS', '0', '255', '0'],
          '30060084': ['IS', '7'],
          '30060040': [
            'SQ',
            { '30060042': ['CS', 'CLOSED_PLANAR'], '30060046': ['IS', '4'], '30060050': ['DS', ...corners] },
          ],
        },
      ],
    },
    EXPLICIT_LE,
  );
}

/** Of the last slice: window 1000/500, mirrored, inverse, with a word and a circle. */
export function overlayPresentation(): Uint8Array {
  const image = { '00081150': ['UI', ct] as const, '00081155': ['UI', sliceUID(2)] as const };
  return writePart10(
    {
      ...base('1.2.840.10008.5.1.4.1.1.11.1', '2.25.2040', 'PR', '2.25.2005'),
      '00081115': ['SQ', { '0020000E': ['UI', '2.25.2002'], '00081140': ['SQ', image] }],
      '00283110': ['SQ', { '00281050': ['DS', '1000'], '00281051': ['DS', '500'] }],
      '00700001': [
        'SQ',
        {
          '00700002': ['CS', 'NOTES'],
          '00700008': [
            'SQ',
            {
              '00700004': ['CS', 'PIXEL'],
              '00700006': ['ST', 'Look here'],
              '00700014': ['FL', 10, 20],
              '00700015': ['CS', 'N'],
            },
          ],
          '00700009': [
            'SQ',
            {
              '00700005': ['CS', 'PIXEL'],
              '00700020': ['US', 2],
              '00700021': ['US', 2],
              '00700022': ['FL', 32.5, 32.5, 40.5, 32.5],
              '00700023': ['CS', 'CIRCLE'],
              '00700024': ['CS', 'N'],
            },
          ],
        },
      ],
      '00700041': ['CS', 'Y'],
      '00700042': ['US', 0],
      '00700060': ['SQ', { '00700002': ['CS', 'NOTES'], '00700062': ['IS', '1'] }],
      '00700080': ['CS', 'MADE'],
      '20500020': ['CS', 'INVERSE'],
    },
    EXPLICIT_LE,
  );
}

export function overlayFiles(): Buffer[] {
  return [
    overlaySlice(0),
    overlaySlice(1),
    overlaySlice(2),
    overlaySegmentation(),
    overlayStructures(),
    overlayPresentation(),
  ].map((bytes) => Buffer.from(bytes));
}
