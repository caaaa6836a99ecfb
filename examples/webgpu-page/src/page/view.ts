import type { Part } from '../messages.js';
import { moved, type Orbit, START } from '../orbit.js';

/** Radians of a key stroke, and of a drag across the whole picture. */
const STEP = 0.12;
const DRAG = 2.5;
const ZOOM = 1.12;
/** Radians a second while the picture keeps turning, and the most in a step where pictures take long. */
const SPEED = 0.5;
const MOST = 0.2;

const MOVES: Readonly<Record<string, (orbit: Orbit) => Orbit>> = {
  left: (orbit) => moved(orbit, -STEP, 0),
  right: (orbit) => moved(orbit, STEP, 0),
  up: (orbit) => moved(orbit, 0, STEP),
  down: (orbit) => moved(orbit, 0, -STEP),
  in: (orbit) => moved(orbit, 0, 0, 1 / ZOOM),
  out: (orbit) => moved(orbit, 0, 0, ZOOM),
  home: () => START,
};

const KEYS: Readonly<Record<string, string>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  '+': 'in',
  '=': 'in',
  '-': 'out',
  Home: 'home',
};

/** The picture, and where it is seen from. */
export class View {
  orbit = START;
  readonly #canvas: HTMLCanvasElement;
  readonly #onOrbit: (orbit: Orbit) => void;
  readonly #scratch = document.createElement('canvas');
  #turnedAt = 0;

  constructor(canvas: HTMLCanvasElement, onOrbit: (orbit: Orbit) => void) {
    this.#canvas = canvas;
    this.#onOrbit = onOrbit;
    canvas.addEventListener('keydown', (event) => {
      const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
      if (move === undefined) return;
      event.preventDefault();
      this.move(move);
    });
    let [lastX, lastY] = [0, 0];
    canvas.addEventListener('pointerdown', ({ pointerId, clientX, clientY }) => {
      canvas.setPointerCapture(pointerId);
      [lastX, lastY] = [clientX, clientY];
    });
    canvas.addEventListener('pointermove', ({ pointerId, clientX, clientY }) => {
      if (!canvas.hasPointerCapture(pointerId)) return;
      const scale = DRAG / canvas.clientWidth;
      this.#go(moved(this.orbit, (lastX - clientX) * scale, (clientY - lastY) * scale));
      [lastX, lastY] = [clientX, clientY];
    });
    canvas.addEventListener(
      'wheel',
      (event) => {
        // Who only scrolls by is left alone.
        if (document.activeElement !== canvas) return;
        event.preventDefault();
        this.move(event.deltaY < 0 ? 'in' : 'out');
      },
      { passive: false },
    );
  }

  /** Moves by name: left, right, up, down, in, out, home. */
  move(name: string): void {
    const move = MOVES[name];
    if (move !== undefined) this.#go(move(this.orbit));
  }

  /** Turns on by as much as time has passed since it was last called, within bounds. */
  turnOn(): void {
    const now = performance.now();
    this.#go(moved(this.orbit, Math.min(MOST, (SPEED * (now - this.#turnedAt)) / 1000), 0));
    this.#turnedAt = now;
  }

  /** Makes room for a picture of a size, if it is another. */
  resize(width: number, height: number): void {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.style.aspectRatio = `${width} / ${height}`;
  }

  /** Draws parts of a pass; a coarse one is drawn so many times larger. */
  draw(coarseness: number, parts: readonly Part[]): void {
    const target = this.#canvas.getContext('2d')!;
    for (const { x, y, width, height, pixels } of parts) {
      const image = new ImageData(pixels, width, height);
      if (coarseness === 1) {
        target.putImageData(image, x, y);
        continue;
      }
      this.#scratch.width = width;
      this.#scratch.height = height;
      this.#scratch.getContext('2d')!.putImageData(image, 0, 0);
      const [left, top] = [x * coarseness, y * coarseness];
      target.drawImage(this.#scratch, left, top, width * coarseness, height * coarseness);
    }
  }

  #go(orbit: Orbit): void {
    this.orbit = orbit;
    this.#onOrbit(orbit);
  }
}
