import type { Request } from 'express';
import { LifeboatError } from '../../contract/errors.ts';
import type { RenderOptions, Window } from './render/render-types.ts';
import { queryOf, single } from './request.ts';

/** Widest and highest picture that is made. */
const MAX_SIDE = 8_192;
const DEFAULT_QUALITY = 90;
const SHAPES: Record<string, Window['shape']> = {
  linear: 'LINEAR',
  'linear-exact': 'LINEAR_EXACT',
  sigmoid: 'SIGMOID',
};

function bad(name: string, what: string): never {
  throw new LifeboatError('BAD_REQUEST', `The parameter ${name} is not ${what}.`);
}

function windowOf(text: string): Window {
  const [center = '', width = '', name = 'linear'] = text.split(',').map((part) => part.trim());
  const shape = SHAPES[name.toLowerCase()];
  const c = Number(center);
  const w = Number(width);
  if (
    center === '' ||
    width === '' ||
    !Number.isFinite(c) ||
    !Number.isFinite(w) ||
    !shape ||
    w < (shape === 'LINEAR' ? 1 : 1e-9)
  ) {
    bad('window', 'center,width[,function] with function linear, linear-exact or sigmoid and a width of 1 or more');
  }
  return { center: c, width: w, shape };
}

type Area = Pick<RenderOptions, 'viewport' | 'region'>;

function viewportOf(text: string): Area {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [width = 0, height = 0, x = Number.NaN, y = Number.NaN, regionWidth = Number.NaN, regionHeight = Number.NaN] =
    numbers;
  const side = (value: number) => Number.isInteger(value) && value >= 1 && value <= MAX_SIDE;
  if (!side(width) || !side(height) || numbers.length > 6) {
    bad('viewport', `width,height[,x,y,width,height] with a width and height of 1 to ${MAX_SIDE}`);
  }
  const viewport = { width, height };
  if (numbers.length === 2) return { viewport };
  const region = { x: x || 0, y: y || 0, width: Math.abs(regionWidth), height: Math.abs(regionHeight) };
  const fits =
    [region.x, region.y, region.width, region.height].every(Number.isInteger) &&
    side(region.width) &&
    side(region.height);
  if (numbers.length !== 6 || !fits || regionWidth < 0 || regionHeight < 0) {
    bad('viewport', 'a region of whole pixels inside the image; mirrored regions are not supported');
  }
  return { viewport, region };
}

/** Query parameters of rendered resources (PS3.18 8.3.5). NOT_ACCEPTABLE for what cannot be drawn. */
export function renderOptions(
  req: Request,
  fallback: RenderOptions['viewport'],
): Omit<RenderOptions, 'format' | 'pixelAspect'> {
  const query = queryOf(req);
  for (const name of ['annotation', 'iccprofile']) {
    const value = query.get(name);
    if (value !== null && value !== '' && value !== 'no') {
      throw new LifeboatError('NOT_ACCEPTABLE', `The parameter ${name} is not supported.`);
    }
  }
  const quality = single(req, 'quality');
  if (quality !== undefined && !/^([1-9]\d?|100)$/.test(quality)) bad('quality', 'a whole number of 1 to 100');
  const window = single(req, 'window');
  const viewport = single(req, 'viewport');
  return {
    quality: quality === undefined ? DEFAULT_QUALITY : Number(quality),
    ...(window === undefined ? {} : { window: windowOf(window) }),
    ...(viewport === undefined ? (fallback ? { viewport: fallback } : {}) : viewportOf(viewport)),
  };
}
