import { type Cut, Volume, type VolumeValues } from './reslice.ts';
import type { VolumeGeometry } from './volume-geometry.ts';

export type MprRequest =
  | { kind: 'open'; geometry: VolumeGeometry; values: 'Int16' | 'Uint16' | 'Float32' }
  | { kind: 'slice'; k: number; pixels: VolumeValues }
  | { kind: 'cut'; id: number; cut: Cut; empty: number };
export interface MprAnswer {
  id: number;
  values: VolumeValues;
}

let volume: Volume | null = null;

addEventListener('message', ({ data }: MessageEvent<MprRequest>) => {
  if (data.kind === 'open') volume = new Volume(data.geometry, data.values);
  else if (data.kind === 'slice') volume?.setSlice(data.k, data.pixels);
  else if (volume) {
    const values = volume.cut(data.cut, data.empty);
    (self as unknown as Worker).postMessage({ id: data.id, values } satisfies MprAnswer, [values.buffer]);
  }
});
