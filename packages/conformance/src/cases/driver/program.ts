import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt, wasmBehind } from '../../wasm-text.js';

const needs = ['mmu:managed', 'program', 'frames:2'];

export const program = defineCases({ level: 'driver', area: 'replay', needs }, [
  {
    name: 'every-unit-of-the-grid',
    rule: 'LaunchCommand: runs a program over a grid of work units, each exactly once',
    mend: 'visit each (x, y, z) once',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      const grid: [number, number, number] = [5, 3, 2];
      const run = rig.launchCommand(
        {
          js: (ctx, { x, y, z }, [at = 0]) => void ctx.atomicAdd(at + 4 * (x + 5 * (y + 3 * z)), 1),
          wgsl: '_ = atomicAdd_u32(advance(arg_address(0u), unit.id.x + 5u * (unit.id.y + 3u * unit.id.z)), 1u);',
          wasm: wasmAdd(
            wasmBehind(
              `(i32.shl (i32.add (local.get $x) (i32.mul (i32.const 5) (i32.add (local.get $y) (i32.mul (i32.const 3) (local.get $z))))) (i32.const 2))`,
            ),
          ),
        },
        grid,
        [rig.at(0)],
      );
      await rig.wait(rig.start(run));
      const counts = new Uint32Array((await rig.unload(0)).slice(0, 120).buffer);
      deepEqual(counts, new Uint32Array(30).fill(1), 'visits of each unit');
    },
  },
  {
    name: 'loads-and-stores',
    rule: 'UnitContext: loads and stores of 8, 32 and 64 bits, little-endian',
    mend: 'read and write the widths and kinds that the names say',
    needs: ['program:js'],
    async run(env) {
      const rig = await Rig.open(env);
      const source = new DataView(new ArrayBuffer(64));
      source.setUint8(0, 200);
      source.setUint32(4, 0xfedcba98, true);
      source.setInt32(8, -7, true);
      source.setFloat32(12, 1.5, true);
      source.setFloat64(16, Math.PI, true);
      await rig.load(0, new Uint8Array(source.buffer));
      await rig.load(1, new Uint8Array(64));
      await rig.map([0, 1], [0, 1]);
      const run = rig.launchJs(
        (ctx, _id, [from = 0, to = 0]) => {
          ctx.store8(to, ctx.load8(from));
          ctx.store32(to + 4, ctx.load32(from + 4));
          ctx.store32(to + 8, ctx.loadI32(from + 8));
          ctx.storeF32(to + 12, ctx.loadF32(from + 12));
          ctx.storeF64(to + 16, ctx.loadF64(from + 16));
        },
        [1, 1, 1],
        [rig.at(0), rig.at(1)],
      );
      await rig.wait(rig.start(run));
      bytesEqual((await rig.unload(1)).slice(0, 64), new Uint8Array(source.buffer), 'what the program copied');
    },
  },
  {
    name: 'values-of-loads',
    rule: 'UnitContext: load32 is unsigned, loadI32 signed, atomicAdd gives the previous value from 0 to 2^32 - 1',
    mend: 'convert to the range of the load',
    needs: ['program:js', 'atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(16).fill(0xff));
      await rig.map([0], [0]);
      const seen: number[] = [];
      const run = rig.launchJs(
        (ctx, _id, [at = 0]) =>
          void seen.push(ctx.load8(at), ctx.load32(at), ctx.loadI32(at), ctx.atomicAdd(at, 2), ctx.load32(at)),
        [1, 1, 1],
        [rig.at(0)],
      );
      await rig.wait(rig.start(run));
      deepEqual(seen.slice(-5), [255, 0xffffffff, -1, 0xffffffff, 1], 'loaded values');
    },
  },
  {
    name: 'pointers',
    rule: 'UnitContext: virtual addresses only: a pointer that the CPU stored means the same on the device',
    mend: 'translate every address; keep all bits of it',
    needs: ['program:js'],
    async run(env) {
      const rig = await Rig.open(env);
      const chain = new DataView(new ArrayBuffer(64));
      chain.setFloat64(0, rig.at(1, 24), true);
      await rig.load(0, new Uint8Array(chain.buffer));
      const end = new DataView(new ArrayBuffer(64));
      end.setFloat64(24, rig.at(0, 40), true);
      await rig.load(1, new Uint8Array(end.buffer));
      await rig.map([0, 1], [0, 1]);
      const chase = rig.launchJs(
        (ctx, _id, [at = 0]) => ctx.store32(ctx.loadF64(ctx.loadF64(at)), 42),
        [1, 1, 1],
        [rig.at(0)],
      );
      await rig.wait(rig.start(chase));
      equal((await rig.unload(0))[40], 42, 'the word at the end of the chain');
    },
  },
  {
    name: 'error-fails-the-launch',
    rule: 'PROGRAM: a device program threw; the queue goes on',
    mend: 'fail the fence with PROGRAM and the thrown error as cause',
    cross: { by: ['throw', 'unaligned'] },
    needs: ['program:js'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, 16));
      await rig.map([0], [0]);
      const unaligned = env.params['by'] === 'unaligned';
      const run = rig.launchJs(
        (ctx, _id, [at = 0]) => {
          if (!unaligned) throw new Error('on purpose');
          ctx.load32(at + 2);
        },
        [2, 1, 1],
        [rig.at(0)],
      );
      const fence = rig.start(run);
      await rejects(rig.wait(fence), ['PROGRAM'], 'a launch whose program throws');
      bytesEqual(await rig.read(rig.at(0), 16), pattern(0, 16), 'the queue after a failed launch');
    },
  },
  {
    name: 'neighbour-units',
    rule: 'R3: a store to one page changes no other frame',
    mend: 'give each store its own translation',
    tags: ['igt:threads-shared-vm'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(rig.pageSize));
      await rig.map([0, 1], [1, 0]);
      const half = rig.pageSize / 8;
      const run = rig.launchCommand(
        {
          js: (ctx, { x }, [at = 0, step = 0]) => ctx.store32(at + x * step, x + 1),
          wgsl: `store_u32(${wgslAt('unit.id.x')}, unit.id.x + 1u);`,
          wasm: `(call $store_u32 ${wasmAt('(local.get $x)')} (i32.add (local.get $x) (i32.const 1)))`,
        },
        [4, 1, 1],
        [rig.at(1, -2 * half), half],
      );
      await rig.wait(rig.start(run));
      const at = (bytes: Uint8Array, offset: number): number => new DataView(bytes.buffer).getUint32(offset, true);
      const first = await rig.unload(1);
      const second = await rig.unload(0);
      const found = [at(first, 6 * half), at(first, 7 * half), at(second, 0), at(second, half)];
      deepEqual(found, [1, 2, 3, 4], 'words on both sides of the page boundary');
      equal([...first, ...second].filter((byte) => byte !== 0).length, 4, 'bytes changed altogether');
    },
  },
]);
