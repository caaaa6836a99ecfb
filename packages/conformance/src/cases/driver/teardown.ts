import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const teardown = defineCases({ level: 'driver', area: 'teardown', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'open-close',
    rule: 'Device.close: idempotent; lost resolves with reason closed',
    mend: 'resolve lost in close; let a second close resolve too',
    tags: ['hmm:open_close'],
    async run(env) {
      const device = await env.open();
      await Promise.all([device.close(), device.close()]);
      await device.close();
      equal((await device.lost).reason, 'closed', 'reason');
    },
  },
  {
    name: 'close-fails-pending-work',
    rule: 'Device.close: ends all work: pending fences fail with CLOSED',
    mend: 'fail stalled and waiting submissions before close resolves',
    tags: ['hmm:anon_teardown'],
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const fences = Array.from({ length: 5 }, (_, i) => rig.start(rig.readCommand(rig.at(i), new Uint8Array(4))));
      await rig.faults();
      await rig.device.close();
      for (const fence of fences) {
        equal(fence.error?.code, 'CLOSED', `error of fence ${fence.value}`);
        await rejects(fence.wait(), ['CLOSED'], 'wait for a fence of a closed device');
      }
      equal(rig.device.faults.stalled, 0, 'stalled accesses');
    },
  },
  {
    name: 'close-with-deep-queues',
    rule: 'Device.close: ends all work; every fence settles',
    mend: 'leave no submission behind, whatever its state',
    tags: ['igt:race'],
    cross: { turns: [0, 1, 3, 8] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      const fences = [];
      for (let i = 0; i < 50; i++) {
        for (const queue of rig.device.queues) {
          fences.push(
            queue.submit([queue.paging ? rig.flushCommand() : rig.writeCommand(rig.at(i % 2), pattern(i, 32))]),
          );
        }
      }
      for (let turns = Number(env.params['turns']); turns > 0; turns--) await env.turn();
      await rig.device.close();
      for (const fence of fences) {
        ok(
          fence.signaled || fence.error?.code === 'CLOSED',
          `fence ${fence.value} of queue ${fence.queue}: signaled, or failed with CLOSED`,
        );
      }
    },
  },
  {
    name: 'use-after-close',
    rule: 'CLOSED: the object was closed before',
    mend: 'return a failed fence from submit; reject createMmu with CLOSED',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.device.close();
      await rejects(rig.user.submit([rig.flushCommand()]).wait(), ['CLOSED'], 'a submission to a closed device');
      await rejects(rig.sibling(), ['CLOSED'], 'createMmu on a closed device');
    },
  },
  {
    name: 'close-mmu',
    rule: 'DeviceMmu.close: stalled accesses fail with CLOSED; idempotent; other MMUs live on',
    mend: 'fail the stalled accesses of that MMU alone',
    tags: ['hmm:anon_teardown'],
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const other = await rig.sibling();
      await other.map([0], [0]);
      await other.write(other.at(0), pattern(1, 16));
      const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      await rig.faults();
      await Promise.all([rig.mmu.close(), rig.mmu.close()]);
      await rejects(rig.wait(fence), ['CLOSED'], 'the stalled access of a closed MMU');
      await rig.mmu.close();
      bytesEqual(await other.read(other.at(0), 16), pattern(1, 16), 'a page of the other MMU');
    },
  },
  {
    name: 'close-mmu-under-work',
    rule: 'DeviceMmu.close: ends it, whatever runs; every fence settles',
    mend: 'finish or fail what is in flight, then drop the page table',
    tags: ['igt:race'],
    cross: { turns: [0, 1, 2, 5] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 1], [0, 1]);
      const fences = Array.from({ length: 30 }, (_, i) => rig.start(rig.writeCommand(rig.at(i % 2), pattern(i, 256))));
      for (let turns = Number(env.params['turns']); turns > 0; turns--) await env.turn();
      await rig.mmu.close();
      await env.until(() => rig.user.depth === 0, 'the queue is idle');
      for (const fence of fences)
        ok(fence.signaled || fence.error?.code === 'CLOSED', `fence ${fence.value}: signaled or CLOSED`);
    },
  },
  {
    name: 'stale-faults-of-a-closed-mmu',
    rule: 'R9: a freed range is reused only after its stale faults are drained',
    mend: 'give ids of closed MMUs out again only when none of their faults is in the buffer',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      await env.until(() => rig.device.faults.pending > 0, 'a fault is reported');
      await rig.mmu.close();
      const next = await rig.sibling();
      const stale = rig.drain().filter(({ mmu }) => mmu === next.mmu.id);
      equal(stale.length, 0, 'faults that name the new MMU before it was used');
      await next.map([0], [0]);
      await next.read(next.at(0), 4);
    },
  },
  {
    name: 'new-mmu-is-empty',
    rule: 'DeviceMmu: a new page table has no entries',
    mend: 'clear the table and the cached translations when an id is given out again',
    needs: ['replayable-faults'],
    async run(env) {
      const first = await Rig.open(env);
      await first.map([0], [0]);
      await first.write(first.at(0), pattern(1, 16));
      await first.mmu.close();
      const next = await first.sibling();
      next.start(next.readCommand(next.at(0), new Uint8Array(4)));
      equal((await next.faults())[0]?.page, 0, 'page of the fault on the new MMU');
    },
  },
]);
