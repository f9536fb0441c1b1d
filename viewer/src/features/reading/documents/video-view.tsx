import { useMemo, useState } from 'react';
import { documentMessages } from '../../../shared/messages.documents.en.ts';
import { useBlobAddress } from './blob-address.ts';
import type { StoredObject, WholeObject } from './stored-object.ts';
import { containerOf, videoCoding } from './video-container.ts';

/** The video stream of an object: its fragments one after the other (PS3.5 A.4.5 to A.4.7, 8.2.5 to 8.2.7). */
export function videoBytesOf({ instance }: StoredObject, { bytes }: WholeObject): Uint8Array {
  const layout = instance.pixelData;
  if (layout?.kind !== 'encapsulated') return new Uint8Array(0);
  const ranges: [number, number][] = [];
  for (const frame of layout.frames)
    for (let i = 0; i + 1 < frame.length; i += 2) ranges.push([frame[i]!, frame[i + 1]!]);
  if (ranges.length === 1) return bytes.subarray(ranges[0]![0], ranges[0]![0] + ranges[0]![1]);
  const out = new Uint8Array(ranges.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [offset, length] of ranges) {
    out.set(bytes.subarray(offset, offset + length), at);
    at += length;
  }
  return out;
}

/** A video with the browser's own controls, or plainly why it does not play here. */
export function VideoView(props: { stored: StoredObject; object: WholeObject; name: string }) {
  const { stored, object } = props;
  const [failed, setFailed] = useState(false);
  const video = useMemo(() => videoBytesOf(stored, object), [stored, object]);
  const container = containerOf(video);
  const coding = videoCoding(stored.instance.transferSyntaxUID);
  const isMp4 = container === 'mp4';
  const address = useBlobAddress(video, isMp4 ? 'video/mp4' : 'application/octet-stream');
  const ending = isMp4 ? 'mp4' : container === 'transport-stream' ? 'ts' : coding === 'MPEG-2' ? 'mpg' : 'bin';
  const problem = !isMp4
    ? documentMessages.video.notPlayable(coding, documentMessages.video.container[container] ?? '')
    : failed
      ? documentMessages.video.cannotPlay(coding)
      : '';
  return (
    <>
      <div className="document-actions">
        <a className="button" href={address} download={`${props.name}.${ending}`}>
          {documentMessages.video.save}
        </a>
      </div>
      {problem ? (
        <p className="document-note" role="alert">
          {problem}
        </p>
      ) : (
        address && (
          <video
            className="document-video"
            src={address}
            controls
            autoPlay
            muted
            loop
            onError={() => setFailed(true)}
          />
        )
      )}
    </>
  );
}
