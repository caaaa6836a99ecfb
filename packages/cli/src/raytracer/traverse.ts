import type { UnitContext } from '@mirrorspace/core';
import { MAX_DEPTH } from './bvh.js';
import { CELL, NODE_BOXES, NODE_CHILDREN, TAG_MASK } from './cell.js';

/** How a renderer sees memory: virtual addresses only. A device's unit context is one, the CPU's view of the space another. */
export type RenderMemory = Pick<UnitContext, 'load32' | 'loadF32' | 'store32' | 'probe'>;

/** Pages are at least 4 KiB. */
const PAGE_SHIFT = 12;
const PAGE_MASK = 2 ** PAGE_SHIFT - 1;

/** What a search along a ray found. */
export const NOTHING = 0;
export const HIT = 1;
/** A page is missing; it was reported, and the search must be repeated once it is there. */
export const PAGE_MISSING = 2;

/** Reads the address out of a reference's two words. */
export function addressOf(low: number, high: number): number {
  return high * 2 ** 32 + (low - (low & TAG_MASK));
}

/** The nearest hit: distance in lengths of the ray's direction, barycentric weights of corners 1 and 2, the triangle's address. */
export interface Hit {
  distance: number;
  u: number;
  v: number;
  triangle: number;
}

/**
 * Makes a way to search along rays, with scratch memory of its own; `hit` is the nearest hit of its last search that had one.
 * One for each kind of memory: engines compile every closure for what it meets, and one that meets two kinds of
 * memory is half as fast.
 */
export function createSearch() {
  const hit: Hit = { distance: 0, u: 0, v: 0, triangle: 0 };
  // Searches run to their end one at a time, so they can share scratch memory; it carries nothing from one to the next.
  const stackLow = new Uint32Array(MAX_DEPTH);
  const stackHigh = new Uint32Array(MAX_DEPTH);
  const stackDistance = new Float64Array(MAX_DEPTH);

  /**
   * Follows the tree's pointers along a ray from `o` in direction `d`, nearer children first, as far as `limit` lengths of `d`.
   * With `any` the first hit found ends the search (a shadow needs no more); else `hit` receives the nearest.
   */
  function search(
    memory: RenderMemory,
    rootLow: number,
    rootHigh: number,
    ox: number,
    oy: number,
    oz: number,
    dx: number,
    dy: number,
    dz: number,
    limit: number,
    any: boolean,
  ): number {
    // An exact 0 would give 0 * Infinity = NaN on a box's face.
    const ix = 1 / (dx === 0 ? 1e-12 : dx);
    const iy = 1 / (dy === 0 ? 1e-12 : dy);
    const iz = 1 / (dz === 0 ? 1e-12 : dz);
    let low = rootLow;
    let high = rootHigh;
    let depth = 0;
    let found = NOTHING;
    let pageLow = -1;
    let pageHigh = -1;
    hit.distance = limit;
    for (;;) {
      const at = addressOf(low, high);
      const triangles = low & TAG_MASK;
      // Neighbours in the tree mostly share a page: it need not be asked for again.
      if (high !== pageHigh || low >>> PAGE_SHIFT !== pageLow) {
        if (!memory.probe(at)) return PAGE_MISSING;
        pageLow = low >>> PAGE_SHIFT;
        pageHigh = high;
      }
      if (triangles > 0) {
        for (let i = 0; i < triangles; i += 1) {
          const triangle = at + i * CELL;
          // Cells do not straddle pages: only where a new page begins can the next one be missing.
          if (i > 0 && ((low + i * CELL) & PAGE_MASK) < CELL && !memory.probe(triangle)) return PAGE_MISSING;
          if (!intersect(memory, triangle, ox, oy, oz, dx, dy, dz)) continue;
          if (any) return HIT;
          found = HIT;
        }
      } else {
        const first = enter(memory, at + NODE_BOXES, ox, oy, oz, ix, iy, iz);
        const second = enter(memory, at + NODE_BOXES + 24, ox, oy, oz, ix, iy, iz);
        const near = first <= second ? 0 : 8;
        const nearDistance = near === 0 ? first : second;
        const farDistance = near === 0 ? second : first;
        if (farDistance < Infinity) {
          stackLow[depth] = memory.load32(at + NODE_CHILDREN + (8 - near));
          stackHigh[depth] = memory.load32(at + NODE_CHILDREN + (8 - near) + 4);
          stackDistance[depth] = farDistance;
          depth += 1;
        }
        if (nearDistance < Infinity) {
          low = memory.load32(at + NODE_CHILDREN + near);
          high = memory.load32(at + NODE_CHILDREN + near + 4);
          continue;
        }
      }
      do {
        if (depth === 0) return found;
        depth -= 1;
      } while (stackDistance[depth]! >= hit.distance);
      low = stackLow[depth]!;
      high = stackHigh[depth]!;
    }
  }

  /** Distance at which a ray enters the box at `at`; Infinity where it misses it or comes there only behind the nearest hit. */
  function enter(
    memory: RenderMemory,
    at: number,
    ox: number,
    oy: number,
    oz: number,
    ix: number,
    iy: number,
    iz: number,
  ): number {
    const x0 = (memory.loadF32(at) - ox) * ix;
    const x1 = (memory.loadF32(at + 12) - ox) * ix;
    let from = x0 < x1 ? x0 : x1;
    let to = x0 < x1 ? x1 : x0;
    const y0 = (memory.loadF32(at + 4) - oy) * iy;
    const y1 = (memory.loadF32(at + 16) - oy) * iy;
    from = Math.max(from, y0 < y1 ? y0 : y1);
    to = Math.min(to, y0 < y1 ? y1 : y0);
    if (from > to) return Infinity;
    const z0 = (memory.loadF32(at + 8) - oz) * iz;
    const z1 = (memory.loadF32(at + 20) - oz) * iz;
    from = Math.max(from, z0 < z1 ? z0 : z1, 0);
    to = Math.min(to, z0 < z1 ? z1 : z0);
    return from <= to && from < hit.distance ? from : Infinity;
  }

  /**
   * Says whether the ray meets the triangle at `at` (either side) before the nearest hit so far, and records it if so.
   * Source: T. Möller and B. Trumbore, "Fast, Minimum Storage Ray/Triangle Intersection", 1997.
   */
  function intersect(
    memory: RenderMemory,
    at: number,
    ox: number,
    oy: number,
    oz: number,
    dx: number,
    dy: number,
    dz: number,
  ): boolean {
    const ax = memory.loadF32(at);
    const ay = memory.loadF32(at + 4);
    const az = memory.loadF32(at + 8);
    const e1x = memory.loadF32(at + 12) - ax;
    const e1y = memory.loadF32(at + 16) - ay;
    const e1z = memory.loadF32(at + 20) - az;
    const e2x = memory.loadF32(at + 24) - ax;
    const e2y = memory.loadF32(at + 28) - ay;
    const e2z = memory.loadF32(at + 32) - az;
    const px = dy * e2z - dz * e2y;
    const py = dz * e2x - dx * e2z;
    const pz = dx * e2y - dy * e2x;
    const inverse = 1 / (e1x * px + e1y * py + e1z * pz);
    const tx = ox - ax;
    const ty = oy - ay;
    const tz = oz - az;
    const u = (tx * px + ty * py + tz * pz) * inverse;
    if (!(u >= 0 && u <= 1)) return false;
    const qx = ty * e1z - tz * e1y;
    const qy = tz * e1x - tx * e1z;
    const qz = tx * e1y - ty * e1x;
    const v = (dx * qx + dy * qy + dz * qz) * inverse;
    if (!(v >= 0 && u + v <= 1)) return false;
    const distance = (e2x * qx + e2y * qy + e2z * qz) * inverse;
    if (!(distance > 0 && distance < hit.distance)) return false;
    hit.distance = distance;
    hit.u = u;
    hit.v = v;
    hit.triangle = at;
    return true;
  }

  return { hit, search };
}
