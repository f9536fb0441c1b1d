import { formatCount } from './format.ts';

/** Every sentence of the documents that open beside the pictures. */
export const documentMessages = {
  opening: 'Fetching the document…',
  failed: (reason: string) => `It could not be opened: ${reason}. Download the original file, or try again.`,
  retry: 'Try again',
  downloadOriginal: 'Download the original file',
  report: {
    unverified: 'Nobody has signed this report: it is not verified.',
    partial: 'This report is not complete.',
    preliminary: 'This is a preliminary report.',
    empty: 'The report has no content.',
    image: (n: number, frame: string) => `Image ${formatCount(n)}${frame && `, frame ${frame}`}`,
    showImage: 'Show this image',
    notHere: (n: number) => `${n === 1 ? 'An object' : `${formatCount(n)} objects`} not in this study's pictures here`,
  },
  pdf: {
    title: 'PDF document',
    noPdf: 'The object holds no PDF. Download the original file and tell IT.',
    open: 'Open in a tab of its own',
    save: 'Download the PDF',
    noViewer: 'This browser shows no PDF inside a page. Open it in a tab of its own, or download it.',
  },
  video: {
    save: 'Download the video',
    cannotPlay: (coding: string) =>
      `This browser cannot play ${coding} video. Download the video and play it with a player of this machine, or ask IT for a browser with that codec.`,
    container: {
      'transport-stream': 'MPEG transport stream, which browsers do not play',
      'elementary-stream': 'bare video stream, which browsers do not play',
      unknown: 'container that is not known here',
    } as Record<string, string>,
    notPlayable: (coding: string, container: string) =>
      `This is ${coding} video in a ${container}. Download the video and play it with a player of this machine.`,
  },
  slide: {
    title: 'The whole slide',
    larger: 'Larger',
    smaller: 'Smaller',
    size: (columns: number, rows: number, scale: number) =>
      `${formatCount(columns)} × ${formatCount(rows)} pixels${scale < 1 ? `, shown at ${(scale * 100).toPrecision(2)} %` : ''}`,
    loading: (done: number, all: number) => `${formatCount(done)} of ${formatCount(all)} tiles`,
    failed: (n: number) => `${n === 1 ? 'One tile' : `${formatCount(n)} tiles`} could not be shown`,
    problem: {
      many: (n: number) =>
        `This level of the slide has ${formatCount(n)} tiles, too many to put together here. Open a smaller level, or download the original file.`,
      unplaced: () =>
        'The tiles of this slide do not say where they belong. Download the original file and open it in a slide viewer.',
    },
  },
  waveform: {
    scale: (speed: number, gain: number) =>
      `${speed} mm/s, ${gain} mm/mV: a small square is ${Number((1000 / speed).toFixed(0))} ms by ${Number((1 / gain).toFixed(2))} mV`,
    perUnit: (unit: string, mm: string) => `${mm} mm for 1 ${unit || 'unit'}`,
    speed: 'Paper speed',
    gain: 'Gain',
    layout: 'Layout',
    rows: 'one lead a row',
    columns: '4 columns of 3 leads',
    unfiltered: 'Drawn as recorded, without a filter.',
    none: 'The object holds no recording.',
    group: (label: string, channels: number, hertz: number, seconds: string) =>
      `${label || 'Recording'}: ${channels} channels, ${hertz} Hz, ${seconds} s`,
    problem: (label: string, reason: string) => `${label || 'A recording'} is not drawn: ${reason}.`,
    said: 'What the device wrote',
  },
} as const;
