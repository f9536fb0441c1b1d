import { dot, type Vector } from '../../study/plane.ts';
import { type Axes, add } from '../frame-of-planes.ts';
import { inverse } from '../reslice.ts';
import type { VolumeGeometry } from '../volume-geometry.ts';
import { entries, type Transfer } from './presets.ts';
import { fragmentShader, vertexShader } from './ray-shader.ts';
import type { TexturePlan } from './texture-plan.ts';

/** What is seen: a place of the patient in the middle of the picture, and mm a pixel. */
export interface Sight {
  centre: Vector;
  axes: Axes;
  perPixel: number;
}

const names = [
  'values',
  'colours',
  'pixels',
  'origin',
  'right',
  'down',
  'ahead',
  'end',
  'texel',
  'toPatient',
  'looking',
  'domain',
  'stepLength',
  'greatest',
] as const;
type Places = Record<(typeof names)[number], WebGLUniformLocation | null>;

function compiled(gl: WebGL2RenderingContext, type: number, source: string): WebGLShader {
  const shader = gl.createShader(type)!;
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost())
    throw new Error(gl.getShaderInfoLog(shader) ?? 'the shader was refused');
  return shader;
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, vertexShader));
  gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, fragmentShader));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error(gl.getProgramInfoLog(program) ?? 'the shader was refused');
  return program;
}

/** A volume in the graphics card's memory as half floats, and pictures of it by ray casting (WebGL2). */
export class RayCaster {
  readonly canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  readonly #at: Places;
  readonly #geometry: VolumeGeometry;
  #texture: WebGLTexture | null = null;
  #plan: TexturePlan = { size: [1, 1, 1], factor: [1, 1, 1] };
  /** Modality value of 1 in the texture. */
  #scale = 1;
  #transfer: Transfer | null = null;

  /** @throws Error where there is no WebGL2 */
  constructor(geometry: VolumeGeometry) {
    this.#geometry = geometry;
    this.canvas = document.createElement('canvas');
    const gl = this.canvas.getContext('webgl2', {
      alpha: false,
      depth: false,
      antialias: false,
      preserveDrawingBuffer: true,
    });
    if (!gl) throw new Error('no WebGL2');
    this.#gl = gl;
    const program = linked(gl);
    // biome-ignore lint/correctness/useHookAtTopLevel: WebGL's name, no hook
    gl.useProgram(program);
    this.#at = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)])) as Places;
    gl.uniform1i(this.#at.values, 0);
    gl.uniform1i(this.#at.colours, 1);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.activeTexture(gl.TEXTURE0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  /** Most values along one axis. */
  get limit(): number {
    return this.#gl.getParameter(this.#gl.MAX_3D_TEXTURE_SIZE) as number;
  }

  get lost(): boolean {
    return this.#gl.isContextLost();
  }

  /** Makes room for the volume. @param scale greatest magnitude of its modality values @returns false where there is none */
  allocate(plan: TexturePlan, scale: number): boolean {
    const gl = this.#gl;
    gl.deleteTexture(this.#texture);
    while (gl.getError() !== gl.NO_ERROR && !gl.isContextLost());
    this.#texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_3D, this.#texture);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R])
      gl.texParameteri(gl.TEXTURE_3D, axis, gl.CLAMP_TO_EDGE);
    gl.texStorage3D(gl.TEXTURE_3D, 1, gl.R16F, ...plan.size);
    this.#plan = plan;
    this.#scale = scale || 1;
    return gl.getError() === gl.NO_ERROR;
  }

  /** @param values modality values of a layer of the plan, row after row; they are changed */
  setLayer(layer: number, values: Float32Array): void {
    const gl = this.#gl;
    const [width, height] = this.#plan.size;
    for (let n = 0; n < values.length; n += 1) values[n]! /= this.#scale;
    gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, layer, width, height, 1, gl.RED, gl.FLOAT, values);
  }

  setTransfer(transfer: Transfer): void {
    const gl = this.#gl;
    this.#transfer = transfer;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, entries, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, transfer.table);
    gl.activeTexture(gl.TEXTURE0);
    const { low, high } = transfer;
    gl.uniform2f(this.#at.domain, low / this.#scale, this.#scale / (high - low || 1));
    gl.uniform1i(this.#at.greatest, transfer.greatest ? 1 : 0);
  }

  /** Sets what is seen. @param fineness samples along a ray for each value of the volume */
  look(width: number, height: number, { centre, axes, perPixel }: Sight, fineness: number): void {
    const gl = this.#gl;
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    const { columns, rows, slices, origin, ...steps } = this.#geometry;
    const { size, factor } = this.#plan;
    const across = size.map((count, n) => count * factor[n]!);
    const toIndex = inverse(this.#geometry);
    const direction = (v: Vector, length = 1) => toIndex.map((row, n) => (dot(row, v) * length) / across[n]!);
    const place = toIndex.map((row, n) => (dot(row, add(centre, origin, -1)) + 0.5) / across[n]!);
    gl.uniform2f(this.#at.pixels, width, height);
    gl.uniform3fv(this.#at.origin, place);
    gl.uniform3fv(this.#at.right, direction(axes.right, perPixel));
    gl.uniform3fv(this.#at.down, direction(axes.down, perPixel));
    gl.uniform3fv(this.#at.ahead, direction(axes.normal));
    gl.uniform3fv(
      this.#at.end,
      [columns, rows, slices].map((count, n) => count / across[n]!),
    );
    gl.uniform3fv(
      this.#at.texel,
      size.map((count) => 1 / count),
    );
    gl.uniformMatrix3fv(
      this.#at.toPatient,
      false,
      toIndex.flatMap((row, n) => row.map((part) => part / factor[n]!)),
    );
    gl.uniform3fv(this.#at.looking, axes.normal);
    const finest = Math.min(
      ...[steps.columnStep, steps.rowStep, steps.sliceStep].map((step, n) => Math.hypot(...step) * factor[n]!),
    );
    gl.uniform1f(this.#at.stepLength, finest / fineness);
  }

  /** Draws rows `from` to `to` (not included) of the picture. @returns ms that it took */
  drawRows(from: number, to: number): number {
    const gl = this.#gl;
    if (!this.#transfer || !this.#texture) return 0;
    const begun = performance.now();
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, this.canvas.height - to, this.canvas.width, to - from);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    // Waits for the card, so that the time is true.
    gl.readPixels(0, this.canvas.height - to, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return performance.now() - begun;
  }

  /** Gives the memory back at once. */
  close(): void {
    this.#gl.deleteTexture(this.#texture);
    this.#texture = null;
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
    this.canvas.width = 0;
    this.canvas.height = 0;
  }
}
