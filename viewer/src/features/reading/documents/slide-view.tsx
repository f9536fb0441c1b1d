import { useEffect, useMemo, useRef, useState } from 'react';
import { documentMessages } from '../../../shared/messages.documents.en.ts';
import { loadReady, paint } from '../paint/painted-picture.ts';
import type { StudyDocument } from '../study/study-model.ts';
import { type SlideLevel, slideLevelOf } from './slide-layout.ts';

const words = documentMessages.slide;
/** Longest side of the canvas, pixels. */
const longest = 4096;
const atOnce = 6;

/** Draws the tiles as they come. @returns a function that stops it */
function drawTiles(
  level: SlideLevel,
  canvas: HTMLCanvasElement,
  scale: number,
  onTile: (failed: boolean) => void,
): () => void {
  let stopped = false;
  const context = canvas.getContext('2d', { alpha: false })!;
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  const queue = [...level.tiles];
  const worker = async () => {
    for (let tile = queue.shift(); tile && !stopped; tile = queue.shift()) {
      try {
        const item = await loadReady(tile.picture, 'thumbnail');
        if (stopped) return;
        const { columns, rows } = item.frame;
        const source = new OffscreenCanvas(columns, rows);
        source.getContext('2d')!.putImageData(paint(item), 0, 0);
        context.drawImage(source, tile.left * scale, tile.top * scale, columns * scale, rows * scale);
        onTile(false);
      } catch {
        // Said as a number beside the slide: which tile it was tells nobody anything.
        onTile(true);
      }
    }
  };
  for (let i = 0; i < atOnce; i += 1) void worker();
  return () => {
    stopped = true;
  };
}

/** A microscope slide put together from the tiles of one level; the wheel enlarges it. */
export function SlideView(props: { document: StudyDocument }) {
  const level = useMemo(() => slideLevelOf(props.document), [props.document]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [done, setDone] = useState(0);
  const [failed, setFailed] = useState(0);
  const [zoom, setZoom] = useState(1);
  const wide = level.columns > 1.8 * level.rows;
  const scale = Math.min(1, longest / Math.max(level.columns, level.rows));
  useEffect(() => {
    if (level.problem || !canvas.current) return;
    setDone(0);
    setFailed(0);
    return drawTiles(level, canvas.current, scale, (bad) => {
      setDone((before) => before + 1);
      if (bad) setFailed((before) => before + 1);
    });
  }, [level, scale]);
  if (level.problem) return <p className="document-note">{words.problem[level.problem](level.tiles.length)}</p>;
  return (
    <>
      <div className="document-actions">
        <button type="button" className="button" onClick={() => setZoom((before) => Math.min(8, before * 1.5))}>
          {words.larger}
        </button>
        <button type="button" className="button" onClick={() => setZoom((before) => Math.max(1, before / 1.5))}>
          {words.smaller}
        </button>
        <span>{words.size(level.columns, level.rows, scale)}</span>
        {done < level.tiles.length && <span role="status">{words.loading(done, level.tiles.length)}</span>}
        {failed > 0 && <span role="alert">{words.failed(failed)}</span>}
      </div>
      <div className="slide" data-tiles={done}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={words.title}
          width={Math.max(1, Math.round(level.columns * scale))}
          height={Math.max(1, Math.round(level.rows * scale))}
          // The whole slide at first, whichever of its sides is the longer one.
          style={wide ? { width: `${zoom * 100}%` } : { height: `${zoom * 70}vh` }}
        />
      </div>
    </>
  );
}
