import { useEffect, useRef } from 'react';
import { loadReady, paint } from '../paint/painted-picture.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { pixelAspectOf } from '../study/geometry.ts';
import type { Stack } from '../study/study-model.ts';

const size = 76;

/** The middle picture of a stack, small. */
export function Thumbnail(props: { stack: Stack }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const { pictures } = props.stack;
  const picture = pictures[props.stack.multiFrame ? 0 : Math.floor((pictures.length - 1) / 2)]!;
  useEffect(() => {
    let gone = false;
    loadReady(picture, 'thumbnail').then(
      (item) => {
        const canvas = ref.current;
        if (gone || !canvas) return;
        const source = new OffscreenCanvas(item.frame.columns, item.frame.rows);
        source.getContext('2d')!.putImageData(paint(item), 0, 0);
        const width = item.frame.columns * pixelAspectOf(frameAttributesOf(picture));
        const scale = size / Math.max(width, item.frame.rows);
        const context = canvas.getContext('2d', { alpha: false })!;
        context.imageSmoothingQuality = 'high';
        context.fillRect(0, 0, size, size);
        const w = width * scale;
        const h = item.frame.rows * scale;
        context.drawImage(source, (size - w) / 2, (size - h) / 2, w, h);
      },
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [picture]);
  return <canvas ref={ref} width={size} height={size} className="thumbnail" />;
}
