import type { DicomJson } from '../../../../../storage/format/manifest.ts';
import { type NamedWindow, windowsOf } from '../paint/grayscale.ts';
import { textOf } from '../study/dicom-json.ts';
import type { WindowChoice } from './window-choice.ts';

export interface Preset {
  key: string;
  name: string;
  choice: WindowChoice;
}

const computedTomography: NamedWindow[] = [
  { name: 'Lung', center: -600, width: 1500 },
  { name: 'Bone', center: 480, width: 2500 },
  { name: 'Brain', center: 40, width: 80 },
  { name: 'Abdomen', center: 60, width: 400 },
  { name: 'Mediastinum', center: 50, width: 350 },
  { name: 'Stroke', center: 35, width: 40 },
];

/** Presets on the keys 1 to 9: as sent, full range, then those of CT or those the image itself names. */
export function presetsOf(attributes: DicomJson): Preset[] {
  const presets: Preset[] = [
    { key: '1', name: 'As sent', choice: { kind: 'default' } },
    { key: '2', name: 'Full range', choice: { kind: 'full' } },
  ];
  const own = windowsOf(attributes).slice(1);
  const more = textOf(attributes, '00080060') === 'CT' ? computedTomography : own;
  for (const { name, center, width } of more.slice(0, 7))
    presets.push({
      key: String(presets.length + 1),
      name: name || `${center} / ${width}`,
      choice: { kind: 'window', center, width },
    });
  return presets;
}
