import type { WgslProgram } from '@mirrorspace/core';
import * as cell from './cell.js';
import { LIGHT, SAMPLES, GROUND, HAZE, OFFSET } from './look.js';

/** Pixels along the side of a tile: a work unit has a lane for each of its pixels. */
export const WGSL_TILE = 8;

/** Up to here, addresses of a WGSL program are 32-bit numbers of words. */
const WORD_ADDRESS_BITS = 34;

/** What the program is made for. */
export interface WgslOptions {
  /** The device's `limits.addressBits`. */
  readonly addressBits: number;
  /** Nodes on the longest path of the tree. */
  readonly depth: number;
}

/**
 * The renderer in WGSL, over the same scene and the same pointers as the one in JavaScript, in 32-bit floats instead of 64-bit ones.
 * Arguments as in `jsProgram`, tiles of {@link WGSL_TILE}. Rendering a tile again gives the same pixels, so units may run again.
 */
export function wgslProgram({ addressBits, depth }: WgslOptions): WgslProgram {
  const code = [addressing(addressBits > WORD_ADDRESS_BITS), search(depth), shading, pixels].join('\n');
  return { language: 'wgsl', lanes: [WGSL_TILE, WGSL_TILE, 1], idempotent: true, code };
}

/** A reference is an address with a tag, as the CPU wrote it: two words. A cell never straddles a page, so its page is looked up once. */
function addressing(wide: boolean): string {
  return `
fn address_of(reference: vec2u) -> address {
  let low = reference.x & ${~cell.TAG_MASK >>> 0}u;
  return ${wide ? 'vec2u(low, reference.y)' : '(low >> 2u) | (reference.y << 30u)'};
}
struct Cell { page: Page, first: u32 }
fn cell_at(at: address) -> Cell {
  return Cell(page_to_load(at), ${wide ? '(at.x >> 2u)' : 'at'} & (page_words - 1u));
}
fn word(cell: Cell, i: u32) -> u32 { return load_in_u32(cell.page, cell.first + i); }
fn number(cell: Cell, i: u32) -> f32 { return load_in_f32(cell.page, cell.first + i); }
fn vector(cell: Cell, i: u32) -> vec3f { return vec3f(number(cell, i), number(cell, i + 1u), number(cell, i + 2u)); }
fn reference(cell: Cell, i: u32) -> vec2u { return vec2u(word(cell, i), word(cell, i + 1u)); }`;
}

function search(depth: number): string {
  return `
// Farther than anything is.
const nowhere = 1e30;
struct Hit { distance: f32, u: f32, v: f32, triangle: address, found: bool }
var<private> stack: array<vec2u, ${depth}>;
var<private> stack_distance: array<f32, ${depth}>;

// Follows the tree's pointers, nearer children first. With \`any\` the first hit ends the search. Ends early when a page is missing.
fn search(root: vec2u, origin: vec3f, direction: vec3f, limit: f32, any: bool) -> Hit {
  let inverse = 1.0 / select(direction, vec3f(1e-12), direction == vec3f(0.0));
  var hit = Hit(limit, 0.0, 0.0, address_of(root), false);
  var next = root;
  var depth = 0u;
  loop {
    let at = address_of(next);
    let triangles = next.x & ${cell.TAG_MASK}u;
    for (var i = 0u; i < triangles; i++) {
      let triangle = advance(at, i * ${cell.CELL / 4}u);
      if (intersect(triangle, origin, direction, &hit) && any) { return hit; }
    }
    var near_distance = nowhere;
    if (triangles == 0u) {
      let node = cell_at(at);
      let first = enter(vector(node, 0u), vector(node, 3u), origin, inverse, hit.distance);
      let second = enter(vector(node, 6u), vector(node, 9u), origin, inverse, hit.distance);
      let swap = first > second;
      let far_distance = select(second, first, swap);
      near_distance = select(first, second, swap);
      let near = select(${cell.NODE_CHILDREN / 4}u, ${cell.NODE_CHILDREN / 4 + 2}u, swap);
      if (far_distance < nowhere && depth < ${depth}u) {
        stack[depth] = reference(node, ${(2 * cell.NODE_CHILDREN) / 4 + 2}u - near);
        stack_distance[depth] = far_distance;
        depth++;
      }
      next = reference(node, near);
    }
    if (faulted()) { return hit; }
    if (near_distance < nowhere) { continue; }
    loop {
      if (depth == 0u) { return hit; }
      depth--;
      if (stack_distance[depth] < hit.distance) { break; }
    }
    next = stack[depth];
  }
}

// Where a ray enters a box, as far as rounding lets it say; \`nowhere\` if it misses it, or is beyond the limit.
fn enter(low: vec3f, high: vec3f, origin: vec3f, inverse: vec3f, limit: f32) -> f32 {
  let a = (low - origin) * inverse;
  let b = (high - origin) * inverse;
  let near = min(a, b);
  let far = max(a, b);
  let first = max(max(near.x, near.y), max(near.z, 0.0));
  // Rounded up by more than the sums can be off: PBRT, 6.8.
  let last = min(min(far.x, far.y), far.z) * 1.0000004;
  return select(nowhere, first, first <= last && first < limit);
}

// T. Möller and B. Trumbore, "Fast, Minimum Storage Ray/Triangle Intersection", 1997.
fn intersect(at: address, origin: vec3f, direction: vec3f, hit: ptr<function, Hit>) -> bool {
  let triangle = cell_at(at);
  if (faulted()) { return false; }
  let a = vector(triangle, ${cell.TRIANGLE_CORNERS / 4}u);
  let e1 = vector(triangle, ${cell.TRIANGLE_CORNERS / 4 + 3}u) - a;
  let e2 = vector(triangle, ${cell.TRIANGLE_CORNERS / 4 + 6}u) - a;
  let p = cross(direction, e2);
  let determinant = dot(e1, p);
  if (determinant == 0.0) { return false; }
  let scale = 1.0 / determinant;
  let t = origin - a;
  let u = dot(t, p) * scale;
  let q = cross(t, e1);
  let v = dot(direction, q) * scale;
  let distance = dot(e2, q) * scale;
  if (u < 0.0 || v < 0.0 || u + v > 1.0 || distance <= 0.0 || distance >= (*hit).distance) { return false; }
  *hit = Hit(distance, u, v, at, true);
  return true;
}`;
}

const vec3f = (values: readonly number[]): string => `vec3f(${values.join(', ')})`;

const shading = `
const light = ${vec3f(LIGHT)};
const haze_colour = ${vec3f(HAZE)};

// What is seen in a direction: two searches, one to the surface and one from there to the sun, by one loop, so that programs have one.
fn see(root: vec2u, eye: vec3f, direction: vec3f) -> vec3f {
  let to_ground = select(nowhere, -eye.y / direction.y, direction.y < 0.0);
  var origin = eye;
  var along = direction;
  var limit = to_ground;
  var normal = vec3f(0.0, 1.0, 0.0);
  var albedo = ${GROUND}u;
  var distance = to_ground;
  var sun = 0.0;
  for (var ray = 0u; ray < 2u; ray++) {
    let hit = search(root, origin, along, limit, ray == 1u);
    if (faulted()) { return vec3f(); }
    if (ray == 1u) {
      if (hit.found) { sun = 0.0; }
      break;
    }
    if (!hit.found && to_ground == nowhere) { return sky(normalize(direction).y); }
    if (hit.found) {
      let triangle = cell_at(hit.triangle);
      distance = hit.distance;
      albedo = word(triangle, ${cell.TRIANGLE_COLOUR / 4}u);
      normal = normal_at(triangle, hit, direction);
    }
    sun = max(dot(normal, light), 0.0);
    if (sun == 0.0) { break; }
    origin = eye + direction * distance + normal * ${OFFSET};
    along = light;
    limit = nowhere;
  }
  return surface(albedo, sun, normal.y, clamp((distance - 6.0) / 24.0, 0.0, 1.0));
}

// The interpolated normal, on the side that the ray comes from.
fn normal_at(triangle: Cell, hit: Hit, direction: vec3f) -> vec3f {
  let weights = vec3f(1.0 - hit.u - hit.v, hit.u, hit.v);
  var sum = vec3f();
  for (var i = 0u; i < 3u; i++) {
    let at = ${cell.TRIANGLE_NORMALS / 4}u + i * 2u;
    sum += weights[i] * octahedral(vec2f(number(triangle, at), number(triangle, at + 1u)));
  }
  let normal = normalize(sum);
  return select(normal, -normal, dot(normal, direction) > 0.0);
}

fn octahedral(packed: vec2f) -> vec3f {
  let z = 1.0 - abs(packed.x) - abs(packed.y);
  let folded = (1.0 - abs(packed.yx)) * select(vec2f(-1.0), vec2f(1.0), packed >= vec2f(0.0));
  return normalize(vec3f(select(folded, packed, z >= 0.0), z));
}

fn sky(height: f32) -> vec3f {
  return haze_colour - vec3f(0.42, 0.27, 0.08) * min(1.0, height * 2.5);
}

fn surface(albedo: u32, sun: f32, up: f32, haze: f32) -> vec3f {
  let open = 0.5 + 0.5 * up;
  let bytes = vec3f(vec3u(albedo, albedo >> 8u, albedo >> 16u) & vec3u(255u)) / 255.0;
  let lit = sun * vec3f(1.0, 0.95, 0.85) + vec3f(0.16, 0.16, 0.17) + vec3f(0.2, 0.24, 0.3) * open;
  return mix(bytes * bytes * lit, haze_colour, haze);
}`;

const pixels = `
var<workgroup> is_missing: u32;

fn run(unit: Unit) {
  let header = arg_address(0u);
  let head = cell_at(header);
  let size = reference(head, ${cell.HEADER_SIZE / 4}u);
  let pixel = (vec2u(arg_u32(1u), arg_u32(2u)) + unit.id.xy) * ${WGSL_TILE}u + unit.lane_id.xy;
  let root = reference(head, ${cell.HEADER_ROOT / 4}u);
  let row = pixel.y * (word(head, ${cell.HEADER_PITCH / 4}u) / 4u);
  let to = advance(address_of(reference(head, ${cell.HEADER_PIXELS / 4}u)), row + pixel.x);
  let camera = cell_at(advance(header, ${cell.HEADER_CAMERA / 4}u));
  let eye = vector(camera, 0u);
  let right = vector(camera, 3u);
  let up = vector(camera, 6u);
  let forward = vector(camera, 9u);
  let inside = all(pixel < size);
  var light = vec3f();
  for (var sample = 0u; sample < ${SAMPLES * SAMPLES}u; sample++) {
    // One ray a pixel finds nearly all the pages that four need: if some are missing the others can be spared for now.
    if (sample == 1u) {
      if (faulted()) { is_missing = 1u; }
      if (workgroupUniformLoad(&is_missing) != 0u) { return; }
    }
    let shift = (vec2f(f32(sample % ${SAMPLES}u), f32(sample / ${SAMPLES}u)) + 0.5) / ${SAMPLES}.0;
    let at = (vec2f(pixel) + shift) / vec2f(size) * 2.0 - 1.0;
    if (inside && !faulted()) { light += see(root, eye, right * at.x - up * at.y + forward); }
  }
  if (!inside) { return; }
  let bytes = vec3u(floor(sqrt(min(vec3f(1.0), light / ${SAMPLES * SAMPLES}.0)) * 255.0 + 0.5));
  store_u32(to, 0xff000000u | (bytes.z << 16u) | (bytes.y << 8u) | bytes.x);
}`;
