import type { PacsStatus, Status } from '../../../contract/api.ts';
import { formatBytes, formatCount, formatInstant } from './format.ts';

function passedOn({ forwards, queued }: PacsStatus): string {
  if (!forwards) return 'They are kept here; sending them to the PACS later is still the scanner’s task.';
  const waiting = queued > 0 ? ` (${formatCount(queued)} wait)` : '';
  return `They are passed on to the PACS by themselves when it is back${waiting}; do not send them again.`;
}

/** Every sentence of the shell and the reading page. One file a language; plain words, no jargon, what to do next. */
export const messages = {
  product: 'Lifeboat',
  loading: 'Loading',
  pages: {
    worklist: 'Patients',
    upload: 'Upload',
    arrivals: 'Arrivals',
    integrity: 'Integrity',
    it: 'IT',
    pendingSenders: (n: number) =>
      `${formatCount(n)} unknown ${n === 1 ? 'sender waits' : 'senders wait'} to be allowed`,
    signOut: 'Sign out',
    missing: 'There is no such page.',
    toWorklist: 'Go to the patient list',
    failed: (reason: string) => `This page stopped: ${reason}`,
    reload: 'Reload the page',
  },
  banner: {
    pacsDown: (pacs: PacsStatus) =>
      `The main PACS (${pacs.name}) has not answered since ${formatInstant(pacs.since)}. Read here: images already on board and new ones from the scanners are shown. ${passedOn(pacs)}`,
    pacsDegraded: (pacs: PacsStatus) =>
      `The main PACS (${pacs.name}) answers slowly or not always since ${formatInstant(pacs.since)}. Nothing is lost; images are also here.`,
    storeAway: (status: Status) =>
      `The image store does not answer${status.store.since ? ` since ${formatInstant(status.store.since)}` : ''}. New images are still received and kept safe (${formatCount(status.spool.entries)} waiting); older ones cannot be opened until it is back.`,
    storeLost: (lost: { studies: number }) =>
      `The image store lacks ${lost.studies === 1 ? 'a study' : `${formatCount(lost.studies)} studies`} that it had. Do not delete images on the scanners; tell IT now.`,
    catalogueAway:
      'Patients cannot be searched right now: the catalogue does not answer. Images are still received and kept; links to a study still open it.',
    catalogueFilling: (share: number) =>
      `The list of patients is being made anew, ${Math.floor(share * 100)} % done. Who is missing in it is not missing in the store.`,
    spoolWaiting: (status: Status) =>
      `${formatCount(status.spool.entries)} received images (${formatBytes(status.spool.bytes)}) wait to be put into the store, the oldest since ${formatInstant(status.spool.oldest)}. They are safe.`,
    spoolAlmostFull: (status: Status) =>
      `The disk for received images is almost full: ${formatBytes(status.spool.freeBytes)} left. Tell IT now.`,
    unreachable: 'Lifeboat itself does not answer. What is on the screen stays readable; the page keeps trying.',
    demo: 'Demonstration: every patient and image here is a SAMPLE.',
  },
  reading: {
    title: 'Reading',
    noStudy: 'No study was named. Open one from the patient list.',
    unknownStudy: 'This study is not on board. It may never have been sent here; ask the department that scanned it.',
    noList: (seconds: number) => `Lifeboat has not sent the list of images for ${seconds} s; the page keeps trying.`,
    notOpened: (uid: string) => `Study ${uid} could not be opened.`,
    opening: (n: number, seconds: number) => `Opening ${n === 1 ? 'the study' : `${n} studies`}… ${seconds} s so far`,
    notUpdated: 'The list of images could not be brought up to date, so images may be missing here.',
    twoPatients: (names: string[]) =>
      `Different patients are open here: ${names.join(' and ')}. Mind whose image is whose.`,
    series: 'Series',
    priors: 'Other studies of this patient',
    noPriors: 'None on board',
    priorsFailed: (reason: string) => `Could not be looked up: ${reason}`,
    noPictures: 'Nothing in this study can be shown as a picture.',
    onlyDocuments: 'This study has no pictures. Open one of its documents at the left.',
    listing: (n: number) => `${formatCount(n)} images known so far; the full list is on its way`,
    receiving: (n: number) => `receiving… ${formatCount(n)} so far`,
    count: (n: number) => (n === 1 ? '1 image' : `${formatCount(n)} images`),
    /** Of what the store has of a study, how much can be seen as pictures. */
    shownOf: (shown: number, inStore: number) => {
      const all = inStore === 1 ? 'The only object in the store' : `All ${formatCount(inStore)} objects in the store`;
      return shown === inStore
        ? `${all} can be shown`
        : `${formatCount(shown)} of ${formatCount(inStore)} objects in the store can be shown.`;
    },
    listThem: (n: number) => `List the ${n === 1 ? 'other' : `${formatCount(n)} others`}`,
    showMore: (n: string) => `Show ${n} more`,
    imageOf: (n: number, series: string) => `Image ${formatCount(n)} of ${series.trim()}`,
    documents: 'Documents',
    onImages: 'On the images',
    overlay: {
      kind: { segmentation: 'Segmentation', structures: 'Structures', presentation: 'Presentation state' },
      fetching: 'Fetching…',
      failed: (reason: string) => `Cannot be laid over the images: ${reason}.`,
      missing: (what: string[]) => `Not applied: ${what.join(', ')}.`,
      goTo: 'Go to its image',
    },
    close: 'Close',
    /** Why an object is neither shown nor opens. */
    why: {
      noPixelData: 'the image came without its pixels',
      noSize: 'the image does not say how many rows and columns it has',
      tooShort: 'its pixel data is shorter than one image',
      noView: 'no picture, and nothing here opens it',
    },
    failedKind: 'Image that could not be shown',
    earlierKind: 'Earlier version of an image',
    earlierOf: (received: string) => `received ${received}; a newer one is shown`,
    stillArriving: (count: string) => `Still arriving: ${count} so far`,
    ofAnnounced: (have: number, announced: number) => `${formatCount(have)} of ${formatCount(announced)}`,
    notAllHere: (count: string) => `Only ${count} images that the scanner announced are here`,
    gaps: (numbers: string) => `Image numbers missing in this series: ${numbers}`,
    otherPatient: (filedUnder: string) => `This image names another patient than the study (${filedUnder})`,
    perhapsLossy: 'Perhaps lossy compressed: the image does not say',
    cineRate: (rate: string, told: boolean) => `${rate} frames/s${told ? '' : ' (assumed: the object does not say)'}`,
    paneName: (place: number, places: number, what: string) =>
      `Pane ${place} of ${places}${what ? `: ${what}` : ', empty'}`,
    emptyPane: 'No image',
    fillPane: 'Drag a series here, or click here and then a series',
    cannotShow: (kind: string) => `${kind}: cannot be shown as a picture here.`,
    download: 'Download',
    downloadOriginal: 'Download the original file',
    conflict: (n: number) => `${n} versions of this image were received; the newest is shown`,
    lossyThen: ', then ',
    lossy: (detail: string) => `Lossy compressed${detail ? ` ${detail}` : ''}`,
    sample: 'SAMPLE',
    frameLoading: (n: number, all: number) => `Fetching image ${formatCount(n)} of ${formatCount(all)}`,
    frames: (n: number) => `${formatCount(n)} frames`,
    othersTitle: (n: string) => `In the store, not shown: ${n}`,
    helpTitle: 'Mouse and keys',
    helpMouseTitle: 'Mouse',
    helpKeysTitle: 'Keys (for the active pane)',
    helpMouse: [
      ['Wheel', 'next or previous image'],
      ['Left drag', 'the chosen tool'],
      ['Right drag', 'window: sideways width, up and down centre'],
      ['Middle or Shift drag', 'pan'],
      ['Ctrl drag or wheel', 'zoom'],
      ['Magnify', 'hold the left button: a lens follows the mouse'],
      ['Length', 'drag from end to end'],
      ['Angle', 'drag one side to the corner, then press and drag for the other side'],
      ['Drag a measuring point', 'moves it'],
      ['Click a pane', 'makes it the active one'],
      ['Double click a pane', 'shows it alone, and all of them again'],
      ['Two diameters, Cobb', 'drag one line, then the other'],
      ['Ellipse, rectangle', 'drag from corner to corner of its box'],
      ['Click a series', 'shows it in the active pane'],
      ['Drag a series', 'into the pane where you want it'],
      ['Click another study', 'opens it beside this one'],
    ],
    /** What keys do. */
    keys: {
      image: 'next or previous image',
      ten: 'ten images on or back',
      ends: 'first or last image',
      series: 'next or previous series of the study',
      tools: 'scroll, window, pan, zoom, magnify, length, angle',
      turns: 'invert, rotate, mirror',
      zoom: 'larger, smaller',
      play: 'play, stop',
      reset: 'image as sent: window, zoom, place, turns',
      cancel: 'drop the measurement begun',
      erase: 'erase measurements of this image',
      text: 'text on the image on, off',
      overlays: 'overlays that belong to the image on, off',
      planes: 'three planes (MPR) of the active series',
      help: 'this help',
    },
    lens: (factor: number) => `Lens ${factor} times`,
    soFar: (seconds: number) => `(${seconds} s so far)`,
    frameFailed: (n: number, all: number, reason: string) =>
      `Image ${formatCount(n)} of ${formatCount(all)} could not be shown: ${reason}`,
    overlayFailed: (reason: string) => `The overlay of this image could not be drawn: ${reason}`,
    overlaysHidden: 'Overlay or shutter of the image hidden (O shows it)',
    retry: 'Try again',
    fetched: (done: number, all: number) => `${formatCount(done)} of ${formatCount(all)} fetched`,
    /** What millimetres mean that are not simply those of the plane in the patient. */
    planes: {
      patient: '',
      geometry: '(corrected for an assumed depth)',
      fiducial: '(calibrated by an object of known size)',
      corrected: '(corrected, method not named)',
      unknown: '(not known whether at detector or in the patient)',
      detector: 'at detector',
      film: 'on the film',
    },
    noScale: 'this image has no scale',
    outsideRegion: 'no one scale holds here',
    otherAxes: (horizontal: string, vertical: string) =>
      `no lengths here: across are ${horizontal}, down are ${vertical}`,
    /** What sets one part of a series apart. */
    part: {
      plane: (value: string) => (value ? 'with a place in the patient' : 'without a place in the patient'),
      scout: (value: string) => (value ? 'scout' : ''),
      frameOfReference: (value: string) =>
        value === 'various' ? 'each its own frame of reference' : 'own frame of reference',
      size: (value: string) => (value === 'various' ? 'various sizes' : `${value} pixels`),
      orientation: (value: string) =>
        value === 'various' ? 'each turned differently' : value.replace(/( -?[\d.]+)+$/, ''),
      spacing: (value: string) => (value === 'various' ? 'various pixel sizes' : value && `pixels of ${value} mm`),
      thickness: (value: string) => (value === 'various' ? 'various thicknesses' : value && `${value} mm thick`),
      echo: (value: string) => {
        const [number, time] = value.split('/');
        if (value === 'various') return 'various echo times';
        return [number && `echo ${number}`, time && `TE ${time} ms`].filter(Boolean).join(', ');
      },
      bValue: (value: string) => (value === 'various' ? 'various b-values' : value ? `b ${value}` : 'no b-value'),
      frameType: (value: string) => (value === 'various' ? 'various frame types' : value.toLowerCase()),
      biplane: (value: string) => (value ? `plane ${value} of two` : 'single plane'),
      phase: (value: string) => {
        const [n, of, detail] = value.split('/');
        return value === 'various' ? 'each place several times' : `phase ${n} of ${of}${detail ? ` (${detail})` : ''}`;
      },
      loop: (value: string) => `slice ${value.replace('/', ' of ')} through the heartbeat`,
      repetition: (value: string) => `repetition ${value.replace('/', ' of ')}`,
    },
    /** The same differences by name. */
    differences: {
      plane: 'having a place in the patient',
      scout: 'scout or not',
      frameOfReference: 'frame of reference',
      size: 'rows and columns',
      orientation: 'orientation',
      spacing: 'pixel size',
      thickness: 'slice thickness',
      echo: 'echo',
      bValue: 'b-value',
      frameType: 'frame type',
      biplane: 'plane of a biplane system',
      phase: 'phase',
      loop: 'slice and phase',
      repetition: 'repetition',
    },
    noVolume: 'These images are no volume',
    whySplit: (names: string[]) => `Part of a series whose images differ in ${names.join(', ')}: never one volume`,
    notes: 'Note',
  },
  tools: {
    window: 'Window',
    pan: 'Pan',
    zoom: 'Zoom',
    scroll: 'Scroll',
    length: 'Length',
    angle: 'Angle',
    magnify: 'Magnify',
    invert: 'Invert',
    rotate: 'Rotate',
    flip: 'Flip',
    reset: 'Reset',
    cine: 'Cine',
    mpr: 'MPR',
    mprHint: 'Axial, coronal and sagittal planes of the active series',
    layout: 'Layout',
    presets: 'Presets',
    overlays: 'Text',
    help: 'Help',
    clear: 'Erase',
  },
} as const;
