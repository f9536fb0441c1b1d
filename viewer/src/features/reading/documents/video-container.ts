/** In what a video's bytes are wrapped; only MP4 plays in browsers. */
export type VideoContainer = 'mp4' | 'transport-stream' | 'elementary-stream' | 'unknown';

/** Tells the container from its first bytes: ISO 14496-12 `ftyp`, ISO 13818-1 packets of 188 bytes, start codes. */
export function containerOf(bytes: Uint8Array): VideoContainer {
  const text = String.fromCharCode(...bytes.subarray(4, 8));
  if (text === 'ftyp' || text === 'moov' || text === 'styp') return 'mp4';
  if (bytes[0] === 0x47 && bytes[188] === 0x47) return 'transport-stream';
  if (bytes[0] === 0 && bytes[1] === 0 && (bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1)))
    return 'elementary-stream';
  return 'unknown';
}

/** Name of the coding by transfer syntax (PS3.5 A.4.5 to A.4.7). */
export function videoCoding(transferSyntaxUID: string): string {
  const number = Number(/\.4\.10(\d)/.exec(transferSyntaxUID)?.[1] ?? -1);
  if (number === 0 || number === 1) return 'MPEG-2';
  return number >= 7 ? 'HEVC (H.265)' : 'MPEG-4 AVC (H.264)';
}
