import type { Fence } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { equal, ok, refuses, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { createGate } from './gate.js';
import { wasmAdd, wasmBehind } from '../../wasm-text.js';

/** A fence that stays pending until its page is mapped. */
async function stuck(rig: Rig): Promise<Fence> {
  const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
  await rig.faults();
  return fence;
}

export const fence = defineCases({ level: 'driver', area: 'queue', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'wait-timeout',
    rule: 'R6: every wait is bounded, and on expiry says what was waited for, on which queue, behind what',
    mend: 'reject wait() with DEVICE_TIMEOUT and a message that names queue and fence; leave the work alone',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const waited = await stuck(rig);
      const error = await waited.wait({ timeoutMs: 20 }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      ok(
        error instanceof Error && 'code' in error && error.code === 'DEVICE_TIMEOUT',
        'an expired wait fails with DEVICE_TIMEOUT',
      );
      ok(error.message.includes(String(waited.queue)), `the message names queue ${waited.queue}: "${error.message}"`);
      ok(!waited.signaled && !waited.error, 'an expired wait ends the wait, not the work');
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await rig.wait(waited);
    },
  },
  {
    name: 'wait-restarts-on-progress',
    rule: 'R6: every wait resets on progress of the device',
    mend: 'restart the clock of wait() whenever `retired` grows or a queue moves on',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([1], [1]);
      const waited = await stuck(rig);
      const helper = rig.device.queues.find((each) => !each.paging && each.id !== rig.user.id) ?? rig.paging;
      const work = helper.paging ? rig.flushCommand() : rig.writeCommand(rig.at(1), pattern(1, 8));
      const end = Date.now() + 400;
      const waiting = env.expect('the wait that sees progress', waited.wait({ timeoutMs: 150 }));
      while (Date.now() < end) {
        await rig.wait(helper.submit([work]));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await waiting;
    },
  },
  {
    name: 'wait-abort',
    rule: 'WaitOptions.signal: ends the wait (not the work) with ABORTED',
    mend: 'listen to the signal; look at it once before waiting',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const waited = await stuck(rig);
      await rejects(waited.wait({ signal: AbortSignal.abort() }), ['ABORTED'], 'a wait with a signal that is aborted');
      const controller = new AbortController();
      const waiting = waited.wait({ signal: controller.signal });
      controller.abort();
      await rejects(waiting, ['ABORTED'], 'a wait that is aborted meanwhile');
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await rig.wait(waited);
    },
  },
  {
    name: 'wait-again',
    rule: 'Fence.wait: may be called any number of times, before and after it settled',
    mend: 'keep the outcome and give it to every waiter',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const done = rig.start(rig.writeCommand(rig.at(0), pattern(1, 8)));
      await Promise.all([rig.wait(done), rig.wait(done), done.wait()]);
      await done.wait({ timeoutMs: 1 });
      ok(done.signaled, 'signaled after wait');
    },
  },
  {
    name: 'wait-bad-options',
    rule: 'WaitOptions.timeoutMs: > 0',
    mend: 'refuse NaN, zero and negative limits at once',
    cross: { timeoutMs: ['NaN', 0, -1] },
    async run(env) {
      const rig = await Rig.open(env);
      const done = rig.start(rig.flushCommand());
      const timeoutMs = Number(env.params['timeoutMs']);
      await refuses(() => done.wait({ timeoutMs }), ['TypeError', 'RangeError'], `wait({ timeoutMs: ${timeoutMs} })`);
      await rig.wait(done);
    },
  },
  {
    name: 'submit-returns-at-once',
    rule: 'CommandQueue.submit: enqueues and returns at once: it never waits',
    mend: 'run commands outside of submit; settle fences later',
    async run(env) {
      const rig = await Rig.open(env);
      const done = rig.start(rig.flushCommand());
      ok(typeof done.wait === 'function' && !(done instanceof Promise), 'submit returns a Fence, not a Promise');
      equal(done.error, undefined, 'error while pending');
      await rig.wait(done);
    },
  },
  {
    name: 'priority-goes-first',
    rule: 'DeviceFeature priorities: queue priorities are honoured',
    mend: 'serve a high queue before what waits on a lower one',
    needs: ['priorities', 'replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const rank = { low: 0, normal: 1, high: 2 };
      const ranked = rig.device.queues.toSorted((a, b) => rank[b.priority] - rank[a.priority]);
      const high = ranked.at(0);
      const low = ranked.findLast(({ paging }) => !paging);
      ok(
        high && low && rank[high.priority] > rank[low.priority],
        'a device that claims priorities has queues of several',
      );
      await rig.load(0, new Uint8Array(rig.pageSize));
      await rig.map([0], [0]);
      const gate = await createGate(env);
      // When the first one ends, the copy and everything on the low queue become ready together.
      const first = high.submit([rig.flushCommand()], { after: [gate.fence] });
      const stores = Array.from({ length: 64 }, (_, i) => rig.writeCommand(rig.at(0), Uint8Array.of(i + 1)));
      const behind = stores.map((store) => low.submit([store], { after: [first] }));
      const copy = high.submit([rig.copyCommand('copyOut', [2], [0])]);
      await gate.open();
      for (const each of [copy, ...behind]) await rig.wait(each);
      ok(rig.host.bytesOf(2)[0] !== 64, 'work on the high queue waited for everything on the low queue');
    },
  },
  {
    name: 'urgent-interrupts',
    rule: 'DeviceFeature preemption: an urgent paging submission interrupts running work',
    mend: 'save the running units, run the paging work, resume: do not wait for the launch to end',
    needs: ['preemption', 'program', 'atomics', 'replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, new Uint8Array(8));
      await rig.map([0], [0]);
      const units = 4096;
      const program = rig.launchCommand(
        {
          js: (ctx, _id, [counter = 0, gate = 0]) => {
            ctx.load32(gate);
            ctx.atomicAdd(counter, 1);
          },
          wgsl: '_ = load_u32(arg_address(1u)); _ = atomicAdd_u32(arg_address(0u), 1u);',
          wasm: '(drop (call $load_u32 (call $arg_i64 (i32.const 1)))) ' + wasmAdd(wasmBehind('(i32.const 0)')),
        },
        [units, 1, 1],
        [rig.at(0), rig.at(1)],
      );
      const launch = rig.start(program);
      await rig.faults();
      const gate = await createGate(env);
      rig.paging.submit([rig.mapCommand([1], [1]), rig.replayCommand()], { after: [gate.fence] });
      const urgent = rig.paging.submit([rig.copyCommand('copyOut', [2], [0])], { urgent: true });
      await gate.open();
      await rig.wait(urgent);
      await rig.wait(launch);
      const counted = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      ok(counted(rig.host.bytesOf(2)) < units, 'the urgent submission was served only after the whole launch');
      equal(
        counted(await rig.unload(0)),
        units,
        'units that took effect although they were interrupted (R2: exactly once)',
      );
    },
  },
  {
    name: 'urgent-unclaimed',
    rule: 'DeviceFeature preemption: where it is not claimed, urgent work is refused as UNSUPPORTED',
    mend: 'refuse submit options that ask for what the device does not claim, and claim preemptionUs 0',
    needs: ['!preemption'],
    async run(env) {
      const rig = await Rig.open(env);
      equal(rig.device.limits.preemptionUs, 0, 'limits.preemptionUs');
      await refuses(
        () => rig.wait(rig.paging.submit([rig.flushCommand()], { urgent: true })),
        ['UNSUPPORTED'],
        'an urgent submission',
      );
    },
  },
  {
    name: 'priorities-unclaimed',
    rule: 'DeviceFeature priorities: where they are not claimed, every queue is of normal priority',
    mend: 'report priority normal',
    needs: ['!priorities'],
    async run(env) {
      const rig = await Rig.open(env);
      for (const each of rig.device.queues) equal(each.priority, 'normal', `priority of queue ${each.id}`);
    },
  },
]);
