/** Why a stack is no volume. */
export type NoVolume =
  | { why: 'few' | 'colour' | 'noPlane' | 'parts' | 'orientation' | 'size' | 'sameplace' | 'memory' }
  | { why: 'spacing'; least: number; most: number };

/** Why three planes cannot be made of a series, and what to do. */
export function noVolumeText(reason: NoVolume): string {
  switch (reason.why) {
    case 'few':
      return 'Three planes need at least three slices of one series; this one has fewer. Read it as single images.';
    case 'colour':
      return 'These images are in colour; three planes are made of grey-scale images alone. Read them as single images.';
    case 'noPlane':
      return 'These images do not say where in the patient they lie. Read them as single images.';
    case 'parts':
      return 'These images are no one volume. Choose another series or part.';
    case 'orientation':
      return 'These images are not parallel to each other. Read them as single images.';
    case 'size':
      return 'These images differ in size or pixel size. Choose another series or part.';
    case 'sameplace':
      return 'Several of these images lie in the same place. Choose a part of the series that has each place once.';
    case 'memory':
      return 'This series is too large for three planes in this browser. Read it as single images.';
    case 'spacing':
      return `The distance between these slices varies from ${reason.least.toFixed(1)} to ${reason.most.toFixed(1)} mm: a slice may be missing, and what would be drawn in the gap would be invented. Read them as single images.`;
  }
}

/** Every sentence of the three planes. */
export const mprMessages = {
  title: 'Three planes',
  close: 'Back to the images',
  views: { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal' },
  oblique: 'oblique',
  slab: 'Slab',
  modes: {
    none: 'no slab',
    maximum: 'maximum (MIP)',
    minimum: 'minimum (MinIP)',
    average: 'average',
  },
  thickness: 'Thickness',
  reset: 'Straight',
  resetHint: 'Planes along the patient again, cross in the middle',
  loading: (done: number, all: number) => `${done} of ${all} slices fetched; what is missing is black`,
  failed: (n: number, reason: string) =>
    `${n === 1 ? 'One slice' : `${n} slices`} could not be fetched, and planes through ${n === 1 ? 'it' : 'them'} have holes: ${reason}`,
  cross: 'Drag: move the cross. Drag a round handle: turn the planes. Wheel: through the planes. Right drag: window.',
  computed: 'Computed from the slices; measure and read on the originals.',
  slabText: (mode: string, mm: number) => `${mm} mm ${mode}`,
} as const;
