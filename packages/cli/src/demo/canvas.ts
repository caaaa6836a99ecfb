import { PNG } from 'pngjs';
import { glyph, GLYPH_HEIGHT, GLYPH_WIDTH } from './font.js';

/** A colour, `0xrrggbb`. */
export type Colour = number;

/** A small opaque picture to draw on. Coordinates are pixels from the top left; what lies outside is not drawn. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  private readonly rgba: Uint8Array;

  constructor(width: number, height: number, background: Colour) {
    this.width = width;
    this.height = height;
    this.rgba = new Uint8Array(width * height * 4);
    this.fill(0, 0, width, height, background);
  }

  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row += 1) {
      for (let column = Math.max(0, x); column < Math.min(this.width, x + width); column += 1) {
        const at = (row * this.width + column) * 4;
        this.rgba[at] = colour >>> 16;
        this.rgba[at + 1] = (colour >>> 8) & 0xff;
        this.rgba[at + 2] = colour & 0xff;
        this.rgba[at + 3] = 0xff;
      }
    }
  }

  /** Draws `text` (in capitals) with its top left corner at (`x`, `y`) and returns where it ends; `scale` pixels a dot. */
  text(x: number, y: number, text: string, colour: Colour, scale = 2): number {
    let left = x;
    for (const character of text.toUpperCase()) {
      glyph(character).forEach((bits, row) => {
        for (let column = 0; column < GLYPH_WIDTH; column += 1) {
          if ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) {
            this.fill(left + column * scale, y + row * scale, scale, scale, colour);
          }
        }
      });
      left += (GLYPH_WIDTH + 1) * scale;
    }
    return left;
  }

  png(): Buffer {
    return encodePng(this.width, this.height, this.rgba);
  }
}

/** Pixels that `text` takes across and down. */
export function textSize(text: string, scale = 2): { width: number; height: number } {
  return { width: (text.length * (GLYPH_WIDTH + 1) - 1) * scale, height: GLYPH_HEIGHT * scale };
}

/** Encodes `width * height` pixels of four bytes (red, green, blue, alpha) as PNG. */
export function encodePng(width: number, height: number, rgba: Uint8Array): Buffer {
  const png = new PNG({ width, height });
  png.data.set(rgba);
  return PNG.sync.write(png);
}
