import { itemsOf, numberOf } from '../study/dicom-json.ts';
import type { Picture, StudyDocument } from '../study/study-model.ts';

/** Where a tile lies in the whole slide, in its pixels. */
export interface Tile {
  picture: Picture;
  left: number;
  top: number;
}

/** A slide at one level (PS3.3 C.8.12.4): its size and its tiles. */
export interface SlideLevel {
  columns: number;
  rows: number;
  tileColumns: number;
  tileRows: number;
  tiles: Tile[];
  /** Why it is not put together here; '' when it can be. */
  problem: '' | 'many' | 'unplaced';
}

/** More tiles than this take minutes and fill a ward PC: a smaller level shows the whole. */
export const mostTiles = 1500;

/** The frames of an object as pictures. */
function picturesOf({ instance, attributes, studyInstanceUID }: StudyDocument): Picture[] {
  const layout = instance.pixelData;
  const frames = layout === undefined ? 0 : layout.kind === 'encapsulated' ? layout.frames.length : layout.frames;
  return Array.from({ length: frames }, (_, frame) => ({
    id: `${instance.key}#${frame + 1}`,
    studyInstanceUID,
    instance,
    attributes,
    frame,
    frames,
  }));
}

/**
 * Lays the tiles of a slide out: by Column and Row Position in Total Image Pixel Matrix (counted from 1), else, where all are
 * there, row after row. Of several focal planes or optical paths the first.
 */
export function slideLevelOf(document: StudyDocument): SlideLevel {
  const { attributes } = document;
  const tileColumns = numberOf(attributes, '00280011') ?? 0;
  const tileRows = numberOf(attributes, '00280010') ?? 0;
  const columns = numberOf(attributes, '00480006') ?? tileColumns;
  const rows = numberOf(attributes, '00480007') ?? tileRows;
  const pictures = picturesOf(document);
  const level: SlideLevel = { columns, rows, tileColumns, tileRows, tiles: [], problem: '' };
  const across = Math.ceil(columns / tileColumns);
  const down = Math.ceil(rows / tileRows);
  const groups = itemsOf(attributes, '52009230');
  const taken = new Set<string>();
  for (const picture of pictures) {
    const position = groups[picture.frame] && itemsOf(groups[picture.frame]!, '0048021A')[0];
    const left = position ? numberOf(position, '0048021E') : undefined;
    const top = position ? numberOf(position, '0048021F') : undefined;
    const placed = left !== undefined && top !== undefined;
    if (!placed && picture.frame >= across * down) break;
    const tile: Tile = placed
      ? { picture, left: left - 1, top: top - 1 }
      : {
          picture,
          left: (picture.frame % across) * tileColumns,
          top: Math.floor(picture.frame / across) * tileRows,
        };
    const key = `${tile.left} ${tile.top}`;
    if (!taken.has(key)) level.tiles.push(tile);
    taken.add(key);
  }
  const anyPlaced = groups.some((group) => itemsOf(group, '0048021A').length > 0);
  if (level.tiles.length > mostTiles) level.problem = 'many';
  else if (!anyPlaced && pictures.length < across * down) level.problem = 'unplaced';
  return level;
}
