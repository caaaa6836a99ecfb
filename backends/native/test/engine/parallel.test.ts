import { BIT_DIRTY } from '@mirrorspace/core/driver';
import { afterEach, describe, expect, it } from 'vitest';
import { HANG_MS, PAGE, programOf, Rig } from './rig.js';

let rig: Rig;
afterEach(() => rig.device.close());

const COUNT = `
    (call $store_u32 (call $arg_i64 (i32.const 0)) (i32.add (call $load_u32 (call $arg_i64 (i32.const 0))) (i32.const 1)))`;

/** Count up the word at argument 0 until the one at argument 1 is not 0. */
const BUMP = {
  words: programOf(`(loop $on ${COUNT} (br_if $on (i32.eqz (call $load_u32 (call $arg_i64 (i32.const 1))))))`),
  // Many stores by one translation.
  runs: programOf(`(loop $on
    (local.set $at (call $write (call $arg_i64 (i32.const 0))))
    (local.set $i (i32.const 2000))
    (loop $more
      (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
      (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (br_if $on (i32.eqz (call $load_u32 (call $arg_i64 (i32.const 1))))))`),
  // Without a loop: a tree of calls that has no end within a lifetime.
  calls: programOf(
    '(call $grow (i32.const 60))',
    `(func $grow (param $height i32) ${COUNT}
      (if (call $load_u32 (call $arg_i64 (i32.const 1))) (then (return)))
      (if (local.get $height) (then
        (call $grow (i32.sub (local.get $height) (i32.const 1)))
        (call $grow (i32.sub (local.get $height) (i32.const 1))))))`,
  ),
};
const WAYS = ['words', 'runs', 'calls'] as const;

describe('units that really run in parallel', () => {
  it('meet at a barrier', async () => {
    rig = await Rig.open();
    await rig.load(0, new Uint8Array(PAGE));
    await rig.page(rig.mapping(0, 0));
    const meet = programOf(`
      (drop (call $atomic_add_u32 (call $arg_i64 (i32.const 0)) (i32.const 1)))
      (loop $wait (br_if $wait (i32.lt_u (call $load_u32 (call $arg_i64 (i32.const 0))) (i32.const 2))))`);
    await rig.launch(meet, 2, [rig.at(0)]).wait({ timeoutMs: HANG_MS });
    expect(await rig.word(0)).toBe(2);
  });

  it('add to one word without losing any', async () => {
    rig = await Rig.open();
    await rig.load(0, new Uint8Array(PAGE));
    await rig.page(rig.mapping(0, 0));
    const add = programOf(`(drop (call $atomic_add_u32 (call $arg_i64 (i32.const 0)) (i32.const 1)))`);
    const fences = [1, 2, 3, 4].map((queue) => rig.launch(add, 5000, [rig.at(0)], queue));
    for (const fence of fences) await fence.wait({ timeoutMs: HANG_MS });
    expect(await rig.word(0)).toBe(20_000);
    expect(rig.device.faults.retired).toBe(20_000);
  });

  it.each(WAYS)('store nothing to a frame after the fence of the flush (R1), by %s', async (by) => {
    rig = await Rig.open();
    for (const frame of [0, 1, 2]) await rig.load(frame, new Uint8Array(PAGE));
    await rig.page(rig.mapping(0, 0), rig.mapping(1, 2));
    const fence = rig.launch(BUMP[by], 1, [rig.at(0), rig.at(1)]);
    const other = new Uint8Array(PAGE).fill(0xaa);
    for (let round = 0; round < 100; round++) {
      const frame = round % 2;
      const before = await rig.word(frame);
      await rig.until(() => round % 5 > 0 || rig.device.faults.stalled === 0, 'the unit runs');
      await rig.page({ kind: 'unmap', ...rig.list([0]) }, rig.flush);
      const content = await rig.unload(frame);
      expect(new Uint32Array(content.buffer)[0]).toBeGreaterThanOrEqual(before);
      await rig.load(frame, other);
      await rig.until(() => rig.device.faults.stalled === 1, 'the unit has missed the page');
      expect(await rig.unload(frame)).toEqual(other);
      await rig.load(1 - frame, content);
      rig.drain();
      await rig.page(rig.mapping(0, 1 - frame), rig.replay);
    }
    await rig.load(2, new Uint8Array(PAGE).fill(1));
    await fence.wait({ timeoutMs: HANG_MS });
  });

  it.each(WAYS)('leave a dirty bit for each store, by %s', async (by) => {
    rig = await Rig.open();
    for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(PAGE));
    await rig.page(rig.mapping(0, 0), rig.mapping(1, 1));
    const fence = rig.launch(BUMP[by], 1, [rig.at(0), rig.at(1)]);
    const bits = new Uint8Array(1);
    let copy = 0;
    const writeBack = async () => {
      await rig.page({ kind: 'harvest', ...rig.list([0]), bits });
      if ((bits[0]! & BIT_DIRTY) !== 0) copy = await rig.word(0);
    };
    // It may take a while until the unit's thread runs.
    for (let round = 0; round < 200 || copy <= 200; round++) await writeBack();
    await rig.load(1, new Uint8Array(PAGE).fill(1));
    await fence.wait({ timeoutMs: HANG_MS });
    await writeBack();
    expect(copy).toBe(await rig.word(0));
  });
});
