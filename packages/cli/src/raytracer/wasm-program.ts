import type { WasmProgram } from '@mirrorspace/core';
import * as cell from './cell.js';
import { GROUND, HAZE, LIGHT, OFFSET, SAMPLES } from './look.js';
import { TILE } from './tracer.js';
import { expression } from './wasm-expression.js';

/** The ray, its nearest hit, and what is seen along it. A thread runs one unit at a time, so they can be globals. */
const NUMBERS = [
  'ox',
  'oy',
  'oz',
  'dx',
  'dy',
  'dz',
  'ix',
  'iy',
  'iz',
  'distance',
  'u',
  'v',
  'nx',
  'ny',
  'nz',
  'red',
  'green',
  'blue',
];
const GLOBALS = new Set(NUMBERS);

const f = (text: string): string => expression(text, GLOBALS);
const set = (name: string, text: string): string =>
  `(${GLOBALS.has(name) ? 'global' : 'local'}.set $${name} ${f(text)})`;
const sets = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, text]) => set(name, text))
    .join('\n    ');
const locals = (names: string): string =>
  names
    .split(' ')
    .map((name) => `(local $${name} f64)`)
    .join(' ');
const less = (a: string, b: string): string => `(f64.lt ${f(a)} ${f(b)})`;
const lesser = (a: string, b: string): string => `(select ${f(a)} ${f(b)} ${less(a, b)})`;
const greater = (a: string, b: string): string => `(select ${f(b)} ${f(a)} ${less(a, b)})`;
const i32 = (offset: number): string => `(i32.load offset=${offset} (local.get $p))`;
const i64 = (offset: number): string => `(i64.load offset=${offset} (local.get $p))`;
const address = (reference: string): string => `(i64.and ${reference} (i64.const ${~cell.TAG_MASK}))`;
const [lightX, lightY, lightZ] = LIGHT;
const [hazeRed, hazeGreen, hazeBlue] = HAZE;

/** Where the ray enters a box; the boxes' numbers are at `$p`. */
const enter = `
  (func $enter (param $p i32) (result f64) ${locals('from to a b')}
    ${sets({ a: '(at(0) - ox) * ix', b: '(at(12) - ox) * ix' })}
    (local.set $from ${lesser('a', 'b')}) (local.set $to ${greater('a', 'b')})
    ${sets({ a: '(at(4) - oy) * iy', b: '(at(16) - oy) * iy' })}
    (local.set $from (f64.max (local.get $from) ${lesser('a', 'b')})) (local.set $to (f64.min (local.get $to) ${greater('a', 'b')}))
    (if (f64.gt (local.get $from) (local.get $to)) (then (return (f64.const inf))))
    ${sets({ a: '(at(8) - oz) * iz', b: '(at(20) - oz) * iz' })}
    (local.set $from (f64.max (f64.max (local.get $from) ${lesser('a', 'b')}) (f64.const 0)))
    (local.set $to (f64.min (local.get $to) ${greater('a', 'b')}))
    (select (local.get $from) (f64.const inf)
      (i32.and (f64.le (local.get $from) (local.get $to)) ${less('from', 'distance')})))`;

// T. Möller and B. Trumbore, "Fast, Minimum Storage Ray/Triangle Intersection", 1997.
const intersect = `
  (func $intersect (param $p i32) (param $at i64) (result i32)
    ${locals('ax ay az ex ey ez fx fy fz px py pz inverse tx ty tz a qx qy qz b far')}
    ${sets({ ax: 'at(0)', ay: 'at(4)', az: 'at(8)' })}
    ${sets({ ex: 'at(12) - ax', ey: 'at(16) - ay', ez: 'at(20) - az' })}
    ${sets({ fx: 'at(24) - ax', fy: 'at(28) - ay', fz: 'at(32) - az' })}
    ${sets({ px: 'dy * fz - dz * fy', py: 'dz * fx - dx * fz', pz: 'dx * fy - dy * fx' })}
    ${set('inverse', '1 / (ex * px + ey * py + ez * pz)')}
    ${sets({ tx: 'ox - ax', ty: 'oy - ay', tz: 'oz - az' })}
    ${set('a', '(tx * px + ty * py + tz * pz) * inverse')}
    (if (i32.eqz (i32.and (f64.ge (local.get $a) (f64.const 0)) (f64.le (local.get $a) (f64.const 1)))) (then (return (i32.const 0))))
    ${sets({ qx: 'ty * ez - tz * ey', qy: 'tz * ex - tx * ez', qz: 'tx * ey - ty * ex' })}
    ${set('b', '(dx * qx + dy * qy + dz * qz) * inverse')}
    (if (i32.eqz (i32.and (f64.ge (local.get $b) (f64.const 0)) (f64.le ${f('a + b')} (f64.const 1)))) (then (return (i32.const 0))))
    ${set('far', '(fx * qx + fy * qy + fz * qz) * inverse')}
    (if (i32.eqz (i32.and (f64.gt (local.get $far) (f64.const 0)) ${less('far', 'distance')})) (then (return (i32.const 0))))
    ${sets({ distance: 'far', u: 'a', v: 'b' })}
    (global.set $triangle (local.get $at))
    (i32.const 1))`;

/** Follows a reference, nearer children first. 1: the search is over. Each cell is looked up by itself: what was found holds until the next. */
const visit = `
  (func $visit (param $reference i64) (result i32) (local $p i32) (local $at i64) (local $end i64) (local $near i64) (local $far i64)
    ${locals('first second swap')}
    (local.set $at ${address('(local.get $reference)')})
    (local.set $end (i64.add (local.get $at)
      (i64.mul (i64.and (local.get $reference) (i64.const ${cell.TAG_MASK})) (i64.const ${cell.CELL}))))
    (if (i64.lt_u (local.get $at) (local.get $end)) (then
      (loop $next
        (if (call $intersect (call $read (local.get $at)) (local.get $at)) (then
          (global.set $found (i32.const 1))
          (if (global.get $any) (then (return (i32.const 1))))))
        (br_if $next (i64.lt_u (local.tee $at (i64.add (local.get $at) (i64.const ${cell.CELL}))) (local.get $end))))
      (return (i32.const 0))))
    (local.set $p (call $read (local.get $at)))
    (local.set $near ${i64(cell.NODE_CHILDREN)})
    (local.set $far ${i64(cell.NODE_CHILDREN + 8)})
    (local.set $first (call $enter (local.get $p)))
    (local.set $second (call $enter (i32.add (local.get $p) (i32.const 24))))
    (if (i32.eqz (f64.le (local.get $first) (local.get $second))) (then
      (local.set $at (local.get $near)) (local.set $near (local.get $far)) (local.set $far (local.get $at))
      ${sets({ swap: 'first', first: 'second', second: 'swap' })}))
    (if ${less('first', 'Infinity')} (then
      (if (call $visit (local.get $near)) (then (return (i32.const 1))))))
    (if ${less('second', 'distance')} (then (return (call $visit (local.get $far)))))
    (i32.const 0))
  (func $search (param $root i64) (param $limit f64) (param $shadow i32) (result i32) ${locals('tiny')}
    ${set('tiny', '1e-12')}
    ${['x', 'y', 'z'].map((axis) => `(global.set $i${axis} (f64.div (f64.const 1) (select ${f('tiny')} ${f(`d${axis}`)} (f64.eq ${f(`d${axis}`)} (f64.const 0)))))`).join('\n    ')}
    ${set('distance', 'limit')}
    (global.set $any (local.get $shadow))
    (global.set $found (i32.const 0))
    (drop (call $visit (local.get $root)))
    (global.get $found))`;

const shading = `
  (func $add (param $r f64) (param $g f64) (param $b f64)
    ${sets({ red: 'red + r', green: 'green + g', blue: 'blue + b' })})
  (func $channel (param $colour i32) (param $shift i32) (result f64) ${locals('byte')}
    (local.set $byte (f64.convert_i32_u (i32.and (i32.shr_u (local.get $colour) (local.get $shift)) (i32.const 255))))
    ${f('(byte / 255) * (byte / 255)')})
  (func $octahedral (param $a f64) (param $b f64) (param $weight f64) ${locals('x y z scale')}
    ${set('z', '1 - abs(a) - abs(b)')}
    ${sets({ x: 'a', y: 'b' })}
    (if (i32.eqz (f64.ge (local.get $z) (f64.const 0))) (then
      (local.set $x (f64.mul ${f('1 - abs(b)')} (select (f64.const 1) (f64.const -1) (f64.ge (local.get $a) (f64.const 0)))))
      (local.set $y (f64.mul ${f('1 - abs(a)')} (select (f64.const 1) (f64.const -1) (f64.ge (local.get $b) (f64.const 0)))))))
    ${set('scale', 'weight / sqrt(x * x + y * y + z * z)')}
    ${sets({ nx: 'nx + x * scale', ny: 'ny + y * scale', nz: 'nz + z * scale' })})
  (func $normal (param $p i32) ${locals('scale')}
    ${sets({ nx: '0', ny: '0', nz: '0' })}
    ${['1 - u - v', 'u', 'v'].map((weight, i) => `(call $octahedral ${f(`at(${cell.TRIANGLE_NORMALS + 8 * i})`)} ${f(`at(${cell.TRIANGLE_NORMALS + 8 * i + 4})`)} ${f(weight)})`).join('\n    ')}
    (local.set $scale (f64.div (select (f64.const -1) (f64.const 1) (f64.gt ${f('nx * dx + ny * dy + nz * dz')} (f64.const 0)))
      ${f('sqrt(nx * nx + ny * ny + nz * nz)')}))
    ${sets({ nx: 'nx * scale', ny: 'ny * scale', nz: 'nz * scale' })})
  (func $surface (param $albedo i32) (param $sun f64) (param $up f64) (param $haze f64) ${locals('open r g b')}
    ${set('open', '0.5 + 0.5 * up')}
    (local.set $r (f64.mul (call $channel (local.get $albedo) (i32.const 0)) ${f('sun + 0.16 + 0.2 * open')}))
    (local.set $g (f64.mul (call $channel (local.get $albedo) (i32.const 8)) ${f('sun * 0.95 + 0.16 + 0.24 * open')}))
    (local.set $b (f64.mul (call $channel (local.get $albedo) (i32.const 16)) ${f('sun * 0.85 + 0.17 + 0.3 * open')}))
    (call $add ${f(`r + (${hazeRed} - r) * haze`)} ${f(`g + (${hazeGreen} - g) * haze`)} ${f(`b + (${hazeBlue} - b) * haze`)}))`;

const see = `
  (func $see (param $header i64) (param $x f64) (param $y f64) (local $p i32) (local $root i64) (local $hit i32) (local $albedo i32)
    ${locals('ground sun haze sky along')}
    (local.set $root (i64.load offset=${cell.HEADER_ROOT} (call $read (local.get $header))))
    (local.set $p (call $read (i64.add (local.get $header) (i64.const ${cell.HEADER_CAMERA}))))
    ${sets({ ox: 'at(0)', oy: 'at(4)', oz: 'at(8)' })}
    ${sets({ dx: 'at(12) * x + at(24) * y + at(36)', dy: 'at(16) * x + at(28) * y + at(40)', dz: 'at(20) * x + at(32) * y + at(44)' })}
    (local.set $ground (select ${f('-oy / dy')} (f64.const inf) (f64.lt ${f('dy')} (f64.const 0))))
    (local.set $hit (call $search (local.get $root) (local.get $ground) (i32.const 0)))
    (if (i32.and (i32.eqz (local.get $hit)) (f64.eq (local.get $ground) (f64.const inf))) (then
      ${set('sky', 'min(1, dy / sqrt(dx * dx + dy * dy + dz * dz) * 2.5)')}
      (call $add ${f(`${hazeRed} - 0.42 * sky`)} ${f(`${hazeGreen} - 0.27 * sky`)} ${f(`${hazeBlue} - 0.08 * sky`)})
      (return)))
    (local.set $along (select ${f('distance')} ${f('ground')} (local.get $hit)))
    ${sets({ ox: 'ox + dx * along', oy: 'oy + dy * along', oz: 'oz + dz * along' })}
    (local.set $albedo (i32.const ${GROUND}))
    ${sets({ nx: '0', ny: '1', nz: '0' })}
    (if (local.get $hit) (then
      (local.set $p (call $read (global.get $triangle)))
      (local.set $albedo ${i32(cell.TRIANGLE_COLOUR)})
      (call $normal (local.get $p))))
    ${set('sun', `nx * ${minus(lightX)} + ny * ${minus(lightY)} + nz * ${minus(lightZ)}`)}
    (if (i32.eqz (f64.gt (local.get $sun) (f64.const 0))) (then ${set('sun', '0')}))
    ${set('haze', 'min(1, max(0, (along - 6) / 24))')}
    (if (f64.gt (local.get $sun) (f64.const 0)) (then
      ${sets({ ox: `ox + nx * ${OFFSET}`, oy: `oy + ny * ${OFFSET}`, oz: `oz + nz * ${OFFSET}` })}
      ${sets({ dx: minus(lightX), dy: minus(lightY), dz: minus(lightZ) })}
      (if (call $search (local.get $root) (f64.const inf) (i32.const 1)) (then ${set('sun', '0')}))))
    (call $surface (local.get $albedo) (local.get $sun) (global.get $ny) (local.get $haze)))`;

const pixels = `
  (func $byte (param $sum f64) (result i32)
    (i32.trunc_f64_u ${f(`floor(sqrt(min(1, sum / ${SAMPLES * SAMPLES})) * 255 + 0.5)`)}))
  (func $pixel (param $header i64) (param $column i32) (param $row i32) (param $width i32) (param $height i32) (result i32)
    (local $sample i32) ${locals('x y')}
    ${sets({ red: '0', green: '0', blue: '0' })}
    (loop $next
      (local.set $x (f64.convert_i32_u (i32.rem_u (local.get $sample) (i32.const ${SAMPLES}))))
      (local.set $y (f64.convert_i32_u (i32.div_u (local.get $sample) (i32.const ${SAMPLES}))))
      (local.set $x (f64.add (f64.convert_i32_u (local.get $column)) ${f(`(x + 0.5) / ${SAMPLES}`)}))
      (local.set $y (f64.add (f64.convert_i32_u (local.get $row)) ${f(`(y + 0.5) / ${SAMPLES}`)}))
      (local.set $x (f64.div (local.get $x) (f64.convert_i32_u (local.get $width))))
      (local.set $y (f64.div (local.get $y) (f64.convert_i32_u (local.get $height))))
      (call $see (local.get $header) ${f('x * 2 - 1')} ${f('1 - y * 2')})
      (br_if $next (i32.lt_u (local.tee $sample (i32.add (local.get $sample) (i32.const 1))) (i32.const ${SAMPLES * SAMPLES}))))
    (i32.or (i32.or (i32.const 0xff000000) (i32.shl (call $byte (global.get $blue)) (i32.const 16)))
      (i32.or (i32.shl (call $byte (global.get $green)) (i32.const 8)) (call $byte (global.get $red)))))
  (func (export "run") (param $x i32) (param $y i32) (param $z i32)
    (local $header i64) (local $p i32) (local $width i32) (local $height i32) (local $pitch i32) (local $to i64)
    (local $i i32) (local $column i32) (local $row i32) (local $colour i32)
    (local.set $header (call $arg_i64 (i32.const 0)))
    (local.set $p (call $read (local.get $header)))
    (local.set $width ${i32(cell.HEADER_SIZE)})
    (local.set $height ${i32(cell.HEADER_SIZE + 4)})
    (local.set $pitch ${i32(cell.HEADER_PITCH)})
    (local.set $to ${address(i64(cell.HEADER_PIXELS))})
    (loop $next
      (local.set $column (i32.add (i32.rem_u (local.get $i) (i32.const ${TILE}))
        (i32.mul (i32.add (call $arg_i32 (i32.const 1)) (local.get $x)) (i32.const ${TILE}))))
      (local.set $row (i32.add (i32.div_u (local.get $i) (i32.const ${TILE}))
        (i32.mul (i32.add (call $arg_i32 (i32.const 2)) (local.get $y)) (i32.const ${TILE}))))
      (if (i32.and (i32.lt_u (local.get $column) (local.get $width)) (i32.lt_u (local.get $row) (local.get $height))) (then
        (local.set $colour
          (call $pixel (local.get $header) (local.get $column) (local.get $row) (local.get $width) (local.get $height)))
        (i32.store
          (call $write (i64.add (local.get $to) (i64.extend_i32_u
            (i32.add (i32.mul (local.get $row) (local.get $pitch)) (i32.shl (local.get $column) (i32.const 2))))))
          (local.get $colour))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${TILE * TILE})))))`;

/**
 * The renderer in WebAssembly, with the arithmetic of the one in JavaScript, in the same order: so the picture is the same bit for bit. Arguments as in
 * `jsProgram`. It has no memory of its own: the tree is followed by recursion, which waits where a page is missing.
 */
export const wasmProgram: WasmProgram = {
  language: 'wasm',
  code: `(module
  (import "mirrorspace" "memory" (memory 0 65536 shared))
  (import "mirrorspace" "read" (func $read (param i64) (result i32)))
  (import "mirrorspace" "write" (func $write (param i64) (result i32)))
  (import "mirrorspace" "arg_i32" (func $arg_i32 (param i32) (result i32)))
  (import "mirrorspace" "arg_i64" (func $arg_i64 (param i32) (result i64)))
  ${NUMBERS.map((name) => `(global $${name} (mut f64) (f64.const 0))`).join('\n  ')}
  (global $triangle (mut i64) (i64.const 0))
  (global $found (mut i32) (i32.const 0))
  (global $any (mut i32) (i32.const 0))
  ${[enter, intersect, visit, shading, see, pixels].join('\n')}
)`,
};

/** A number as the expressions take it. */
function minus(value: number): string {
  return value < 0 ? `(-${-value})` : String(value);
}
