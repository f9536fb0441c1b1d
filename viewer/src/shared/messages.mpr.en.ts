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
  hand: 'Drag a round handle: turn the planes. Wheel: through the planes. Right drag: window.',
  computed: 'Computed from the slices; read on the originals.',
  slabText: (mode: string, mm: number) => `${mm} mm ${mode}`,
} as const;

/** Every sentence of measuring in the three planes. */
export const planeMeasureMessages = {
  tools: 'Left mouse button',
  names: { cross: 'Cross', length: 'Length', angle: 'Angle', probe: 'Value' },
  hints: {
    cross: 'Drag: move the cross.',
    length: 'Drag from end to end.',
    angle: 'Drag one arm to the vertex, then press where the other arm ends.',
    probe: 'Click: the value there.',
  },
  list: 'Measurements in the planes',
  notKept: 'Measured in computed planes, in mm from the places of the slices; not kept when you go back:',
  none: 'Nothing measured in the planes yet. Measurements here are not kept when you go back; those on the images are.',
  show: 'Go to this plane',
  erase: (what: string) => `Erase ${what}`,
  eraseAll: 'Erase all',
  outside: 'outside the volume',
} as const;

/** Every sentence of the volume view. */
export const volumeMessages = {
  button: '3D',
  buttonHint: 'The whole volume beside the planes, seen from any side',
  title: '3D',
  presets: {
    bone: 'CT bone',
    softTissue: 'CT soft tissue',
    lung: 'CT lung',
    mip: 'MIP (greatest value)',
    mr: 'By window',
  },
  mrPreset: 'MR (by window)',
  preset: 'Shown',
  threshold: { bone: 'nothing below 150 HU', softTissue: 'nothing below -20 HU', lung: '-950 to -380 HU only' },
  sides: { front: 'A', back: 'P', left: 'L', right: 'R', head: 'H', feet: 'F' },
  sideHints: {
    front: 'From the front',
    back: 'From behind',
    left: 'From the left side',
    right: 'From the right side',
    head: 'From above',
    feet: 'From below',
  },
  larger: 'Larger',
  smaller: 'Smaller',
  hand: 'Drag or arrow keys: turn. Wheel, + and -: zoom. 0: as at first.',
  computed: 'Computed, for orientation: do not measure or decide on it alone.',
  holes: (n: number) => `${n === 1 ? 'One slice is' : `${n} slices are`} missing in it.`,
  waiting: (done: number, all: number) => `The volume is drawn when all its slices have come: ${done} of ${all}.`,
  filling: (done: number, all: number) => `All slices are here; the volume is being made: ${done} of ${all} layers.`,
  coarser: (factor: readonly [number, number, number]) =>
    `Coarser than the images: each value is the mean of ${factor.join(' × ')}, because the graphics memory does not take more. Small things may be missing.`,
  none: {
    webgl:
      'This browser or computer has no 3D graphics (WebGL2). The three planes and the images do not need it: read on them.',
    memory: 'The graphics card has no room for this volume. Read on the planes and the images.',
    lost: 'The graphics card was taken away, by the system or by another program. Close 3D and open it again, or read on the planes.',
    failed: (reason: string) => `3D could not be started (${reason}). Read on the planes and the images.`,
  },
} as const;
