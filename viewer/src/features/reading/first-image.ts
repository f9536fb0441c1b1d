import { loadReady, paint } from './paint/painted-picture.ts';
import { frameAttributesOf } from './study/frame-attributes.ts';
import { pixelAspectOf } from './study/geometry.ts';
import { bootStudy, firstPictureOf, openStudy, studyUIDsOf } from './study/open-study.ts';
import { drawPicture, initialPlacement } from './viewport/view-transform.ts';

/** The same as in reading.css and layout.css: where the first viewport will be. */
const place = { left: 209, top: 89, right: 1, bottom: 1, notice: 33 };

let canvas: HTMLCanvasElement | null = null;

/**
 * Paints the study's first image before React is there, at the place where the first viewport will be.
 * @param notices lines of banner that will stand above it
 */
export async function paintFirstImage(notices: number): Promise<void> {
  const [uid] = studyUIDsOf(new URLSearchParams(location.search));
  if (!uid) return;
  const study = bootStudy(uid) ?? (await openStudy(uid));
  const picture = firstPictureOf(study.model);
  if (!picture) return;
  const item = await loadReady(picture);
  const top = place.top + notices * place.notice;
  const width = innerWidth - place.left - place.right;
  const height = innerHeight - top - place.bottom;
  if (width < 50 || height < 50 || canvas) return;
  const source = document.createElement('canvas');
  source.width = item.frame.columns;
  source.height = item.frame.rows;
  source.getContext('2d')!.putImageData(paint(item), 0, 0);
  canvas = document.createElement('canvas');
  canvas.id = 'first-image';
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  canvas.style.cssText = `position:fixed;left:${place.left}px;top:${top}px;width:${width}px;height:${height}px;z-index:1;pointer-events:none`;
  const { columns, rows } = item.frame;
  const aspect = pixelAspectOf(frameAttributesOf(picture));
  drawPicture(
    canvas.getContext('2d', { alpha: false })!,
    source,
    { columns, rows, aspect, viewWidth: width, viewHeight: height },
    initialPlacement,
    devicePixelRatio,
  );
  canvas.dataset['picture'] = picture.id;
  document.body.append(canvas);
  performance.mark('lifeboat-first-image');
}

/** The viewport has painted: the stand-in goes. */
export function removeFirstImage(): void {
  canvas?.remove();
  canvas ??= document.createElement('canvas');
}
