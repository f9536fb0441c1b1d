/** Sentences of laying out, comparing and working on images. */
export const deskMessages = {
  compare: 'Compare',
  links: {
    scroll: 'Scroll together',
    zoom: 'Zoom and pan together',
    window: 'Window together',
  },
  lines: 'Reference lines',
  referenceLine: 'Where the image of the active pane cuts this one',
  hang: 'Lay out as',
  hangNow: (name: string) => name,
  editProtocols: 'Change these layouts…',
  more: 'More',
  fullScreen: 'Full screen',
  enlarge: 'This pane alone',
  linked: (what: string) => `Linked: ${what}`,
  keys: {
    link: 'link all panes (scroll, zoom, window)',
    lines: 'reference lines on, off',
    enlarge: 'this pane alone, and back',
    fullScreen: 'full screen',
    undo: 'undo, redo measurements',
  },
  protocolsTitle: 'Layouts by kind of study',
  protocolsHelp:
    'The first entry that fits the study is used when it opens. Kept for this browser. Fields: name, modality, bodyPart, prior, layout (rows x columns), panes (study, series, like), links.',
  protocolsSave: 'Use these',
  protocolsReset: 'Back to the standard',
  protocolsSaved: 'In use from the next study on; choose one under “Compare” for this one.',
} as const;
