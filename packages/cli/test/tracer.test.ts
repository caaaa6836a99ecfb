import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { stanfordBunny } from '../src/raytracer/mesh.js';
import { renderReference } from '../src/raytracer/reference.js';
import { bake } from '../src/raytracer/scene.js';
import { createRenderer, TILE } from '../src/raytracer/tracer.js';
import { createSearch, HIT, NOTHING, PAGE_MISSING, type RenderMemory } from '../src/raytracer/traverse.js';
import { BASE, PIXELS, scatteredTriangles, sceneMemory } from './scene-memory.js';

type Vector = [number, number, number];

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The nearest hit by trying every triangle: where the ray meets the plane, inside all three edges. */
function bruteForce(corners: Float32Array, origin: Vector, direction: Vector): number {
  let nearest = Infinity;
  for (let i = 0; i < corners.length; i += 9) {
    const [a, b, c] = [0, 3, 6].map((k) => [...corners.subarray(i + k, i + k + 3)] as Vector) as [
      Vector,
      Vector,
      Vector,
    ];
    const normal = cross(minus(b, a), minus(c, a));
    const distance = dot(minus(a, origin), normal) / dot(direction, normal);
    const point = origin.map((value, k) => value + distance * direction[k]!) as Vector;
    const edges: [Vector, Vector][] = [
      [a, b],
      [b, c],
      [c, a],
    ];
    const isInside = edges.every(([from, to]) => dot(cross(minus(to, from), minus(point, from)), normal) >= 0);
    if (isInside && distance > 0) nearest = Math.min(nearest, distance);
  }
  return nearest;
}

/** Pages of `inner` appear only when they have been asked for; a read of a page that is not there fails. */
class Paged implements RenderMemory {
  readonly there = new Set<number>();
  readonly missed = new Set<number>();
  stores = 0;

  constructor(private readonly inner: RenderMemory) {}

  load32 = (address: number): number => this.checked(address).load32(address);
  loadF32 = (address: number): number => this.checked(address).loadF32(address);

  store32(address: number, value: number): void {
    this.stores += 1;
    this.checked(address).store32(address, value);
  }

  probe(address: number): boolean {
    const page = Math.floor(address / 4096);
    if (!this.there.has(page)) this.missed.add(page);
    return this.there.has(page);
  }

  private checked(address: number): RenderMemory {
    if (!this.there.has(Math.floor(address / 4096)))
      throw new Error(`read of the missing page at ${address.toString(16)}`);
    return this.inner;
  }
}

const renderTile = createRenderer();

describe('search', () => {
  const { hit, search } = createSearch();
  const triangles = scatteredTriangles(400);
  const { memory } = sceneMemory(triangles);
  const [rootLow, rootHigh] = [memory.load32(BASE), memory.load32(BASE + 4)];
  const rays = Array.from({ length: 300 }, (_, i): [Vector, Vector] => {
    const angle = i * 2.399963;
    const origin: Vector = [0.5 + 3 * Math.cos(angle), (i % 17) / 10 - 0.3, 0.5 + 3 * Math.sin(angle)];
    return [origin, minus([((i * 7) % 10) / 10, ((i * 3) % 10) / 10, ((i * 13) % 10) / 10], origin)];
  });

  it('finds the same nearest hit as trying every triangle', () => {
    let hits = 0;
    for (const [origin, direction] of rays) {
      const expected = bruteForce(triangles.corners, origin, direction);
      const found = search(memory, rootLow, rootHigh, ...origin, ...direction, Infinity, false);
      expect(found).toBe(expected === Infinity ? NOTHING : HIT);
      if (found === HIT) expect(hit.distance).toBeCloseTo(expected, 9);
      hits += found === HIT ? 1 : 0;
    }
    expect(hits).toBeGreaterThan(100);
    expect(hits).toBeLessThan(rays.length);
  });

  it('finds with `any` whether there is a hit before the limit', () => {
    for (const [origin, direction] of rays) {
      const nearest = bruteForce(triangles.corners, origin, direction);
      for (const limit of [nearest * 0.999, nearest * 1.001]) {
        const expected = nearest < limit ? HIT : NOTHING;
        expect(search(memory, rootLow, rootHigh, ...origin, ...direction, limit, true)).toBe(expected);
      }
    }
  });

  it('follows rays along the axes, where a direction is exactly 0', () => {
    const found = search(memory, rootLow, rootHigh, 0.4, 0.45, 5, 0, 0, -1, Infinity, false);
    expect(bruteForce(triangles.corners, [0.4, 0.45, 5], [0, 0, -1])).toBeCloseTo(hit.distance, 9);
    expect(found).toBe(HIT);
  });

  it('says that a page is missing rather than reading it', () => {
    const paged = new Paged(memory);
    expect(search(paged, rootLow, rootHigh, ...rays[0]![0], ...rays[0]![1], Infinity, false)).toBe(PAGE_MISSING);
    expect(paged.missed.size).toBe(1);
  });
});

describe('renderTile', () => {
  const placements = [{ x: 0, z: 0, turn: 0, size: 1, colour: 0x5b7fd6 }];
  const triangles = bake(stanfordBunny(), placements);

  it('renders a known picture', () => {
    const { memory, pixels } = sceneMemory(triangles, 64, 48);
    renderReference(memory, BASE, 64, 48);
    expect(createHash('sha256').update(pixels).digest('hex')).toMatchInlineSnapshot(
      `"dfd7d5ee0567c06ab390ece59b808676fb60caabb1d453761ca1465167b05a57"`,
    );
    // Whatever the hash: the middle is the bunny's red, the top bluish sky.
    expect(pixels[24 * 64 + 32]! & 0xff).toBeGreaterThan((pixels[24 * 64 + 32]! >>> 16) & 0xff);
    expect(pixels[32]! & 0xff).toBeLessThan((pixels[32]! >>> 16) & 0xff);
  });

  it('renders sizes that are no whole tiles, and writes no pixel beyond', () => {
    const { memory, pixels, pitch } = sceneMemory(triangles, 20, 12);
    renderReference(memory, BASE, 20, 12);
    const written = pixels.map((pixel) => (pixel === 0 ? 0 : 1));
    expect(written).toEqual(written.map((_, i) => (i % (pitch / 4) < 20 ? 1 : 0)));
  });

  it('comes to the same pixels when pages appear one batch after the other, and stores only when complete', () => {
    const { memory, pixels } = sceneMemory(triangles, 16, 8);
    renderReference(memory, BASE, 16, 8);
    const expected = pixels.slice();
    pixels.fill(0);
    const paged = new Paged(memory);
    let batches = 0;
    while (!renderTile(paged, BASE, 1, 0)) {
      expect(paged.stores).toBe(0);
      expect(paged.missed.size).toBeGreaterThan(0);
      for (const page of paged.missed) paged.there.add(page);
      paged.missed.clear();
      batches += 1;
    }
    // Every ray reports its own missing page, so a batch brings many: far fewer batches than pages.
    expect(paged.there.size).toBeGreaterThan(batches * 1.5);
    expect(paged.stores).toBe(TILE * TILE);
    expect(pixels).toEqual(
      expected.map((pixel, i) => (i >= TILE * 16 || Math.floor((i % 16) / TILE) !== 1 ? 0 : pixel)),
    );
    expect(paged.there.has(PIXELS / 4096)).toBe(true);
  });
});
