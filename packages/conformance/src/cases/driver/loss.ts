import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const loss = defineCases({ level: 'driver', area: 'loss', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'lost-resolves',
    rule: 'Device.lost: resolves (never rejects) when the device is gone; all pending fences have failed by then',
    mend: 'fail every pending fence with DEVICE_LOST, then resolve lost with reason failed',
    needs: ['inject:lose', 'replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const fences = [rig.start(rig.readCommand(rig.at(0), new Uint8Array(4))), rig.start(rig.flushCommand())];
      await rig.faults();
      env.lose(rig.device);
      const info = await env.expect('Device.lost', rig.device.lost);
      equal(info.reason, 'failed', 'reason of a loss by itself');
      ok(info.message.length > 0, 'the message says what happened');
      for (const fence of fences) {
        ok(fence.error?.code === 'DEVICE_LOST', `fence ${fence.value} failed with DEVICE_LOST before lost resolved`);
        await rejects(fence.wait(), ['DEVICE_LOST'], 'wait for a fence of a lost device');
      }
    },
  },
  {
    name: 'submit-after-loss',
    rule: 'CommandQueue.submit: never throws for a lost device (the fence fails)',
    mend: 'return a fence that has failed with DEVICE_LOST',
    needs: ['inject:lose'],
    async run(env) {
      const rig = await Rig.open(env);
      env.lose(rig.device);
      await env.expect('Device.lost', rig.device.lost);
      for (const queue of rig.device.queues) {
        await rejects(queue.submit([rig.flushCommand()]).wait(), ['DEVICE_LOST'], `a submission on queue ${queue.id}`);
        equal(queue.depth, 0, 'depth of a queue of a lost device');
      }
    },
  },
  {
    name: 'mmu-after-loss',
    rule: 'Device.createMmu: DEVICE_LOST on a lost device; close() works',
    mend: 'reject createMmu; let DeviceMmu.close and Device.close resolve',
    needs: ['inject:lose'],
    async run(env) {
      const rig = await Rig.open(env);
      env.lose(rig.device);
      await env.expect('Device.lost', rig.device.lost);
      await rejects(rig.sibling(), ['DEVICE_LOST', 'CLOSED'], 'createMmu on a lost device');
      await rig.mmu.close();
      await rig.device.close();
      equal((await rig.device.lost).reason, 'failed', 'reason after close');
    },
  },
  {
    name: 'loss-leaves-others',
    rule: 'R10: a lost device loses only what existed nowhere else',
    mend: 'share no state between devices',
    tags: ['hmm:open_close'],
    needs: ['inject:lose'],
    async run(env) {
      const rig = await Rig.open(env);
      const other = await Rig.open(env);
      await other.map([0], [0]);
      await other.write(other.at(0), pattern(1, 16));
      env.lose(rig.device);
      await env.expect('Device.lost', rig.device.lost);
      bytesEqual(await other.read(other.at(0), 16), pattern(1, 16), 'memory of the other device');
    },
  },
  {
    name: 'loss-gives-no-data',
    rule: 'ReadCommand: `into` is written only if the whole access succeeds',
    mend: 'after a loss write into no buffer of a command any more',
    needs: ['inject:lose', 'replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const into = new Uint8Array(16).fill(0x21);
      const fence = rig.start(rig.readCommand(rig.at(0), into));
      await rig.faults();
      env.lose(rig.device);
      await rejects(fence.wait(), ['DEVICE_LOST'], 'the read');
      await env.turn();
      bytesEqual(into, new Uint8Array(16).fill(0x21), 'the buffer of the failed read');
    },
  },
  {
    name: 'hang-is-bounded',
    rule: 'R6: every wait is bounded: a device without progress gives DEVICE_TIMEOUT, and close() ends it',
    mend: 'expire waits by real time, not by the device’s own progress',
    needs: ['inject:hang'],
    async run(env) {
      const rig = await Rig.open(env);
      env.hang(rig.device);
      const fence = rig.start(rig.flushCommand());
      await rejects(fence.wait({ timeoutMs: 30 }), ['DEVICE_TIMEOUT'], 'a wait on a hung device');
      await rig.device.close();
      await rejects(fence.wait(), ['CLOSED', 'DEVICE_LOST'], 'the fence after close');
    },
  },
]);
