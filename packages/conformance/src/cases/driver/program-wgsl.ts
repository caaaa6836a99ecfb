import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

const needs = ['mmu:managed', 'program:wgsl', 'frames:4', 'replayable-faults'];

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);

export const programWgsl = defineCases({ level: 'driver', area: 'replay', needs }, [
  {
    name: 'wgsl-loads-and-stores',
    rule: 'WgslProgram: loads and stores of words, floats and vectors, little-endian, alone and within a page translated once',
    mend: 'reinterpret the words as the names say',
    async run(env) {
      const rig = await Rig.open(env);
      const source = new DataView(new ArrayBuffer(64));
      source.setUint32(0, 0xfedcba98, true);
      source.setInt32(4, -7, true);
      source.setFloat32(8, 1.5, true);
      for (let i = 0; i < 4; i++) source.setFloat32(16 + 4 * i, i - 0.25, true);
      for (let i = 0; i < 3; i++) source.setInt32(32 + 4 * i, -i, true);
      source.setUint32(48, 77, true);
      source.setFloat32(52, -2.5, true);
      await rig.load(0, new Uint8Array(source.buffer));
      await rig.load(1, new Uint8Array(64));
      await rig.map([0, 1], [0, 1]);
      const code = `fn run(unit: Unit) {
        let source = arg_address(0u);
        let sink = arg_address(1u);
        store_u32(sink, load_u32(source));
        store_i32(advance(sink, 1u), load_i32(advance(source, 1u)));
        store_f32(advance(sink, 2u), load_f32(advance(source, 2u)));
        store_vec4f(advance(sink, 4u), load_vec4f(advance(source, 4u)));
        store_vec3i(advance(sink, 8u), load_vec3i(advance(source, 8u)));
        let here = page_to_load(source);
        let there = page_to_store(sink);
        store_in_u32(there, 12u, load_in_u32(here, 12u));
        store_in_f32(there, 13u, load_in_f32(here, 13u));
      }`;
      await rig.wait(rig.start(rig.launchWgsl({ code, lanes: 1 }, [1, 1, 1], [rig.at(0), rig.at(1)])));
      bytesEqual((await rig.unload(1)).slice(0, 64), new Uint8Array(source.buffer), 'what the program copied');
    },
  },
  {
    name: 'wgsl-atomics',
    rule: 'WgslProgram: atomic operations give the old value',
    mend: 'return what the word was before the operation',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(Uint32Array.of(10, 20, 30, 40, 50, 60, 70, 80).buffer));
      await rig.load(1, new Uint8Array(64));
      await rig.map([0, 1], [0, 1]);
      const operations = ['Add', 'Min', 'Max', 'And', 'Or', 'Xor', 'Exchange'];
      const code = `fn run(unit: Unit) {
        ${operations.map((name, i) => `store_u32(advance(arg_address(1u), ${i}u), atomic${name}_u32(advance(arg_address(0u), ${i}u), 36u));`).join('\n')}
        store_u32(advance(arg_address(1u), 7u), atomicCompareExchange_u32(advance(arg_address(0u), 7u), 80u, 36u));
      }`;
      await rig.wait(rig.start(rig.launchWgsl({ code, lanes: 1 }, [1, 1, 1], [rig.at(0), rig.at(1)])));
      const before = words(await rig.unload(1)).slice(0, 8);
      deepEqual(before, Uint32Array.of(10, 20, 30, 40, 50, 60, 70, 80), 'old values');
      const after = words(await rig.unload(0)).slice(0, 8);
      deepEqual(after, Uint32Array.of(46, 20, 36, 40 & 36, 50 | 36, 60 ^ 36, 36, 36), 'new values');
    },
  },
  {
    name: 'wgsl-lanes-and-barriers',
    rule: 'WgslProgram: the lanes of a unit share workgroup variables, and a unit that faults in any lane takes no effect',
    mend: 'let a fault of one lane hold back all lanes of its unit; run a unit again from its start',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2]) await rig.load(frame, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      const code = `
        var<workgroup> sum: atomic<u32>;
        fn run(unit: Unit) {
          atomicAdd(&sum, unit.lane);
          workgroupBarrier();
          if (unit.lane == 3u) { store_u32(advance(arg_address(1u), unit.index), atomicLoad(&sum)); }
          if (unit.lane == 0u) { _ = atomicAdd_u32(arg_address(0u), 1u); }
        }`;
      const units = 8;
      const fence = rig.start(rig.launchWgsl({ code, lanes: 8 }, [units, 1, 1], [rig.at(0), rig.at(1)]));
      await rig.faults();
      rig.drain();
      equal(words(await rig.unload(0))[0], 0, 'additions of units that wait for a page');
      await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      await rig.wait(fence);
      equal(words(await rig.unload(0))[0], units, 'additions of all units');
      deepEqual(words(await rig.unload(1)).slice(0, units), new Uint32Array(units).fill(28), 'sums over lanes');
    },
  },
  {
    name: 'wgsl-does-not-compile',
    rule: 'PROGRAM: a device program does not compile; the message says where, and the queue goes on',
    mend: 'fail the launch with PROGRAM, and give the line in the program’s own code',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, 16));
      await rig.map([0], [0]);
      const code = 'fn run(unit: Unit) {\n  let a = 1u;\n  store_u32(no_such_thing, a);\n}';
      const fence = rig.start(rig.launchWgsl({ code }, [1, 1, 1]));
      const error = await rejects(rig.wait(fence), ['PROGRAM'], 'a launch that does not compile');
      ok(/\b3\b/.test(error.message), `the message does not name line 3: ${error.message}`);
      bytesEqual(await rig.read(rig.at(0), 16), pattern(0, 16), 'the queue after a failed launch');
    },
  },
  {
    name: 'wgsl-idempotent',
    rule: 'WgslProgram.idempotent: units that may run again still all run, until each ran to its end',
    mend: 'run a unit that met a missing page again',
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(rig.pageSize));
      const code = `fn run(unit: Unit) {
        store_u32(advance(arg_address(0u), unit.index), unit.index + 1u);
        store_u32(advance(arg_address(1u), unit.index), unit.index + 2u);
      }`;
      const launch = rig.launchWgsl({ code, lanes: 1, idempotent: true }, [8, 1, 1], [rig.at(0), rig.at(1)]);
      const fence = rig.start(launch);
      for (const page of [0, 1]) {
        await rig.faults();
        rig.drain();
        await rig.page(rig.mapCommand([page], [page]), rig.replayCommand());
      }
      await rig.wait(fence);
      for (const frame of [0, 1]) {
        const expected = Uint32Array.from({ length: 8 }, (_, i) => i + 1 + frame);
        deepEqual(words(await rig.unload(frame)).slice(0, 8), expected, `what the units stored to page ${frame}`);
      }
    },
  },
  {
    name: 'launch-only',
    rule: 'LaunchCommand.only: what a launch says of all that it accesses changes nothing about its effect, whether its pages are there or missing',
    mend: 'look whether all pages are there before you rely on it',
    cross: { there: ['all', 'some'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(Uint32Array.of(5, 6, 7, 8).buffer));
      await rig.load(1, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      if (env.params['there'] === 'all') await rig.map([1], [1]);
      const code =
        'fn run(unit: Unit) { store_u32(advance(arg_address(1u), unit.index), load_u32(advance(arg_address(0u), unit.index)) * 2u); }';
      const launch = rig.launchWgsl({ code, lanes: 1 }, [4, 1, 1], [rig.at(0), rig.at(1)]);
      const only = { reads: [[rig.at(0), 16]], writes: [[rig.at(1), 16]] } as const;
      const fence = rig.start({ ...launch, only } as typeof launch);
      if (env.params['there'] === 'some') {
        await rig.faults();
        rig.drain();
        await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      }
      await rig.wait(fence);
      deepEqual(words(await rig.unload(1)).slice(0, 4), Uint32Array.of(10, 12, 14, 16), 'doubled words');
    },
  },
]);
