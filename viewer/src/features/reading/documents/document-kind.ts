import { isVideo } from '../study/kinds.ts';

/** What a reader opens beside the pictures: each has a view of its own. */
export type DocumentKind = 'report' | 'pdf' | 'waveform' | 'video' | 'slide';

/** The view that an object opens in, by its SOP class (PS3.4 B.5) and transfer syntax; undefined when there is none. */
export function documentKindOf(sopClassUID: string, transferSyntaxUID: string): DocumentKind | undefined {
  if (isVideo(transferSyntaxUID)) return 'video';
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./.test(sopClassUID)) return 'report';
  if (sopClassUID === '1.2.840.10008.5.1.4.1.1.104.1') return 'pdf';
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.9\.\d/.test(sopClassUID)) return 'waveform';
  if (sopClassUID === '1.2.840.10008.5.1.4.1.1.77.1.6') return 'slide';
  return undefined;
}
