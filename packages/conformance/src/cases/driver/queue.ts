import type { Fence } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, throws } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const queue = defineCases({ level: 'driver', area: 'queue', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'kinds-and-ids',
    rule: 'Device.queues: at least one paging queue and at least one user queue, with ids of their own',
    mend: 'offer both kinds; a fence names the queue it came from',
    async run(env) {
      const rig = await Rig.open(env);
      const { queues } = rig.device;
      equal(new Set(queues.map(({ id }) => id)).size, queues.length, 'distinct queue ids');
      const users = queues.filter(({ paging }) => !paging);
      equal(
        users.length > 1,
        rig.device.features.has('queues'),
        'several user queues exactly where `queues` is claimed',
      );
      for (const each of queues) {
        const fence = each.submit([rig.flushCommand()]);
        equal(fence.queue, each.id, 'Fence.queue');
        await rig.wait(fence);
      }
    },
  },
  {
    name: 'timeline',
    rule: 'Fence.value: 1 for the queue’s first submission, then 2, 3, …; fences settle in this order',
    mend: 'number submissions per queue and settle them in that order',
    tags: ['igt:many'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const settled: number[] = [];
      const fences = Array.from({ length: 20 }, (_, i) =>
        rig.start(rig.writeCommand(rig.at(0, i), pattern(i, 200 - 9 * i))),
      );
      await Promise.all(fences.map((fence) => rig.wait(fence).then(() => settled.push(fence.value))));
      deepEqual(
        fences.map(({ value }) => value),
        fences.map((_, i) => i + 1),
        'values in order of submission',
      );
      deepEqual(
        settled,
        fences.map((_, i) => i + 1),
        'values in order of settling',
      );
    },
  },
  {
    name: 'signaled-means-done',
    rule: 'Fence.signaled: all commands took effect',
    mend: 'signal only after the last command, its copies and its stores are visible',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      for (let i = 0; i < 20; i++) {
        const into = new Uint8Array(256);
        const fence = rig.start([rig.writeCommand(rig.at(0), pattern(i, 256)), rig.readCommand(rig.at(0), into)]);
        await env.until(() => fence.signaled, 'the fence is signaled');
        bytesEqual(into, pattern(i, 256), 'what was read before the fence signaled');
        equal(fence.error, undefined, 'Fence.error of a signaled fence');
      }
    },
  },
  {
    name: 'empty-submission',
    rule: 'CommandQueue.submit: a submission without commands settles in its turn: when all before it have',
    mend: 'queue it like every other submission; it marks a place in line',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.wait(rig.start([]));
      const stalled = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      const marker = rig.start([]);
      await rig.faults();
      await env.quiet(rig.device);
      ok(!marker.signaled, 'an empty submission settled before the stalled one in front of it');
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await rig.wait(marker);
      ok(stalled.signaled, 'the submission in front settled first');
    },
  },
  {
    name: 'fence-waits-for-stall',
    rule: 'Fence.signaled: all commands took effect',
    mend: 'never signal a fence while one of its accesses is stalled',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const fence = rig.start([rig.writeCommand(rig.at(0), pattern(1, 8)), rig.writeCommand(rig.at(1), pattern(1, 8))]);
      const behind = rig.start(rig.writeCommand(rig.at(0), pattern(2, 8)));
      await rig.faults();
      await env.quiet(rig.device);
      ok(!fence.signaled && !behind.signaled, 'a fence of a stalled queue signaled too early');
      bytesEqual(
        (await rig.unload(0)).slice(0, 8),
        pattern(1, 8),
        'work behind a stalled access must not have run: the page',
      );
      await rig.page(rig.mapCommand([1], [1]), rig.replayCommand());
      await rig.wait(behind);
      ok(fence.signaled, 'the earlier fence must settle first');
    },
  },
  {
    name: 'depth',
    rule: 'CommandQueue.depth: submissions not settled yet',
    mend: 'count a submission in at submit and out when its fence settles',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      equal(rig.user.depth, 0, 'depth of an idle queue');
      for (let i = 0; i < 3; i++) rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      equal(rig.user.depth, 3, 'depth with three submissions');
      await rig.faults();
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await env.until(() => rig.user.depth === 0, 'the queue is idle again');
    },
  },
  {
    name: 'paging-goes-on',
    rule: 'CommandQueue.paging: a paging queue never stalls on a fault',
    mend: 'keep paging work apart from user work: it is what resolves the stall',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      await rig.faults();
      for (let i = 0; i < 5; i++) await rig.page(rig.mapCommand([1], [1]), rig.unmapCommand([1]), rig.flushCommand());
    },
  },
  {
    name: 'paging-takes-no-access',
    rule: 'CommandQueue.paging: takes paging and mirroring commands only',
    mend: 'refuse access commands in submit and enqueue nothing',
    async run(env) {
      const rig = await Rig.open(env);
      const call = (): Fence => rig.paging.submit([rig.flushCommand(), rig.readCommand(rig.at(0), new Uint8Array(4))]);
      throws(call, ['TypeError', 'RangeError', 'INVALID_ARGUMENT', 'UNSUPPORTED'], 'a read on a paging queue');
      equal(rig.paging.depth, 0, 'depth after the refusal');
    },
  },
  {
    name: 'user-queue-takes-paging',
    rule: 'CommandQueue.paging: the other queues take every command',
    mend: 'accept map, copy and flush commands on user queues, in order with the accesses',
    async run(env) {
      const rig = await Rig.open(env);
      rig.host.bytesOf(0).set(pattern(1, 32));
      const into = new Uint8Array(32);
      const read = rig.readCommand(rig.at(0), into);
      await rig.wait(rig.start([rig.copyCommand('copyIn', [0], [1]), rig.mapCommand([0], [1]), read]));
      bytesEqual(into, pattern(1, 32), 'copied, mapped and read on one queue');
    },
  },
  {
    name: 'queues-are-independent',
    rule: 'DeviceFeature queues: a stall holds back its own queue alone',
    mend: 'let other user queues run while one is stalled',
    tags: ['igt:several-queues'],
    needs: ['queues', 'replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const second = rig.device.queues.filter(({ paging }) => !paging)[1];
      ok(second, 'the second user queue');
      await rig.map([1], [1]);
      const stalled = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      await rig.faults();
      for (let i = 0; i < 4; i++) await rig.wait(second.submit([rig.writeCommand(rig.at(1), pattern(i, 16))]));
      ok(!stalled.signaled, 'the stalled access is still stalled');
    },
  },
  {
    name: 'clock',
    rule: 'Device.now: microseconds on the device’s own clock; never runs backwards',
    mend: 'use one monotonic clock',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      let last = rig.device.now();
      ok(Number.isFinite(last) && last >= 0, 'now() is a time');
      for (let i = 0; i < 10; i++) {
        await rig.write(rig.at(0), pattern(i, 64));
        const now = rig.device.now();
        ok(now >= last, `now() ran backwards from ${last} to ${now}`);
        last = now;
      }
    },
  },
]);
