import type { Fence } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt, wasmBehind } from '../../wasm-text.js';

/** Serves every fault by mapping page i to frame i, and replays, until the fence settled. */
async function serve(rig: Rig, fence: Fence, window?: number): Promise<void> {
  const { faults } = rig.device;
  const ended = (): boolean => fence.signaled || fence.error !== undefined;
  for (let rounds = 0; !ended(); rounds++) {
    const before = faults.retired;
    // With a window the others stay stalled, unreported, until a later replay.
    await rig.env.until(
      () => ended() || faults.pending > 0 || (window !== undefined && faults.stalled > 0),
      'a fault or the end',
    );
    const pages = [...new Set(rig.drain().map(({ page }) => page))];
    await rig.page(rig.mapCommand(pages, pages), rig.replayCommand(window));
    if (window !== undefined)
      await rig.env.until(() => ended() || faults.retired > before || faults.pending > 0, 'a unit retires');
    ok(rounds < 10_000, 'R8: every retry loop makes progress');
  }
}

/** WebAssembly text for the address so many times the size in argument 2 behind the address in argument 1. */
function wasmOther(index: string): string {
  return `(i64.add (call $arg_i64 (i32.const 1)) (i64.mul (i64.extend_i32_u ${index}) (call $arg_i64 (i32.const 2))))`;
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

const needs = ['mmu:managed', 'replayable-faults', 'frames:4'];

export const replay = defineCases({ level: 'driver', area: 'replay', needs }, [
  {
    name: 'atomic-once',
    rule: 'AtomicAddCommand: adds exactly once, however often it is replayed',
    mend: 'apply the addition only when the translation succeeded',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(4));
      const previous = Uint32Array.of(99);
      const fence = rig.start(rig.atomicCommand(rig.at(0), 7, previous));
      for (let i = 0; i < 4; i++) {
        await rig.faults();
        await rig.page(rig.replayCommand());
      }
      await rig.faults();
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand(), rig.replayCommand());
      await rig.wait(fence);
      equal(previous[0], 0, 'previous value');
      equal(words(await rig.unload(0))[0], 7, 'the word after five replays');
    },
  },
  {
    name: 'write-across-a-fault',
    rule: 'WriteCommand: takes effect whole once all of its pages are there',
    mend: 'on replay, finish what is missing; store the same bytes at the same place',
    tags: ['igt:multi-fault'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const bytes = pattern(1, 40);
      const fence = rig.start(rig.writeCommand(rig.at(1, -20), bytes));
      await serve(rig, fence);
      bytesEqual(await rig.read(rig.at(1, -20), 40), bytes, 'the crossing store');
    },
  },
  {
    name: 'read-across-faults',
    rule: 'ReadCommand: `into` is written only if the whole access succeeds',
    mend: 'collect the bytes, and hand them over at the end',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, rig.pageSize));
      await rig.load(1, pattern(1, rig.pageSize));
      await rig.map([0], [0]);
      const into = new Uint8Array(32).fill(0x11);
      const fence = rig.start(rig.readCommand(rig.at(1, -16), into));
      await rig.faults();
      bytesEqual(into, new Uint8Array(32).fill(0x11), 'the buffer of a read that is stalled half way');
      await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      await rig.wait(fence);
      const expected = new Uint8Array(32);
      expected.set(pattern(0, rig.pageSize).slice(-16));
      expected.set(pattern(1, rig.pageSize).slice(0, 16), 16);
      bytesEqual(into, expected, 'both halves');
    },
  },
  {
    name: 'spurious-replay',
    rule: 'ReplayFaultsCommand: lets stalled accesses try again; where none is stalled, nothing happens',
    mend: 'do not repeat what ended',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(4));
      await rig.map([0], [0]);
      await rig.wait(rig.start(rig.atomicCommand(rig.at(0), 1)));
      for (let i = 0; i < 5; i++) await rig.page(rig.replayCommand());
      await env.quiet(rig.device);
      equal(words(await rig.unload(0))[0], 1, 'the word after replays of nothing');
    },
  },
  {
    name: 'replay-of-one-mmu',
    rule: 'ReplayFaultsCommand.mmu: the stalled accesses of that MMU',
    mend: 'leave the stalled accesses of other MMUs alone; keep their faults reported once',
    needs: ['queues', 'faults:2'],
    async run(env) {
      const rig = await Rig.open(env);
      const other = await rig.sibling();
      const second = rig.device.queues.filter(({ paging }) => !paging)[1];
      ok(second, 'the second user queue');
      const mine = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      const theirs = second.submit([other.readCommand(other.at(0), new Uint8Array(4))]);
      await env.until(() => rig.device.faults.pending === 2, 'both faults are pending');
      rig.drain();
      await rig.page(rig.mapCommand([0], [0]), other.mapCommand([0], [1]), rig.replayCommand());
      await rig.wait(mine);
      await env.quiet(rig.device);
      ok(!theirs.signaled, 'an access of another MMU was replayed');
      await rig.page(other.replayCommand());
      await rig.wait(theirs);
    },
  },
  {
    name: 'unit-once',
    rule: 'R2: a work unit takes effect exactly once, however often faults make the device replay it',
    mend: 'abandon a faulting unit without effect; mark it done in the step that makes its stores visible',
    tags: ['igt:many'],
    needs: ['program', 'atomics'],
    cross: { window: [0, 1, 3] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(rig.pageSize));
      for (const frame of [1, 2, 3]) await rig.load(frame, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      const units = 24;
      const run = rig.launchCommand(
        {
          js: (ctx, { x }, [counters = 0, others = 0, size = 0]) => {
            ctx.atomicAdd(counters + 4 * x, 1);
            ctx.store32(others + (x % 3) * size + 4 * x, x + 1);
            ctx.atomicAdd(others + ((x + 1) % 3) * size, 1);
          },
          wgsl: `
            let x = unit.id.x;
            _ = atomicAdd_u32(advance(arg_address(0u), x), 1u);
            store_u32(advance(arg_address(1u), (x % 3u) * arg_words(2u) + x), x + 1u);
            _ = atomicAdd_u32(advance(arg_address(1u), ((x + 1u) % 3u) * arg_words(2u)), 1u);`,
          wasm: `
            ${wasmAdd(wasmBehind('(i32.shl (local.get $x) (i32.const 2))'))}
            (call $store_u32
              (i64.add (i64.extend_i32_u (i32.shl (local.get $x) (i32.const 2))) ${wasmOther('(i32.rem_u (local.get $x) (i32.const 3))')})
              (i32.add (local.get $x) (i32.const 1)))
            ${wasmAdd(wasmOther('(i32.rem_u (i32.add (local.get $x) (i32.const 1)) (i32.const 3))'))}`,
        },
        [units, 1, 1],
        [rig.at(0), rig.at(1), rig.pageSize],
      );
      const fence = rig.start(run);
      const window = Number(env.params['window']);
      await serve(rig, fence, window || undefined);
      await rig.wait(fence);
      deepEqual(words(await rig.unload(0)).slice(0, units), new Uint32Array(units).fill(1), 'effects of each unit');
    },
  },
  {
    name: 'retry-is-not-done',
    rule: 'UnitContext.probe: a unit that returns retry is abandoned and runs again',
    mend: 'do not retire a unit that returned retry',
    needs: ['program', 'atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(rig.pageSize));
      const run = rig.launchCommand(
        {
          js: (ctx, { x }, [first = 0, size = 0]) => {
            const mine = first + (x % 2) * size;
            if (!ctx.probe(mine, 'write')) return 'retry';
            ctx.atomicAdd(mine, 1);
            return undefined;
          },
          wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 2u')}, 1u);`,
          wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 2))')),
        },
        [8, 1, 1],
        [rig.at(0), rig.pageSize],
      );
      const fence = rig.start(run);
      await serve(rig, fence);
      await rig.wait(fence);
      equal(words(await rig.unload(0))[0], 4, 'units with even numbers');
      equal(words(await rig.unload(1))[0], 4, 'units with odd numbers');
    },
  },
  {
    name: 'window',
    rule: 'ReplayFaultsCommand.window: at most that many work units a launch, the others stay stalled',
    mend: 'wake no more units than the window says; wake the rest on a later replay',
    tags: ['igt:evict'],
    needs: ['program'],
    async run(env) {
      const rig = await Rig.open(env);
      const units = Math.min(4, rig.device.limits.residentUnits, rig.device.limits.faultBuffer);
      const run = rig.launchCommand(
        {
          js: (ctx, { x }, [at = 0]) => ctx.store32(at + 4 * x, x),
          wgsl: 'store_u32(advance(arg_address(0u), unit.id.x), unit.id.x);',
          wasm: `(call $store_u32 ${wasmBehind('(i32.shl (local.get $x) (i32.const 2))')} (local.get $x))`,
        },
        [units, 1, 1],
        [rig.at(0)],
      );
      const fence = rig.start(run);
      await rig.stalled(units);
      rig.drain();
      const before = rig.device.faults.retired;
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand(1));
      await env.until(() => rig.device.faults.retired > before, 'a unit retires');
      await env.quiet(rig.device);
      ok(rig.device.faults.retired - before <= 1, `${rig.device.faults.retired - before} units ran in a window of 1`);
      for (let i = 1; i < units; i++) await rig.page(rig.replayCommand(1));
      await env.until(() => fence.signaled || rig.device.faults.stalled > 0, 'the end');
      await rig.page(rig.replayCommand());
      await rig.wait(fence);
    },
  },
  {
    name: 'overflow',
    rule: 'FaultSource: when the buffer is full, a fault is dropped: its access stays stalled and reports again on replay',
    mend: 'count it in `dropped`, keep the access stalled, and report it on the next replay',
    tags: ['igt:many'],
    needs: ['program', 'atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      const { faultBuffer, residentUnits } = rig.device.limits;
      const units = Math.min(faultBuffer + 8, 5000);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(rig.pageSize));
      const run = rig.launchCommand(
        {
          js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 2) * size, 1),
          wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 2u')}, 1u);`,
          wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 2))')),
        },
        [units, 1, 1],
        [rig.at(0), rig.pageSize],
      );
      const fence = rig.start(run);
      await rig.stalled(Math.min(units, residentUnits));
      const { pending, capacity, dropped } = rig.device.faults;
      ok(pending <= capacity, `${pending} faults in a buffer of ${capacity}`);
      if (residentUnits > faultBuffer && units > faultBuffer && pending === capacity) {
        ok(dropped >= 0, 'dropped faults are counted');
      }
      await serve(rig, fence);
      await rig.wait(fence);
      const done = (words(await rig.unload(0))[0] ?? 0) + (words(await rig.unload(1))[0] ?? 0);
      equal(done, units, 'units that took effect');
      equal(rig.device.faults.stalled, 0, 'stalled at the end');
    },
  },
]);
