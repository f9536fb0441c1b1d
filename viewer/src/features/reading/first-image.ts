import { loadReady, paint } from './paint/painted-picture.ts';
import { frameAttributesOf } from './study/frame-attributes.ts';
import { pixelAspectOf } from './study/geometry.ts';
import { bootStudy, firstPictureOf, openStudy, studyUIDsOf } from './study/open-study.ts';
import { protocolFor } from './viewport/hanging.ts';
import { gridOf, type LayoutName } from './viewport/layouts.ts';
import { drawPicture, initialPlacement } from './viewport/view-transform.ts';

/** The same as in reading.css, layout.css and base.css: where the panes will be, and how high a line of banner is. */
const place = { left: 208, top: 88, border: 1, gap: 2, bannerPadding: 13, bannerSide: 28, line: 20.3 };
const bannerFont = '14px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif';

/** Height of a banner once its text is broken into lines, in CSS pixels. */
function bannerHeight(text: string, width: number): number {
  const context = document.createElement('canvas').getContext('2d')!;
  context.font = bannerFont;
  let lines = 1;
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > width) {
      lines += 1;
      line = word;
    } else line = longer;
  }
  return place.bannerPadding + lines * place.line;
}

/** The inside of the first pane of a layout. */
function firstPane(banners: readonly string[], layout: LayoutName) {
  const { rows, columns } = gridOf(layout);
  const above = banners.reduce((sum, text) => sum + bannerHeight(text, innerWidth - place.bannerSide), place.top);
  const inside = (all: number, panes: number) => (all - (panes - 1) * place.gap) / panes - 2 * place.border;
  return {
    left: place.left + place.border,
    top: above + place.border,
    width: inside(innerWidth - place.left, columns),
    height: inside(innerHeight - above, rows),
  };
}

let canvas: HTMLCanvasElement | null = null;

/**
 * Paints the study's first image before React is there, at the place where the first viewport will be.
 * @param banners texts that will stand above it
 */
export async function paintFirstImage(banners: readonly string[]): Promise<void> {
  const uids = studyUIDsOf(new URLSearchParams(location.search));
  const [uid] = uids;
  if (!uid) return;
  const study = bootStudy(uid) ?? (await openStudy(uid));
  const picture = firstPictureOf(study.model);
  if (!picture) return;
  const item = await loadReady(picture);
  const { left, top, width, height } = firstPane(banners, protocolFor(study.model, uids.length).layout);
  if (width < 50 || height < 50 || canvas) return;
  const source = document.createElement('canvas');
  source.width = item.frame.columns;
  source.height = item.frame.rows;
  source.getContext('2d')!.putImageData(paint(item), 0, 0);
  canvas = document.createElement('canvas');
  canvas.id = 'first-image';
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  canvas.style.cssText = `position:fixed;left:${left}px;top:${top}px;width:${width}px;height:${height}px;z-index:1;pointer-events:none`;
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
