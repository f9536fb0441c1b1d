import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A portable grey or pixel map (P5, P6). */
export interface PixelMap {
  width: number;
  height: number;
  channels: 1 | 3;
  bytes: Uint8Array;
}

function onPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}

/** Whether DCMTK and GDCM are here to compare with. */
export function referenceAvailable(): boolean {
  return ['dcm2pnm', 'dcmdjpeg', 'dcmdjpls', 'dcmdrle', 'gdcmconv'].every(onPath);
}

function run(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

/** Reads a raw PGM or PPM. */
export function parsePixelMap(bytes: Uint8Array): PixelMap {
  const head = /^P([56])\s+(?:#[^\n]*\n)?(\d+)\s+(\d+)\s+255\s/.exec(
    Buffer.from(bytes.subarray(0, 200)).toString('latin1'),
  );
  if (!head) throw new Error('no raw PGM or PPM');
  return {
    channels: head[1] === '5' ? 1 : 3,
    width: Number(head[2]),
    height: Number(head[3]),
    bytes: bytes.subarray(head[0].length),
  };
}

/** DCMTK and GDCM at work in a folder of their own. */
export class Reference {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lifeboat-pixels-'));

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The file with its pixels uncompressed (Explicit VR Little Endian), or null when neither toolkit can. */
  decompressed(path: string): string | null {
    const out = join(this.#folder, 'native.dcm');
    for (const [command, args] of [
      ['dcmdjpls', [path, out]],
      ['dcmdrle', [path, out]],
      ['dcmdjpeg', ['+cn', path, out]],
      ['gdcmconv', ['--raw', path, out]],
    ] as const) {
      rmSync(out, { force: true });
      if (run(command, [...args]) && existsSync(out)) return out;
    }
    return null;
  }

  /**
   * DCMTK's rendering of one frame (from 0) under a LINEAR window; colour has none. Null when DCMTK cannot.
   * @param more options of dcm2pnm in place of "no overlays"
   */
  rendered(
    path: string,
    frame: number,
    window?: { center: number; width: number },
    more: string[] = ['-O'],
  ): PixelMap | null {
    const out = join(this.#folder, 'frame.pnm');
    rmSync(out, { force: true });
    const voi = window ? ['+Ww', String(window.center), String(window.width)] : [];
    if (!run('dcm2pnm', ['+op', ...more, '+F', String(frame + 1), ...voi, path, out]) || !existsSync(out)) return null;
    return parsePixelMap(readFileSync(out));
  }

  /**
   * DCMTK's rendering of one grey frame at 16 bits (0 to 65,535). Null when DCMTK cannot.
   * @param voi its options for the VOI transformation
   */
  rendered16(path: string, frame: number, voi: string[]): { width: number; height: number; values: number[] } | null {
    const out = join(this.#folder, 'frame16.pnm');
    rmSync(out, { force: true });
    if (!run('dcm2pnm', ['+opw', '-O', '+F', String(frame + 1), ...voi, path, out]) || !existsSync(out)) return null;
    const [kind, width, height, greatest, ...values] = readFileSync(out, 'latin1')
      .replace(/#[^\n]*\n/g, ' ')
      .trim()
      .split(/\s+/);
    if (kind !== 'P2' || greatest !== '65535') return null;
    return { width: Number(width), height: Number(height), values: values.map(Number) };
  }

  /** Keeps a file for the toolkits to read. */
  file(bytes: Uint8Array, name = 'made.dcm'): string {
    const path = join(this.#folder, name);
    writeFileSync(path, bytes);
    return path;
  }
}
