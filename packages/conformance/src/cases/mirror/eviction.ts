import type { AttachOptions } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, nameOf, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt, wasmLoop } from '../../wasm-text.js';

const POLICIES = ['lru', 'clock', 'fifo'];

type Eviction = NonNullable<AttachOptions['eviction']>;

export const eviction = defineCases({ level: 'mirror', area: 'eviction', needs: ['frames:8'] }, [
  {
    name: 'three-times-the-memory',
    rule: 'R2: dirty pages that are evicted keep what was written',
    mend: 'report the dirty bit when an entry is unmapped; finish copyOut before the frame is used again',
    tags: ['igt:evict', 'igt:large'],
    cross: { eviction: POLICIES },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 8, eviction: env.params['eviction'] as Eviction });
      const area = await t.map({ pages: 24 });
      for (let round = 0; round < 2; round++) {
        for (let page = 0; page < 24; page++)
          await t.mirror.write(area.at(page, 64 * round), pattern(page + round, 64));
      }
      for (let page = 0; page < 24; page++) {
        await area.expect(page, pattern(page, 64), `page ${page}, first round`);
        await area.expectCpu(page, pattern(page + 1, 64), `page ${page}, second round`, 64);
      }
      ok(t.mirror.stats.evictions > 0, 'pages were evicted');
    },
  },
  {
    name: 'random-accesses',
    rule: 'R2: at rest, memory equals a plain sequential model',
    mend: 'look for frames that are used again too early, and for bits that are lost',
    tags: ['igt:evict'],
    cross: { eviction: POLICIES, round: [1, 2] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 6, eviction: env.params['eviction'] as Eviction });
      const area = await t.map({ pages: 16 });
      const model = new Uint8Array(16 * 64);
      for (let i = 0; i < 120 + 10 * Number(env.params['round']); i++) {
        const page = env.pick(16);
        const offset = 8 * env.pick(7);
        const bytes = pattern(i + env.pick(1000), 8);
        const kind = env.pick(5);
        if (kind < 2) await t.mirror.write(area.at(page, offset), bytes);
        else if (kind === 2) await t.space.write(area.at(page, offset), bytes);
        else {
          const seen = await (kind === 3 ? t.mirror : t.space).read(area.at(page), 64);
          bytesEqual(
            seen,
            model.slice(64 * page, 64 * page + 64),
            `page ${page} in step ${i}, ${kind === 3 ? 'device' : 'CPU'}`,
          );
          continue;
        }
        model.set(bytes, 64 * page + offset);
      }
      for (let page = 0; page < 16; page++)
        await area.expect(page, model.slice(64 * page, 64 * page + 64), `page ${page} at the end`);
    },
  },
  {
    name: 'clean-pages-are-dropped',
    rule: 'BIT_DIRTY: a clean page is evicted without a copy',
    mend: 'report BIT_DIRTY for stores only',
    needs: ['dirty-bits', 'read-only-maps'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 6 });
      const area = await t.map({ pages: 20 });
      await t.space.write(area.address, pattern(1, area.bytes));
      for (let page = 0; page < 20; page++) await t.mirror.read(area.at(page), 64);
      ok(t.mirror.stats.evictions > 0, 'pages were evicted');
      equal(t.mirror.stats.bytesOut, 0, 'bytes copied home');
    },
  },
  {
    name: 'comes-back',
    rule: 'R2: an evicted page comes back with its content',
    mend: 'unmap the victim before its frame is filled anew',
    tags: ['hmm:migrate_release', 'igt:twice'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 9 });
      await t.mirror.write(area.address, pattern(1, 64));
      for (let round = 0; round < 3; round++) {
        for (let page = 1; page < 9; page++) await t.mirror.write(area.at(page), pattern(page + round, 32));
        await area.expectDevice(0, pattern(1, 64), `the first page after ${round + 1} rounds of eviction`);
      }
    },
  },
  {
    name: 'access-larger-than-memory',
    rule: 'OUT_OF_DEVICE_MEMORY: the device cannot hold the pages one access needs; never a wrong result',
    mend: 'cancel what cannot be served, or serve it in parts',
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 12 });
      for (let page = 0; page < 12; page++) await t.space.write(area.at(page), pattern(page, t.pageSize));
      const outcome = await t.mirror.read(area.address, area.bytes).catch((error: unknown) => error);
      if (outcome instanceof Uint8Array) {
        for (let page = 0; page < 12; page++) {
          bytesEqual(
            outcome.slice(page * t.pageSize, (page + 1) * t.pageSize),
            pattern(page, t.pageSize),
            `page ${page} of a long read`,
          );
        }
      } else equal(nameOf(outcome), 'OUT_OF_DEVICE_MEMORY', 'error of a read that needs more pages than there are');
      await area.expectDevice(3, pattern(3, 64), 'a page afterwards');
    },
  },
  {
    name: 'thrashing-progresses',
    rule: 'R8: under thrashing the active window shrinks, and every unit ends',
    mend: 'honour the window of replayFaults: 1 unit must be able to finish alone',
    tags: ['igt:threads-shared-vm', 'igt:evict'],
    needs: ['program', 'atomics', 'replayable-faults'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 6 });
      const area = await t.map({ pages: 16 });
      const program = t.program({
        js(ctx, { x }, [at = 0, size = 0]) {
          ctx.atomicAdd(at + (x % 16) * size, 1);
          ctx.atomicAdd(at + ((x * 5 + 1) % 16) * size, 1);
          ctx.atomicAdd(at + ((x * 11 + 7) % 16) * size, 1);
        },
        wgsl: `
          let x = unit.id.x;
          _ = atomicAdd_u32(${wgslAt('x % 16u')}, 1u);
          _ = atomicAdd_u32(${wgslAt('(x * 5u + 1u) % 16u')}, 1u);
          _ = atomicAdd_u32(${wgslAt('(x * 11u + 7u) % 16u')}, 1u);`,
        wasm: `
          ${wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 16))'))}
          ${wasmAdd(wasmAt('(i32.rem_u (i32.add (i32.mul (local.get $x) (i32.const 5)) (i32.const 1)) (i32.const 16))'))}
          ${wasmAdd(wasmAt('(i32.rem_u (i32.add (i32.mul (local.get $x) (i32.const 11)) (i32.const 7)) (i32.const 16))'))}`,
      });
      await t.mirror.launch(program, { args: [area.address, t.pageSize], grid: [64] }).wait({ timeoutMs: env.waitMs });
      let sum = 0;
      for (let page = 0; page < 16; page++) sum += (await t.space.read(area.at(page), 1))[0] ?? 0;
      equal(sum, 3 * 64, 'additions of 64 units that need 3 pages of 6 each');
    },
  },
  {
    name: 'queues-take-turns',
    rule: 'R8: launches on several queues, each of which fits the memory alone, all end',
    mend: 'name the queue that stalled in each fault; let a stalled access report its fault again on every replay',
    tags: ['igt:several-queues', 'igt:threads-shared-vm'],
    needs: ['queues', 'program', 'replayable-faults'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const queues = t.device.queues.filter(({ paging }) => !paging).slice(0, 3);
      const area = await t.map({ pages: 16 * queues.length });
      const program = t.program({
        js(ctx, { x }, [at = 0, size = 0]) {
          for (let page = 0; page < 4; page++) ctx.store32(at + (4 * x + page) * size, 4 * x + page + 1);
        },
        wgsl: `
          for (var page = 4u * unit.id.x; page < 4u * unit.id.x + 4u; page++) { store_u32(${wgslAt('page')}, page + 1u); }`,
        wasm: wasmLoop(
          4,
          `(call $store_u32 ${wasmAt('(i32.add (i32.mul (local.get $x) (i32.const 4)) (local.get $i))')}
            (i32.add (i32.mul (local.get $x) (i32.const 4)) (i32.add (local.get $i) (i32.const 1))))`,
        ),
      });
      const fences = queues.map(({ id }, i) =>
        t.mirror.launch(program, { args: [area.at(16 * i), t.pageSize], grid: [4], queue: id }),
      );
      for (const fence of fences) await fence.wait({ timeoutMs: env.waitMs });
      for (let page = 0; page < 16 * queues.length; page++)
        await area.expectCpu(page, Uint8Array.of((page % 16) + 1, 0, 0, 0), `page ${page}, each unit needs all frames`);
    },
  },
  {
    name: 'unit-larger-than-memory',
    rule: 'OUT_OF_DEVICE_MEMORY: the device cannot hold the pages one work unit needs at once',
    mend: 'fail the launch with the code of the cancel; nothing may hang',
    needs: ['program', 'replayable-faults'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 8 });
      await t.space.write(area.address, pattern(1, 64));
      const program = t.program({
        js(ctx, _id, [at = 0, size = 0]) {
          for (let page = 0; page < 8; page++) ctx.load32(at + page * size);
        },
        wgsl: `for (var page = 0u; page < 8u; page++) { _ = load_u32(${wgslAt('page')}); }`,
        // It waits in the midst, and so gets past each page: it needs them at once only if it comes back to them.
        wasm: wasmLoop(64, `(drop (call $load_u32 ${wasmAt('(i32.rem_u (local.get $i) (i32.const 8))')}))`),
      });
      const fence = t.mirror.launch(program, { args: [area.address, t.pageSize] });
      await rejects(fence.wait({ timeoutMs: env.waitMs }), ['OUT_OF_DEVICE_MEMORY'], 'a unit that needs 8 pages of 4');
      await area.expect(0, pattern(1, 64), 'the space afterwards');
    },
  },
  {
    name: 'concurrent-over-memory',
    rule: 'R7: no frame that an unfinished command buffer needs is evicted',
    mend: 'run submissions in order: a frame may be filled anew only behind its unmap and flush',
    tags: ['igt:several-queues', 'igt:multi-fault'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 12 });
      for (let round = 0; round < 3; round++) {
        await Promise.all(
          Array.from({ length: 12 }, (_, page) => t.mirror.write(area.at(page, 32 * round), pattern(page + round, 32))),
        );
      }
      for (let page = 0; page < 12; page++) {
        for (let round = 0; round < 3; round++)
          await area.expectCpu(page, pattern(page + round, 32), `page ${page}`, 32 * round);
      }
    },
  },
]);
