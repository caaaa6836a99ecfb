import * as cell from './cell.js';
import { GROUND, HAZE, LIGHT, OFFSET, SAMPLES } from './look.js';
import { addOctahedral } from './octahedral.js';
import { addressOf, createSearch, HIT, PAGE_MISSING, type RenderMemory } from './traverse.js';

/** Pixels along the side of a tile: what one work unit renders. */
export const TILE = 4;

const [LIGHT_X, LIGHT_Y, LIGHT_Z] = LIGHT;
const [HAZE_RED, HAZE_GREEN, HAZE_BLUE] = HAZE;

/**
 * Renders the tile at column `tileX` and row `tileY`, after the header at `header`, and stores its pixels (`0xffbbggrr`).
 * Where pages are missing, every ray reports the first it needs; then nothing is stored and the answer is false.
 */
export type RenderTile = (memory: RenderMemory, header: number, tileX: number, tileY: number) => boolean;

/** Makes a renderer; one for each kind of memory, as with {@link createSearch}. */
export function createRenderer(): RenderTile {
  const { hit, search } = createSearch();
  // Tiles are rendered to their end one at a time, so they can share scratch memory; it carries nothing from one to the next.
  const light = new Float64Array(TILE * TILE * 3);
  const normal = new Float64Array(3);

  function renderTile(memory: RenderMemory, header: number, tileX: number, tileY: number): boolean {
    if (!memory.probe(header)) return false;
    const width = memory.load32(header + cell.HEADER_SIZE);
    const height = memory.load32(header + cell.HEADER_SIZE + 4);
    const pitch = memory.load32(header + cell.HEADER_PITCH);
    const pixels = addressOf(
      memory.load32(header + cell.HEADER_PIXELS),
      memory.load32(header + cell.HEADER_PIXELS + 4),
    );
    const first = pixels + tileY * TILE * pitch + tileX * TILE * 4;
    const columns = Math.min(TILE, width - tileX * TILE);
    const rows = Math.min(TILE, height - tileY * TILE);
    let isComplete = true;
    for (let row = 0; row < rows; row += 1) if (!memory.probe(first + row * pitch, 'write')) isComplete = false;
    light.fill(0);
    // One ray a pixel finds nearly all the pages that four need: if some are missing the others can be spared for now.
    for (let sample = 0; sample < SAMPLES * SAMPLES && isComplete; sample += 1) {
      const right = tileX * TILE + ((sample % SAMPLES) + 0.5) / SAMPLES;
      const down = tileY * TILE + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          const x = ((right + column) / width) * 2 - 1;
          const y = 1 - ((down + row) / height) * 2;
          if (!see(memory, header, x, y, (row * TILE + column) * 3)) isComplete = false;
        }
      }
    }
    if (!isComplete) return false;
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        memory.store32(first + row * pitch + column * 4, toPixel((row * TILE + column) * 3));
      }
    }
    return true;
  }

  /** Adds what is seen at (`x`, `y`) of the picture, both from -1 to 1, to `light[to..to+2]`; false: a page is missing. */
  function see(memory: RenderMemory, header: number, x: number, y: number, to: number): boolean {
    const rootLow = memory.load32(header + cell.HEADER_ROOT);
    const rootHigh = memory.load32(header + cell.HEADER_ROOT + 4);
    const camera = header + cell.HEADER_CAMERA;
    const ox = memory.loadF32(camera);
    const oy = memory.loadF32(camera + 4);
    const oz = memory.loadF32(camera + 8);
    const dx = memory.loadF32(camera + 12) * x + memory.loadF32(camera + 24) * y + memory.loadF32(camera + 36);
    const dy = memory.loadF32(camera + 16) * x + memory.loadF32(camera + 28) * y + memory.loadF32(camera + 40);
    const dz = memory.loadF32(camera + 20) * x + memory.loadF32(camera + 32) * y + memory.loadF32(camera + 44);

    const toGround = dy < 0 ? -oy / dy : Infinity;
    const found = search(memory, rootLow, rootHigh, ox, oy, oz, dx, dy, dz, toGround, false);
    if (found === PAGE_MISSING) return false;
    if (found !== HIT && toGround === Infinity) {
      addSky(to, dy / Math.sqrt(dx * dx + dy * dy + dz * dz));
      return true;
    }

    const distance = found === HIT ? hit.distance : toGround;
    const px = ox + dx * distance;
    const py = oy + dy * distance;
    const pz = oz + dz * distance;
    let albedo = GROUND;
    normal[0] = 0;
    normal[1] = 1;
    normal[2] = 0;
    if (found === HIT) {
      albedo = memory.load32(hit.triangle + cell.TRIANGLE_COLOUR);
      surfaceNormal(memory, dx, dy, dz);
    }
    const facing = normal[0] * LIGHT_X + normal[1] * LIGHT_Y + normal[2] * LIGHT_Z;
    let sun = facing > 0 ? facing : 0;
    if (sun > 0) {
      const sx = px + normal[0] * OFFSET;
      const sy = py + normal[1] * OFFSET;
      const sz = pz + normal[2] * OFFSET;
      const blocked = search(memory, rootLow, rootHigh, sx, sy, sz, LIGHT_X, LIGHT_Y, LIGHT_Z, Infinity, true);
      if (blocked === PAGE_MISSING) return false;
      if (blocked === HIT) sun = 0;
    }
    const haze = Math.min(1, Math.max(0, (distance - 6) / 24));
    addSurface(to, albedo, sun, normal[1], haze);
    return true;
  }

  /** Sets `normal` to the interpolated normal at the hit, on the side that the ray comes from. */
  function surfaceNormal(memory: RenderMemory, dx: number, dy: number, dz: number): void {
    const at = hit.triangle + cell.TRIANGLE_NORMALS;
    normal.fill(0);
    addOctahedral(memory.loadF32(at), memory.loadF32(at + 4), 1 - hit.u - hit.v, normal);
    addOctahedral(memory.loadF32(at + 8), memory.loadF32(at + 12), hit.u, normal);
    addOctahedral(memory.loadF32(at + 16), memory.loadF32(at + 20), hit.v, normal);
    const [x, y, z] = [normal[0]!, normal[1]!, normal[2]!];
    const scale = (x * dx + y * dy + z * dz > 0 ? -1 : 1) / Math.sqrt(x * x + y * y + z * z);
    normal[0] = x * scale;
    normal[1] = y * scale;
    normal[2] = z * scale;
  }

  /** Adds the sky at the sine `height` above the horizon, where it is the colour of the haze. */
  function addSky(to: number, height: number): void {
    const blue = Math.min(1, height * 2.5);
    add(to, HAZE_RED - 0.42 * blue, HAZE_GREEN - 0.27 * blue, HAZE_BLUE - 0.08 * blue);
  }

  /** Adds a surface under a warm sun and a bluish sky, lost in haze with distance. */
  function addSurface(to: number, albedo: number, sun: number, up: number, haze: number): void {
    const open = 0.5 + 0.5 * up;
    const red = linear(albedo & 0xff) * (sun + 0.16 + 0.2 * open);
    const green = linear((albedo >>> 8) & 0xff) * (sun * 0.95 + 0.16 + 0.24 * open);
    const blue = linear((albedo >>> 16) & 0xff) * (sun * 0.85 + 0.17 + 0.3 * open);
    add(to, red + (HAZE_RED - red) * haze, green + (HAZE_GREEN - green) * haze, blue + (HAZE_BLUE - blue) * haze);
  }

  function add(to: number, red: number, green: number, blue: number): void {
    light[to]! += red;
    light[to + 1]! += green;
    light[to + 2]! += blue;
  }

  /** The mean of the samples that were added to `light[from..from+2]`, as a pixel. */
  function toPixel(from: number): number {
    return (
      (0xff000000 | (toByte(light[from + 2]!) << 16) | (toByte(light[from + 1]!) << 8) | toByte(light[from]!)) >>> 0
    );
  }

  return renderTile;
}

// A gamma of 2 is near enough to sRGB's and needs no pow, whose last bit may differ from engine to engine.
function linear(byte: number): number {
  return (byte / 255) * (byte / 255);
}

function toByte(sum: number): number {
  return Math.round(Math.sqrt(Math.min(1, sum / (SAMPLES * SAMPLES))) * 255);
}
