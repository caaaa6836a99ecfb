import { RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { made } from './element.js';
import { type Order, placePages, type PageOrder } from './page-order.js';
import { countText } from './text.js';

/** Where a page can be, and the CSS variable of its colour. */
const STATES = [
  { name: '--nowhere', label: 'nowhere yet' },
  { name: '--host', label: 'host only' },
  { name: '--both', label: 'on both' },
  { name: '--owned', label: 'owned by device' },
] as const;
/** What just happened to a page; fades. */
const CAME = { name: '--came', label: 'just came' };
const LEFT = { name: '--left', label: 'just left' };

/** How long news of a page are seen. */
const NEWS_MS = 900;
/** How much of a page's colour they take at first: its state stays recognizable. */
const NEWS_SHARE = 0.8;
/** More pages than that share cells. */
const MOST_CELLS = 2 ** 14;

type Rgb = readonly [red: number, green: number, blue: number];

/** A map of pages: a cell a page, coloured by where it is and by what just happened to it. */
export class PageMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #counts: HTMLElement[];
  readonly #what: string;
  #colours: Record<string, Rgb> = {};
  #order: Order = 'hilbert';
  #placed: PageOrder = { width: 1, height: 1, cells: new Uint32Array() };
  #states = new Uint8Array();
  /** When a page came to the device (positive) or left it (negative); 0: neither was seen. */
  #news = new Float64Array();
  #frame = 0;
  /** Who wants no motion sees news vanish at once, rather than fade. */
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(canvas: HTMLCanvasElement, legend: HTMLElement, what: string) {
    this.#canvas = canvas;
    canvas.hidden = true;
    this.#what = what;
    this.#counts = [...STATES, CAME, LEFT].map(({ name, label }) => {
      const swatch = made('i');
      swatch.style.background = `var(${name})`;
      const count = made('b');
      const item = made('li');
      item.append(swatch, `${label} `, count);
      legend.append(item);
      return count;
    });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', () => this.#readColours());
    this.#readColours();
  }

  /** Lays the map out in another order. */
  set order(order: Order) {
    this.#order = order;
    this.#place(this.#states.length);
    this.#draw();
  }

  /** Forgets all, for another device. */
  clear(): void {
    this.#states = new Uint8Array();
  }

  /** Shows where the pages are now: a byte of `RESIDENT_*` bits for each. */
  update(residency: Uint8Array): void {
    const states = statesOf(residency);
    this.#canvas.hidden = false;
    const now = performance.now();
    if (states.length !== this.#states.length) {
      this.#news = new Float64Array(states.length);
      this.#place(states.length);
    } else {
      for (let i = 0; i < states.length; i += 1) {
        const [was, is] = [this.#states[i]! >= 2, states[i]! >= 2];
        if (was !== is) this.#news[i] = is ? now : -now;
      }
    }
    this.#states = states;
    this.#draw();
  }

  #readColours(): void {
    const style = getComputedStyle(document.documentElement);
    for (const { name } of [...STATES, CAME, LEFT]) this.#colours[name] = rgbOf(style.getPropertyValue(name));
    this.#draw();
  }

  #place(pages: number): void {
    this.#placed = placePages(Math.max(1, pages), this.#order);
    this.#canvas.width = this.#placed.width;
    this.#canvas.height = this.#placed.height;
    this.#canvas.style.aspectRatio = `${this.#placed.width} / ${this.#placed.height}`;
  }

  /** Draws in the next frame, and as long as there is something that fades. */
  #draw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      if (this.#paint(now)) this.#draw();
    });
  }

  #paint(now: number): boolean {
    const { width, height, cells } = this.#placed;
    const image = new ImageData(width, height);
    const counts = new Uint32Array(STATES.length + 2);
    const base = STATES.map(({ name }) => this.#colours[name]!);
    const [came, left] = [this.#colours[CAME.name]!, this.#colours[LEFT.name]!];
    for (let page = 0; page < this.#states.length; page += 1) {
      const state = this.#states[page]!;
      const news = this.#news[page]!;
      const fresh = news === 0 ? 0 : Math.min(1, Math.max(0, 1 - (now - Math.abs(news)) / NEWS_MS));
      counts[state]! += 1;
      if (fresh > 0) counts[STATES.length + (news > 0 ? 0 : 1)]! += 1;
      const [from, to] = [base[state]!, news > 0 ? came : left];
      const share = NEWS_SHARE * (this.#calm.matches ? Math.ceil(fresh) : fresh);
      const at = cells[page]! * 4;
      for (let channel = 0; channel < 3; channel += 1)
        image.data[at + channel] = from[channel]! + (to[channel]! - from[channel]!) * share;
      image.data[at + 3] = 255;
    }
    this.#canvas.getContext('2d')!.putImageData(image, 0, 0);
    this.#count(counts);
    return counts[STATES.length]! + counts[STATES.length + 1]! > 0;
  }

  #count(counts: Uint32Array): void {
    counts.forEach((count, i) => {
      const text = countText(count);
      if (this.#counts[i]!.textContent !== text) this.#counts[i]!.textContent = text;
    });
    const parts = STATES.map(({ label }, i) => `${counts[i]} ${label}`);
    this.#canvas.setAttribute('aria-label', `Pages of ${this.#what}: ${parts.join(', ')}`);
  }
}

/** The index of its state for each page; of several pages that share a cell the one that is nearest to the device. */
function statesOf(residency: Uint8Array): Uint8Array<ArrayBuffer> {
  const share = Math.ceil(residency.length / MOST_CELLS);
  const states = new Uint8Array(Math.ceil(residency.length / share));
  for (let page = 0; page < residency.length; page += 1) {
    const cell = Math.floor(page / share);
    states[cell] = Math.max(states[cell]!, stateOf(residency[page]!));
  }
  return states;
}

function stateOf(bits: number): number {
  if (bits & RESIDENT_WRITABLE) return 3;
  if (bits & RESIDENT_DEVICE) return 2;
  return bits & RESIDENT_HOST ? 1 : 0;
}

/** Reads `#rrggbb`. */
function rgbOf(colour: string): Rgb {
  const value = parseInt(colour.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
