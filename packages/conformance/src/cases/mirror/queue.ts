import { queuePolicies, type QueuePolicy, type QueuePolicyName } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

/** Flushes go to the first user queue, whose accesses may stall; what must not stall goes to a paging queue. */
const throughUserQueue: QueuePolicy = ({ queues }) =>
  Math.max(
    0,
    queues.findIndex((queue) => !queue.paging),
  );

/** Every update goes to another queue than the one before. */
function inTurn(): QueuePolicy {
  let turn = 0;
  return ({ queues }) => turn++ % queues.length;
}

/** Writes, evicts, unmaps and maps again: what is there at the end depends on the order of all updates. */
async function churn(t: SpaceRig): Promise<void> {
  const area = await t.map({ pages: 12 });
  for (let i = 0; i < 36; i++) await t.mirror.write(area.at((i * 5) % 12, i), pattern(i, 4));
  await t.space.unmap(area.at(3), 2 * t.pageSize);
  const again = await t.map({ pages: 2, address: area.at(3), fixed: true });
  await t.mirror.write(again.at(1), pattern(99, 64));
  await t.space.protect(area.at(6), t.pageSize, 'read');
  await rejects(t.mirror.write(area.at(6), pattern(0, 4)), ['ACCESS_DENIED'], 'a store after protect');
  bytesEqual(await t.mirror.read(again.at(0), 64), new Uint8Array(64), 'a page that was mapped anew');
  await again.expect(1, pattern(99, 64), 'what was written there');
  for (let i = 24; i < 36; i++) {
    const page = (i * 5) % 12;
    if (page !== 3 && page !== 4) await area.expect(page, pattern(i, 4), `page ${page}`, i);
  }
}

export const queue = defineCases({ level: 'mirror', area: 'queue' }, [
  {
    name: 'update-queue',
    rule: 'CommandQueue: updates of the page table may go to any queue that a policy names',
    mend: 'take paging commands on every queue, and keep `after` across queues',
    cross: { policy: Object.keys(queuePolicies) },
    async run(env) {
      await churn(await SpaceRig.open(env, { updateQueue: env.params['policy'] as QueuePolicyName, frames: 8 }));
    },
  },
  {
    name: 'update-queues-in-turn',
    rule: 'SubmitOptions.after: updates take effect in order, whatever queues they go to',
    mend: 'start a submission only when the fences in `after` settled, also those of other queues',
    async run(env) {
      await churn(await SpaceRig.open(env, { updateQueue: inTurn(), frames: 8 }));
    },
  },
  {
    name: 'flush-through-a-free-user-queue',
    rule: 'R1: no access reaches a frame after the fence of the flush, on whatever queue that ran',
    mend: 'flushTlb on a user queue must end only when no queue uses the old translation',
    async run(env) {
      const t = await SpaceRig.open(env, { updateQueue: throughUserQueue, frames: 4 });
      for (let round = 0; round < 6; round++) {
        const area = await t.map({ pages: 3 });
        await t.mirror.write(area.address, pattern(round, 3 * 64));
        await t.mirror.write(area.at(2), pattern(round + 1, 64));
        await t.space.unmap(area.address, area.bytes);
        await rejects(t.mirror.read(area.at(2), 8), ['ADDRESS_NOT_MAPPED'], 'device read after unmap');
      }
    },
  },
  {
    name: 'urgent-updates',
    rule: 'SubmitOptions.urgent: changes when updates run, not what they do',
    mend: 'save the interrupted units and let them go on where they were',
    needs: ['preemption'],
    cross: { preemption: ['always', 'weigh'] },
    async run(env) {
      const preemption = env.params['preemption'] as 'always' | 'weigh';
      await churn(await SpaceRig.open(env, { preemption, frames: 8 }));
    },
  },
  {
    name: 'urgent-updates-on-queues-in-turn',
    rule: 'SubmitOptions.urgent: an urgent submission still waits for the fences in `after`',
    mend: 'let urgency choose among what may run, and nothing else',
    needs: ['preemption'],
    async run(env) {
      await churn(await SpaceRig.open(env, { preemption: 'always', updateQueue: inTurn(), frames: 8 }));
    },
  },
  {
    name: 'urgent-updates-do-not-starve-work',
    rule: 'R8: two devices that interrupt their work for one page both get further',
    mend: 'let an interrupted unit go on as soon as the urgent submission is done',
    needs: ['preemption', 'atomics'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env, { preemption: 'always' });
      const other = await t.attachAnother();
      const area = await t.map({ pages: 1 });
      const additions = Array.from({ length: 16 }, (_, i) => (i % 2 ? other : t.mirror).atomicAdd(area.address, 1));
      await Promise.all(additions);
      equal((await t.space.read(area.address, 1))[0], 16, 'additions of both devices');
    },
  },
]);

export const flushOnQueues = defineCases({ level: 'mirror', area: 'flush' }, [
  {
    name: 'behind-a-stall',
    rule: 'R6: a flush does not wait for an access that only its caller can let go on',
    mend: 'report the fault of an access as soon as it stalls',
    needs: ['replayable-faults'],
    async run(env) {
      const t = await SpaceRig.open(env, { updateQueue: throughUserQueue });
      const area = await t.map({ pages: 4 });
      await t.mirror.write(area.address, pattern(1, 64));
      const held = await t.space.acquire(area.at(3), 64, 'write');
      const store = env.expect('the store that waits for the CPU', t.mirror.write(area.at(3), pattern(2, 64)));
      await env.until(() => t.device.faults.stalled > 0, 'the store stalls');
      await t.space.unmap(area.address, t.pageSize);
      held.release();
      await store;
      await area.expect(3, pattern(2, 64), 'the page that was held');
    },
  },
  {
    name: 'overtaken-by-what-stalls-later',
    rule: 'R6: a flush that waits in a user queue is sent when what stands in front of it stalls',
    mend: 'call the fault listener for every stall that needs service',
    needs: ['replayable-faults'],
    async run(env) {
      const t = await SpaceRig.open(env, { updateQueue: throughUserQueue });
      const area = await t.map({ pages: 4 });
      await t.mirror.write(area.address, pattern(1, 64));
      const held = await t.space.acquire(area.at(3), 64, 'write');
      const store = env.expect('the store that waits for the CPU', t.mirror.write(area.at(3), pattern(2, 64)));
      await t.space.unmap(area.address, t.pageSize);
      held.release();
      await store;
    },
  },
  {
    name: 'a-turn-shares-a-submission',
    rule: 'AddressSpace.flush: invalidations of one turn go in one submission',
    mend: 'take lists of pages in one command',
    cross: { queue: ['paging', 'user'] },
    async run(env) {
      const updateQueue = env.params['queue'] === 'user' ? throughUserQueue : 'paging';
      const t = await SpaceRig.open(env, { updateQueue });
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.mirror.write(area.at(page), pattern(page, 16));
      const before = t.mirror.stats.flushes;
      const done = Array.from({ length: 6 }, (_, page) => t.space.unmap(area.at(page), t.pageSize));
      await Promise.all(done);
      equal(t.mirror.stats.flushes - before, 1, 'submissions with invalidations');
      equal(t.mirror.stats.invalidated >= 6, true, 'at least six entries invalidated');
    },
  },
  {
    name: 'before-the-next-access',
    rule: 'Mirror: what is submitted after an invalidation sees it, whatever queue carries that',
    mend: 'start an access only when the fences in its `after` settled',
    async run(env) {
      const t = await SpaceRig.open(env, { updateQueue: inTurn() });
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) {
        await t.mirror.write(area.at(page), pattern(page, 16));
        const done = t.space.unmap(area.at(page), t.pageSize);
        await rejects(t.mirror.read(area.at(page), 16), ['ADDRESS_NOT_MAPPED'], 'a read right after unmap');
        await done;
      }
    },
  },
]);
