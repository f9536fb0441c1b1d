import { browserCodecs } from '../decode/browser-codecs.ts';
import { decodeEncapsulated } from '../decode/decode.ts';
import { decodeRendition } from '../decode/rendition.ts';
import type { DecodeAnswer, DecodeRequest } from './decode-pool.ts';

addEventListener('message', async (event: MessageEvent<DecodeRequest>) => {
  const { id, bytes, format, renditionSha256 } = event.data;
  try {
    const frame = renditionSha256
      ? await decodeRendition(bytes, renditionSha256, format, browserCodecs)
      : await decodeEncapsulated(bytes, format, browserCodecs);
    const buffer = (frame.kind === 'gray' ? frame.pixels.buffer : frame.rgba.buffer) as ArrayBuffer;
    (self as unknown as Worker).postMessage({ id, frame } satisfies DecodeAnswer, [buffer]);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    (self as unknown as Worker).postMessage({ id, error: text } satisfies DecodeAnswer);
  }
});
