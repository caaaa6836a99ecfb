import { PTE_SHARED, type Fence } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig, RW } from '../../rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

const MOST_UNITS = 4096;
/** Rounds of replay without a report or an end after which a fault counts as forgotten. */
const IDLE_ROUNDS = 20;

/** Maps every page that is reported to one of four frames, and replays, until all fences settled. */
async function serve(rig: Rig, fences: readonly Fence[]): Promise<void> {
  const { faults, limits } = rig.device;
  const ended = (): boolean => fences.every((fence) => fence.signaled || fence.error !== undefined);
  for (let idle = 0; !ended();) {
    const before = faults.retired;
    const pages = [...new Set(rig.drain().map(({ page }) => page))];
    for (let from = 0; from < pages.length; from += limits.pagesPerCommand) {
      const part = pages.slice(from, from + limits.pagesPerCommand);
      await rig.page(
        rig.mapCommand(
          part,
          part.map((page) => page % 4),
          RW | PTE_SHARED,
        ),
      );
    }
    await rig.page(rig.replayCommand());
    await rig.env.turn();
    // While nothing is stalled, the units are on their way.
    idle = pages.length > 0 || faults.retired > before || faults.stalled === 0 ? 0 : idle + 1;
    ok(
      idle < IDLE_ROUNDS || ended(),
      `${faults.stalled} accesses stay stalled, and ${IDLE_ROUNDS} replays brought no report of them`,
    );
  }
}

export const overflow = defineCases(
  { level: 'driver', area: 'fault', needs: ['mmu:managed', 'replayable-faults', 'frames:4'] },
  [
    {
      name: 'more-pages-than-entries',
      rule: 'FaultSource: when the buffer is full, a fault is dropped, and counted; its access stays stalled and reports again on replay',
      mend: 'keep the access stalled, count it in `dropped`, and report it when it is replayed without its page',
      tags: ['igt:many'],
      needs: ['program', 'atomics'],
      async run(env) {
        const rig = await Rig.open(env);
        const { faults, limits } = rig.device;
        const users = rig.device.queues.filter(({ paging }) => !paging);
        const resident = Math.min(limits.residentUnits, MOST_UNITS);
        for (const frame of [0, 1, 2, 3]) await rig.load(frame, new Uint8Array(rig.pageSize));
        // Every unit has a page of its own.
        const fences = users.map((queue, i) =>
          queue.submit([
            rig.launchCommand(
              {
                js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + x * size, 1),
                wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x')}, 1u);`,
                wasm: wasmAdd(wasmAt('(local.get $x)')),
              },
              [resident, 1, 1],
              [rig.at(i * resident), rig.pageSize],
            ),
          ]),
        );
        const units = users.length * resident;
        await rig.stalled(units);
        const { pending, dropped, capacity } = faults;
        ok(pending <= capacity, `${pending} faults in a buffer of ${capacity}`);
        ok(pending + dropped >= units, `${units} pages are missing: ${pending} are pending, ${dropped} were dropped`);
        await serve(rig, fences);
        for (const fence of fences) await rig.wait(fence);
        const counts = [0, 0, 0, 0];
        for (let i = 0; i < units; i++) counts[i % 4]! += 1;
        const found: number[] = [];
        for (const frame of [0, 1, 2, 3]) found.push(new Uint32Array((await rig.unload(frame)).buffer)[0] ?? NaN);
        deepEqual(found, counts, 'units that took effect, by the frame of their page');
        equal(faults.stalled, 0, 'stalled at the end');
      },
    },
    {
      name: 'heartbeat-never-falls',
      rule: 'FaultSource.retired: work units and access commands finished since the device was opened: it only grows',
      mend: 'count up, and never start again: waits take a change for progress',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0], [0]);
        const { faults } = rig.device;
        for (let i = 0; i < 40; i++) {
          const before = faults.retired;
          await rig.write(rig.at(0, i), pattern(i, 8));
          ok(faults.retired > before, `retired was ${before} before access ${i}, and is ${faults.retired} after it`);
        }
      },
    },
  ],
);
