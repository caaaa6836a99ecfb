import { defineCases } from '../../case.js';
import { deepEqual, equal } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt, wasmBehind } from '../../wasm-text.js';

const RULE = 'R2: a work unit takes effect exactly once, however often faults make the device replay it';
const MEND = 'abandon a faulting unit without effect; make its stores and its end one step';

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

export const replay = defineCases({ level: 'mirror', area: 'replay' }, [
  {
    name: 'units-once',
    rule: RULE,
    mend: MEND,
    tags: ['igt:many', 'igt:threads-shared-vm'],
    needs: ['program', 'atomics', 'frames:8'],
    cross: { frames: [3, 6, 64] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: Number(env.params['frames']) });
      const area = await t.map({ pages: 8 });
      const program = t.program({
        js(ctx, { x }, [at = 0, size = 0]) {
          ctx.atomicAdd(at + 4 * x, 1);
          ctx.atomicAdd(at + (1 + (x % 7)) * size, 1);
        },
        wgsl: `
          _ = atomicAdd_u32(advance(arg_address(0u), unit.id.x), 1u);
          _ = atomicAdd_u32(${wgslAt('1u + unit.id.x % 7u')}, 1u);`,
        wasm: `
          ${wasmAdd(wasmBehind('(i32.shl (local.get $x) (i32.const 2))'))}
          ${wasmAdd(wasmAt('(i32.add (i32.const 1) (i32.rem_u (local.get $x) (i32.const 7)))'))}`,
      });
      const units = 84;
      await t.mirror
        .launch(program, { args: [area.address, t.pageSize], grid: [units] })
        .wait({ timeoutMs: env.waitMs });
      const counters = new Uint32Array((await t.space.read(area.address, 4 * units)).slice().buffer);
      deepEqual(counters, new Uint32Array(units).fill(1), 'effects of each unit');
      for (let page = 1; page < 8; page++)
        equal(word(await t.space.read(area.at(page), 4)), 12, `additions to page ${page}`);
    },
  },
  {
    name: 'additions-once',
    rule: 'AtomicAddCommand: exactly once, however often it is replayed',
    mend: 'apply the addition only when the translation succeeded',
    tags: ['igt:evict'],
    needs: ['atomics', 'frames:8'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 3 });
      const area = await t.map({ pages: 8 });
      await Promise.all(Array.from({ length: 64 }, (_, i) => t.mirror.atomicAdd(area.at(i % 8), 1 + (i >> 3))));
      for (let page = 0; page < 8; page++)
        equal(word(await t.space.read(area.at(page), 4)), 36, `the sum in page ${page}`);
    },
  },
  {
    name: 'cpu-in-between',
    rule: RULE,
    mend: MEND,
    tags: ['igt:race', 'hmm:exclusive'],
    needs: ['program', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 4) * size, 1),
        wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 4u')}, 1u);`,
        wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 4))')),
      });
      const fence = t.mirror.launch(program, { args: [area.address, t.pageSize], grid: [200] });
      const done = env.expect('the launch', fence.wait({ timeoutMs: env.waitMs }));
      for (let i = 0; i < 8; i++) await t.space.write(area.at(i % 4, 64), pattern(i, 8));
      await done;
      let sum = 0;
      for (let page = 0; page < 4; page++) sum += word(await t.space.read(area.at(page), 4));
      equal(sum, 200, 'additions while the CPU took the pages away');
      for (let i = 4; i < 8; i++) await area.expect(i % 4, pattern(i, 8), `what the CPU wrote in step ${i}`, 64);
    },
  },
  {
    name: 'launches-in-order',
    rule: 'CommandQueue: runs submissions strictly in order, faults or not',
    mend: 'a stalled launch holds back what is behind it on its queue',
    tags: ['igt:several-queues'],
    needs: ['program', 'frames:8'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 6 });
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0, value = 0]) =>
          ctx.store32(at + x * size, ctx.load32(at + x * size) * 3 + value),
        wgsl: `let at = ${wgslAt('unit.id.x')}; store_u32(at, load_u32(at) * 3u + arg_u32(2u));`,
        wasm: `(call $store_u32 ${wasmAt('(local.get $x)')}
          (i32.add (i32.mul (call $load_u32 ${wasmAt('(local.get $x)')}) (i32.const 3)) (call $arg_i32 (i32.const 2))))`,
      });
      const queue = t.device.queues.find(({ paging }) => !paging)?.id ?? 0;
      const fences = [1, 2, 3].map((value) =>
        t.mirror.launch(program, { args: [area.address, t.pageSize, value], grid: [6], queue }),
      );
      for (const fence of fences) await fence.wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 6; page++)
        equal(word(await t.space.read(area.at(page), 4)), 18, `the word of page ${page}`);
    },
  },
  {
    name: 'after-a-fence',
    rule: 'SubmitOptions.after: starts only when these settled, whatever stalls before them',
    mend: 'wait for the fence of the other queue before the first access',
    tags: ['igt:several-queues'],
    needs: ['program', 'queues'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      const [first, second] = t.device.queues.filter(({ paging }) => !paging);
      const store = t.program({
        js: (ctx, _id, [at = 0]) => ctx.store32(at, 41),
        wgsl: 'store_u32(arg_address(0u), 41u);',
        wasm: `(call $store_u32 ${wasmBehind('(i32.const 0)')} (i32.const 41))`,
      });
      const next = t.program({
        js: (ctx, _id, [from = 0, to = 0]) => ctx.store32(to, ctx.load32(from) + 1),
        wgsl: 'store_u32(arg_address(1u), load_u32(arg_address(0u)) + 1u);',
        wasm: `(call $store_u32 (call $arg_i64 (i32.const 1))
          (i32.add (call $load_u32 (call $arg_i64 (i32.const 0))) (i32.const 1)))`,
      });
      const one = t.mirror.launch(store, { args: [area.at(0)], queue: first?.id ?? 0 });
      const two = t.mirror.launch(next, { args: [area.at(0), area.at(1)], queue: second?.id ?? 0, after: [one] });
      await two.wait({ timeoutMs: env.waitMs });
      equal(word(await t.space.read(area.at(1), 4)), 42, 'what the second launch made of the first one’s word');
    },
  },
]);
