import { createRenderer, TILE } from './tracer.js';
import type { RenderMemory } from './traverse.js';

/** Bytes of the CPU's that stand for the virtual memory from `address` on. */
export interface CpuRange {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The CPU's own view: plain typed arrays over what it acquired. No device, page table or copy has a part in it. */
export class CpuMemory implements RenderMemory {
  private readonly base: number;
  private readonly words: Uint32Array;
  private readonly floats: Float32Array;
  private readonly pixelBase: number;
  private readonly pixels: Uint32Array;

  /** `scene` must begin at a multiple of 4 in its buffer. */
  constructor(scene: CpuRange, output: { readonly address: number; readonly pixels: Uint32Array }) {
    const { buffer, byteOffset, byteLength } = scene.bytes;
    this.base = scene.address;
    this.words = new Uint32Array(buffer, byteOffset, byteLength / 4);
    this.floats = new Float32Array(buffer, byteOffset, byteLength / 4);
    this.pixelBase = output.address;
    this.pixels = output.pixels;
  }

  load32(address: number): number {
    return this.words[(address - this.base) / 4]!;
  }

  loadF32(address: number): number {
    return this.floats[(address - this.base) / 4]!;
  }

  store32(address: number, value: number): void {
    this.pixels[(address - this.pixelBase) / 4] = value;
  }

  probe(): boolean {
    return true;
  }
}

const renderTile = createRenderer();

/** Renders a whole picture of `width` x `height` pixels on the CPU. */
export function renderReference(memory: RenderMemory, header: number, width: number, height: number): void {
  for (let y = 0; y < Math.ceil(height / TILE); y += 1) {
    for (let x = 0; x < Math.ceil(width / TILE); x += 1) renderTile(memory, header, x, y);
  }
}
