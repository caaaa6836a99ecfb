import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

const needs = ['mmu:managed', 'program:wasm', 'frames:4', 'replayable-faults'];

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);

/** A module that imports functions by name, of given types, and has one function `run` with a body. */
function module(imports: Readonly<Record<string, string>>, body: string, more = ''): string {
  const listed = Object.entries(imports).map(
    ([name, type]) => `(import "mirrorspace" "${name}" (func $${name} ${type}))`,
  );
  return `(module ${listed.join('\n')} ${more}
    (func (export "run") (param $x i32) (param $y i32) (param $z i32) ${body}))`;
}

const ARG = { arg_i64: '(param i32) (result i64)' };
/** The address so many bytes behind the one in an argument. */
const at = (arg: number, bytes: number): string => `(i64.add (call $arg_i64 (i32.const ${arg})) (i64.const ${bytes}))`;

export const programWasm = defineCases({ level: 'driver', area: 'replay', needs }, [
  {
    name: 'wasm-loads-and-stores',
    rule: 'WasmProgram: loads and stores of 8 to 64 bits, little-endian',
    mend: 'move as many bytes as the name says',
    async run(env) {
      const rig = await Rig.open(env);
      const bytes = pattern(3, 64);
      await rig.load(0, bytes);
      await rig.load(1, new Uint8Array(64));
      await rig.map([0, 1], [0, 1]);
      const widths = {
        u8: ['i32', 1],
        u16: ['i32', 2],
        u32: ['i32', 4],
        u64: ['i64', 8],
        f32: ['f32', 4],
        f64: ['f64', 8],
      };
      const imports: Record<string, string> = { ...ARG };
      const copies = Object.entries(widths).map(([name, [type, size]], i) => {
        imports[`load_${name}`] = `(param i64) (result ${type})`;
        imports[`store_${name}`] = `(param i64 ${type})`;
        const offset = 8 * i + (size === 1 ? 3 : 0);
        return `(call $store_${name} ${at(1, offset)} (call $load_${name} ${at(0, offset)}))`;
      });
      const run = rig.launchWasm(module(imports, copies.join('\n')), [1, 1, 1], [rig.at(0), rig.at(1)]);
      await rig.wait(rig.start(run));
      const expected = new Uint8Array(64);
      for (const [i, [, size]] of Object.values(widths).entries()) {
        const offset = 8 * i + (size === 1 ? 3 : 0);
        expected.set(bytes.slice(offset, offset + Number(size)), offset);
      }
      bytesEqual((await rig.unload(1)).slice(0, 64), expected, 'what the program copied');
    },
  },
  {
    name: 'wasm-atomics',
    rule: 'WasmProgram: atomic operations give the old value',
    mend: 'return what the word was before the operation',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(Uint32Array.of(10, 20, 30, 40, 50, 60, 70).buffer));
      await rig.load(1, new Uint8Array(64));
      await rig.map([0, 1], [0, 1]);
      const names = ['add', 'sub', 'and', 'or', 'xor', 'xchg'].map((name) => `atomic_${name}_u32`);
      const imports: Record<string, string> = { ...ARG, store_u32: '(param i64 i32)' };
      for (const name of names) imports[name] = '(param i64 i32) (result i32)';
      imports['atomic_cmpxchg_u32'] = '(param i64 i32 i32) (result i32)';
      const body = names.map(
        (name, i) => `(call $store_u32 ${at(1, 4 * i)} (call $${name} ${at(0, 4 * i)} (i32.const 6)))`,
      );
      body.push(`(call $store_u32 ${at(1, 24)} (call $atomic_cmpxchg_u32 ${at(0, 24)} (i32.const 70) (i32.const 6)))`);
      const run = rig.launchWasm(module(imports, body.join('\n')), [1, 1, 1], [rig.at(0), rig.at(1)]);
      await rig.wait(rig.start(run));
      deepEqual(words(await rig.unload(1)).slice(0, 7), Uint32Array.of(10, 20, 30, 40, 50, 60, 70), 'old values');
      const after = Uint32Array.of(16, 14, 30 & 6, 40 | 6, 50 ^ 6, 6, 6);
      deepEqual(words(await rig.unload(0)).slice(0, 7), after, 'new values');
    },
  },
  {
    name: 'wasm-pages-at-once',
    rule: 'WasmProgram: offsets hold until the next call; `moved` says whether several do',
    mend: 'let `moved` say 1 once after translations were flushed, or the unit has waited, and 0 then',
    cross: { flush: ['no', 'yes'] },
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2]) await rig.load(frame, pattern(frame, rig.pageSize));
      await rig.map([0], [0]);
      const code = module(
        { ...ARG, read: '(param i64) (result i32)', write: '(param i64) (result i32)', moved: '(result i32)' },
        `(local $from i32) (local $to i32) (local $i i32)
        (loop $again
          (local.set $from (call $read (call $arg_i64 (i32.const 0))))
          (local.set $to (call $write (call $arg_i64 (i32.const 1))))
          (br_if $again (call $moved)))
        (loop $next
          (i32.store8 (i32.add (local.get $to) (local.get $i)) (i32.load8_u (i32.add (local.get $from) (local.get $i))))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4096))))`,
        '(import "mirrorspace" "memory" (memory 0 65536 shared))',
      );
      const fence = rig.start(rig.launchWasm(code, [1, 1, 1], [rig.at(0), rig.at(1)]));
      await rig.faults();
      // While it waits for the second page, the first gets another frame.
      if (env.params['flush'] === 'yes') {
        await rig.unmap([0]);
        await rig.map([0], [2]);
      }
      await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      await rig.wait(fence);
      const source = env.params['flush'] === 'yes' ? 2 : 0;
      bytesEqual((await rig.unload(1)).slice(0, 4096), pattern(source, 4096), 'the page that was copied');
    },
  },
  {
    name: 'wasm-goes-on-in-the-midst',
    rule: 'WasmProgram: an access that is not there waits, and goes on: a unit never starts again',
    mend: 'keep the unit where it is until the replay',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      const code = module(
        { ...ARG, atomic_add_u32: '(param i64 i32) (result i32)' },
        `(drop (call $atomic_add_u32 ${at(0, 0)} (i32.const 1))) (drop (call $atomic_add_u32 ${at(1, 0)} (i32.const 1)))`,
      );
      const fence = rig.start(rig.launchWasm(code, [1, 1, 1], [rig.at(0), rig.at(1)]));
      await rig.faults();
      equal(words(await rig.unload(0))[0], 1, 'what the unit did before it had to wait');
      for (let i = 0; i < 3; i++) {
        await rig.page(rig.replayCommand());
        await rig.faults();
      }
      await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      await rig.wait(fence);
      equal(words(await rig.unload(0))[0], 1, 'the first addition');
      equal(words(await rig.unload(1))[0], 1, 'the second addition');
    },
  },
  {
    name: 'wasm-program-fails',
    rule: 'PROGRAM: a device program trapped or does not compile; the queue goes on',
    mend: 'fail the fence with PROGRAM, and leave everything else as it is',
    cross: { by: ['trap', 'unaligned', 'text', 'bytes', 'import', 'no-run', 'argument'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, 16));
      await rig.map([0], [0]);
      const load = { ...ARG, load_u32: '(param i64) (result i32)' };
      const codes: Readonly<Record<string, string | Uint8Array>> = {
        trap: module({}, 'unreachable'),
        unaligned: module(load, `(drop (call $load_u32 ${at(0, 2)}))`),
        text: '(module (func (export "run") (i32.add)))',
        bytes: Uint8Array.of(0, 97, 115, 109),
        import: module({ reboot: '' }, '(call $reboot)'),
        'no-run': '(module)',
        argument: module(ARG, '(drop (call $arg_i64 (i32.const 1)))'),
      };
      const fence = rig.start(rig.launchWasm(codes[String(env.params['by'])]!, [2, 1, 1], [rig.at(0)]));
      await rejects(rig.wait(fence), ['PROGRAM'], 'a launch whose program fails');
      bytesEqual(await rig.read(rig.at(0), 16), pattern(0, 16), 'the queue after a failed launch');
    },
  },
  {
    name: 'wasm-beyond-the-address-space',
    rule: 'ADDRESS_NOT_MAPPED: no region covers the address',
    mend: 'translate all 64 bits of an address',
    cross: { by: ['last', 'high', 'negative'] },
    async run(env) {
      const rig = await Rig.open(env);
      const ends = { last: 2 ** rig.mmu.addressBits, high: 2 ** 52, negative: -4096 };
      const code = module({ ...ARG, load_u8: '(param i64) (result i32)' }, `(drop (call $load_u8 ${at(0, 0)}))`);
      const run = rig.launchWasm(code, [1, 1, 1], [ends[env.params['by'] as keyof typeof ends]]);
      await rejects(rig.wait(rig.start(run)), ['ADDRESS_NOT_MAPPED'], 'a load beyond the address space');
    },
  },
]);
