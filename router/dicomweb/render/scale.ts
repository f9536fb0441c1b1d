/** Interleaved 8-bit samples. */
export interface Picture {
  pixels: Uint8Array;
  width: number;
  height: number;
  samples: 1 | 3;
}

/** Cuts out a region; parts outside the picture are black. */
export function crop(picture: Picture, x: number, y: number, width: number, height: number): Picture {
  const { samples } = picture;
  const out = new Uint8Array(width * height * samples);
  const left = Math.max(0, x);
  const right = Math.min(picture.width, x + width);
  for (let row = Math.max(0, y); row < Math.min(picture.height, y + height); row++) {
    const from = (row * picture.width + left) * samples;
    out.set(
      picture.pixels.subarray(from, from + Math.max(0, right - left) * samples),
      ((row - y) * width + left - x) * samples,
    );
  }
  return { pixels: out, width, height, samples };
}

/** Resamples: area mean when shrinking, linear when growing. */
export function resize(picture: Picture, width: number, height: number): Picture {
  if (width === picture.width && height === picture.height) return picture;
  const across = resample(picture.pixels, picture.height, picture.width, width, picture.samples, false);
  const pixels = resample(across, width, picture.height, height, picture.samples, true);
  return { pixels, width, height, samples: picture.samples };
}

function resample(
  source: Uint8Array,
  lines: number,
  from: number,
  to: number,
  samples: number,
  vertical: boolean,
): Uint8Array {
  const out = new Uint8Array(lines * to * samples);
  const step = vertical ? lines * samples : samples;
  const ratio = from / to;
  for (let i = 0; i < to; i++) {
    const weights = weightsOf(i, ratio, from);
    for (let line = 0; line < lines; line++) {
      const base = vertical ? line * samples : line * from * samples;
      const target = vertical ? i * lines * samples + line * samples : (line * to + i) * samples;
      for (let s = 0; s < samples; s++) {
        let sum = 0;
        for (const [position, weight] of weights) sum += source[base + position * step + s]! * weight;
        out[target + s] = Math.round(sum);
      }
    }
  }
  return out;
}

function weightsOf(i: number, ratio: number, from: number): [number, number][] {
  if (ratio <= 1) {
    const at = Math.min(Math.max((i + 0.5) * ratio - 0.5, 0), from - 1);
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    return [
      [low, 1 - (at - low)],
      [high, at - low],
    ];
  }
  const start = i * ratio;
  const end = Math.min((i + 1) * ratio, from);
  const weights: [number, number][] = [];
  for (let p = Math.floor(start); p < end; p++) {
    weights.push([p, (Math.min(p + 1, end) - Math.max(p, start)) / (end - start)]);
  }
  return weights;
}
