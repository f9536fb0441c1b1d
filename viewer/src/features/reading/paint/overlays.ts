import { bulkValueOf, type ReadBulk } from '../decode/bulk-value.ts';
import type { DecodedFrame } from '../decode/decode-types.ts';
import { type OverlayHeader, type OverlayPlane, overlayHeadersOf, planeOf } from '../decode/overlay-plane.ts';
import type { Picture } from '../study/study-model.ts';

const bigEndian = '1.2.840.10008.1.2.2';

/** Overlay planes that lie in the pixel cells of a decoded frame. */
export function embeddedOverlaysOf(picture: Picture, frame: DecodedFrame): OverlayPlane[] {
  if (!frame.embedded) return [];
  return overlayHeadersOf(picture.attributes).flatMap((header) => {
    const bits = header.embeddedBit === undefined ? undefined : frame.embedded?.[header.embeddedBit];
    return (bits && planeOf(header, picture.frame, bits)) || [];
  });
}

/** Overlay planes of an image that have Overlay Data of their own. */
export function ownOverlaysOf(picture: Picture): OverlayHeader[] {
  return overlayHeadersOf(picture.attributes).filter(({ embeddedBit }) => embeddedBit === undefined);
}

/** Reads Overlay Data and takes out the planes of the picture's frame. */
export async function readOverlays(picture: Picture, read: ReadBulk): Promise<OverlayPlane[]> {
  const swapped = picture.instance.transferSyntaxUID === bigEndian;
  const planes = await Promise.all(
    ownOverlaysOf(picture).map(async (header) => {
      const bits = await bulkValueOf(picture.attributes, `${header.group}3000`, swapped, read);
      return bits ? planeOf(header, picture.frame, bits) : null;
    }),
  );
  return planes.filter((plane) => plane !== null);
}
