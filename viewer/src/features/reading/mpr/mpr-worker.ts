import { type Cut, Volume, type VolumeValues } from './reslice.ts';
import type { VolumeGeometry } from './volume-geometry.ts';

export type MprRequest =
  | { kind: 'open'; geometry: VolumeGeometry; values: 'Int16' | 'Uint16' | 'Float32' }
  | { kind: 'slice'; k: number; pixels: VolumeValues }
  | { kind: 'cut'; id: number; cut: Cut; empty: number }
  /** Asks for the least and the greatest value there is. */
  | { kind: 'range'; id: number }
  | { kind: 'layer'; id: number; layer: number; factor: readonly [number, number, number] };
export interface MprAnswer {
  id: number;
  values: VolumeValues;
}

let volume: Volume | null = null;

addEventListener('message', ({ data }: MessageEvent<MprRequest>) => {
  if (data.kind === 'open') volume = new Volume(data.geometry, data.values);
  else if (data.kind === 'slice') volume?.setSlice(data.k, data.pixels);
  else if (volume) {
    const values = answer(volume, data);
    (self as unknown as Worker).postMessage({ id: data.id, values } satisfies MprAnswer, [values.buffer]);
  }
});

function answer(from: Volume, asked: Extract<MprRequest, { id: number }>): VolumeValues {
  switch (asked.kind) {
    case 'cut':
      return from.cut(asked.cut, asked.empty);
    case 'range':
      return Float32Array.of(from.least, from.greatest);
    case 'layer':
      return from.coarseLayer(asked.layer, asked.factor);
  }
}
