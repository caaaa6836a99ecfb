import { type Shape, Layout, WASM_PAGE } from './layout.js';
import { BLOCK_BITS, CACHE_ENTRIES, ENTRY, HEAD, LEVELS, MMU, SLOT } from './words.js';
import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE, PTE_READ, PTE_WRITE } from '@mirrorspace/core/driver';

const MASK = (1 << BLOCK_BITS) - 1;
const READ = PTE_READ | ENTRY.accessed;
const WRITE = PTE_READ | PTE_WRITE | ENTRY.accessed | ENTRY.dirty;

/**
 * The translation that compute units reach memory by, in WebAssembly text: one instance a unit, over the control memory.
 *
 * An access is allowed if its entry has all bits that it needs, the accessed and dirty bits among them: one comparison. What lacks one takes
 * the slow way, which walks the table, sets the bits, or stalls. Only where leaf blocks are is cached, never an entry.
 *
 * How `flushTlb` and `harvest` are true (R1). A translation that was given out may be used until the unit asks for the next one. So each
 * call first looks at the epoch of the MMU. The engine changes entries, counts the epoch up, and waits until every slot that runs on the
 * MMU has acknowledged it; what is idle or stalled uses none. All of this is sequentially consistent in the WebAssembly and JavaScript
 * memory model: the acknowledgement is sequenced behind the accesses by old translations and read by the engine before it goes on, so they
 * happen before whatever follows the fence; and a unit that saw the new epoch, which was stored behind the entries, sees the new entries.
 * A unit that starts or resumes stores its state before it reads the epoch, the engine writes the epoch before it reads the state: one of
 * them sees the other.
 */
export function translation(shape: Shape): string {
  const { pageShift } = shape;
  const leafShift = pageShift + BLOCK_BITS;
  const { bytes } = new Layout(shape);
  const walk = Array.from({ length: LEVELS - 1 }, (_, i) => {
    const shift = pageShift + BLOCK_BITS * (LEVELS - 1 - i);
    return `(local.set $t (i32.atomic.load (i32.add (local.get $t) ${entryOffset(shift)})))
      (br_if $missing (i32.eqz (local.get $t)))`;
  });
  return `(module
  (import "control" "memory" (memory ${bytes / WASM_PAGE} ${bytes / WASM_PAGE} shared))
  (import "host" "stall" (func $stall (param f64 i32)))
  (global $slot (export "slot") (mut i32) (i32.const 0))
  (global $cache (export "cache") (mut i32) (i32.const 0))
  (global $args (export "args") (mut i32) (i32.const 0))
  (global $argCount (export "argCount") (mut i32) (i32.const 0))
  (global $root (mut i32) (i32.const 0))
  (global $epochAt (mut i32) (i32.const 0))
  (global $epoch (mut i32) (i32.const 0))
  (global $end (mut i64) (i64.const 0))
  (global $moved (mut i32) (i32.const 1))
  ;; Counts the epochs that were acknowledged.
  (global $acknowledged (export "acknowledged") (mut i32) (i32.const 0))

  (func (export "begin") (param $mmu i32)
    (global.set $root (i32.load offset=${4 * MMU.root} (local.get $mmu)))
    (global.set $end (i64.trunc_f64_u (f64.load offset=${4 * MMU.end} (local.get $mmu))))
    (global.set $epochAt (i32.add (local.get $mmu) (i32.const ${4 * MMU.epoch})))
    (call $acknowledge))

  (func $acknowledge
    (global.set $epoch (i32.atomic.load (global.get $epochAt)))
    (memory.fill (global.get $cache) (i32.const 255) (i32.const ${16 * CACHE_ENTRIES}))
    (global.set $moved (i32.const 1))
    (global.set $acknowledged (i32.add (global.get $acknowledged) (i32.const 1)))
    (i32.atomic.store offset=${4 * SLOT.ack} (global.get $slot) (global.get $epoch)))

  (func $translate (param $a i64) (param $need i32) (param $access i32) (result i32) (local $t i32)
    (if (i32.ne (i32.atomic.load (global.get $epochAt)) (global.get $epoch))
      (then (return (call $slow (local.get $a) (local.get $need) (local.get $access)))))
    (local.set $t (i32.add (global.get $cache) ${cacheOffset(leafShift)}))
    (if (i64.eq (i64.load (local.get $t)) (i64.shr_u (local.get $a) (i64.const ${leafShift})))
      (then
        (local.set $t (i32.atomic.load (i32.add (i32.load offset=8 (local.get $t)) ${entryOffset(pageShift)})))
        (if (i32.eq (i32.and (local.get $t) (local.get $need)) (local.get $need))
          (then (return ${offsetOf(pageShift)})))))
    (call $slow (local.get $a) (local.get $need) (local.get $access)))

  (func $slow (param $a i64) (param $need i32) (param $access i32) (result i32)
    (local $t i32) (local $c i32) (local $leaf i32) (local $at i32)
    (loop $again (result i32)
      (if (i32.ne (i32.atomic.load (global.get $epochAt)) (global.get $epoch))
        (then
          (call $acknowledge)
          (drop (i32.atomic.rmw.add (i32.const ${4 * HEAD.doorbell}) (i32.const 1)))
          (drop (memory.atomic.notify (i32.const ${4 * HEAD.doorbell}) (i32.const 1)))))
      (block $missing
        (br_if $missing (i64.ge_u (local.get $a) (global.get $end)))
        (local.set $t (global.get $root))
        ${walk.join('\n')}
        (local.set $leaf (local.get $t))
        (local.set $at (i32.add (local.get $t) ${entryOffset(pageShift)}))
        (local.set $t (i32.atomic.load (local.get $at)))
        (br_if $missing (i32.ne (i32.and (local.get $t) (i32.and (local.get $need) (i32.const ${ENTRY.rights})))
          (i32.and (local.get $need) (i32.const ${ENTRY.rights}))))
        (if (i32.ne (i32.and (local.get $t) (local.get $need)) (local.get $need))
          (then
            (br_if $again (i32.ne (local.get $t)
              (i32.atomic.rmw.cmpxchg (local.get $at) (local.get $t) (i32.or (local.get $t) (local.get $need)))))))
        (local.set $c (i32.add (global.get $cache) ${cacheOffset(leafShift)}))
        (i64.store (local.get $c) (i64.shr_u (local.get $a) (i64.const ${leafShift})))
        (i32.store offset=8 (local.get $c) (local.get $leaf))
        (return ${offsetOf(pageShift)}))
      (call $stall (f64.convert_i64_u (local.get $a)) (local.get $access))
      (br $again)))

  (func (export "read") (param $a i64) (result i32)
    (call $translate (local.get $a) (i32.const ${READ}) (i32.const ${FAULT_READ})))
  (func (export "write") (param $a i64) (result i32)
    (call $translate (local.get $a) (i32.const ${WRITE}) (i32.const ${FAULT_WRITE})))
  (func (export "atomic") (param $a i64) (result i32)
    (call $translate (local.get $a) (i32.const ${WRITE}) (i32.const ${FAULT_ATOMIC})))
  (func (export "moved") (result i32) (local $was i32)
    (local.set $was (global.get $moved))
    (global.set $moved (i32.const 0))
    (local.get $was))
  (func $arg (export "arg_f64") (param $i i32) (result f64)
    (if (i32.ge_u (local.get $i) (global.get $argCount)) (then (unreachable)))
    (f64.load (i32.add (global.get $args) (i32.shl (local.get $i) (i32.const 3)))))
  (func (export "arg_i64") (param $i i32) (result i64) (i64.trunc_sat_f64_s (call $arg (local.get $i))))
  (func (export "arg_i32") (param $i i32) (result i32) (i32.wrap_i64 (i64.trunc_sat_f64_s (call $arg (local.get $i)))))
)`;

  /** Byte offset in a block of the entry for `$a`. */
  function entryOffset(shift: number): string {
    return `(i32.shl (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const ${shift}))) (i32.const ${MASK})) (i32.const 2))`;
  }
}

function cacheOffset(shift: number): string {
  return `(i32.shl (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const ${shift}))) (i32.const ${CACHE_ENTRIES - 1})) (i32.const 4))`;
}

/** Where in the frames `$a` is, by the entry in `$t`. */
function offsetOf(pageShift: number): string {
  const low = 2 ** pageShift - 1;
  return `(i32.or (i32.and (local.get $t) (i32.const ${~low})) (i32.and (i32.wrap_i64 (local.get $a)) (i32.const ${low})))`;
}
