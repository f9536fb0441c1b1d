import { parentPort } from 'node:worker_threads';
import { LifeboatError } from '../../contract/errors.ts';
import { type ImageJob, type ImageReply, type ImageResult, movable } from './image-job.ts';
import { TransferSyntax } from './media-types.ts';
import { codecsReady, decodeFrame, encodeFrame } from './render/decode.ts';
import { render } from './render/render.ts';
import { rewriteFile } from './rewrite.ts';

function perform(job: ImageJob): ImageResult {
  switch (job.kind) {
    case 'render':
      return { bytes: render(job.frame, job.image, job.tables, job.options) };
    case 'rewrite':
      return { bytes: rewriteFile(job.file, job.target) };
    case 'transcode': {
      const decoded = decodeFrame(job.frame, job.image);
      return job.target === TransferSyntax.ExplicitVRLittleEndian ? decoded : encodeFrame(decoded, job.target);
    }
  }
}

async function answer(job: ImageJob): Promise<ImageReply> {
  try {
    await codecsReady();
    const { bytes, image } = perform(job);
    // The codecs' heap is shared and grows; what leaves has memory of its own.
    const own = movable(bytes).length > 0 && job.kind === 'rewrite' ? bytes : new Uint8Array(bytes);
    return { ok: true, result: { bytes: own, ...(image ? { image } : {}) } };
  } catch (error) {
    if (error instanceof LifeboatError) return { ok: false, code: error.code, message: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      code: 'CANNOT_RENDER',
      message: `The pixel data could not be decoded: ${reason}`.slice(0, 300),
    };
  }
}

parentPort?.on('message', (job: ImageJob) => {
  void answer(job).then((reply) => parentPort?.postMessage(reply, reply.ok ? movable(reply.result.bytes) : []));
});
