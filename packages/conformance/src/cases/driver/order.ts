import type { Fence } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { createGate } from './gate.js';

export const order = defineCases({ level: 'driver', area: 'queue', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'strict-order',
    rule: 'CommandQueue: runs submissions strictly in order',
    mend: 'do not reorder submissions of a queue, whatever they cost',
    tags: ['igt:many'],
    cross: { spread: ['submissions', 'commands'] },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const count = Math.min(24, rig.device.limits.commandsPerSubmit);
      const commands = Array.from({ length: count }, (_, i) =>
        rig.writeCommand(rig.at(0), pattern(i, 8 + env.pick(400))),
      );
      if (env.params['spread'] === 'commands') rig.start(commands);
      else for (const command of commands) rig.start(command);
      bytesEqual(await rig.read(rig.at(0), 8), pattern(count - 1, 400).slice(0, 8), 'what the last store left');
    },
  },
  {
    name: 'failed-command-skips-the-rest',
    rule: 'CommandQueue: if a command fails, the rest of its submission is skipped, and the queue goes on',
    mend: 'stop the submission at the failed command; start the next one',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.write(rig.at(0), pattern(0, 16));
      const failing = [rig.readCommand(rig.at(5), new Uint8Array(4)), rig.writeCommand(rig.at(0), pattern(1, 16))];
      const fence = rig.start(failing);
      const next = rig.start(rig.writeCommand(rig.at(0, 16), pattern(2, 16)));
      if (rig.device.features.has('replayable-faults')) {
        await rig.faults();
        await rig.page(rig.cancelCommand([5], 0));
      }
      await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'the submission whose first command fails');
      ok(
        !fence.signaled && fence.error?.code === 'ADDRESS_NOT_MAPPED',
        'a failed fence is not signaled and keeps its error',
      );
      await rig.wait(next);
      bytesEqual(await rig.read(rig.at(0), 16), pattern(0, 16), 'what the skipped store would have changed');
    },
  },
  {
    name: 'after',
    rule: 'SubmitOptions.after: starts only when these settled',
    mend: 'hold the submission back, and everything behind it on its queue',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(1, 8));
      const gate = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      await rig.faults();
      const copy = rig.paging.submit([rig.copyCommand('copyOut', [2], [0])], { after: [gate] });
      await env.quiet(rig.device);
      ok(!copy.signaled && !copy.error, 'a submission ran before the fence it waits for');
      await env.until(() => !gate.signaled, 'the gate is still closed');
      const other = rig.device.queues.find((each) => each.paging && each.id !== rig.paging.id);
      const helper = other ?? rig.device.queues.find((each) => !each.paging && each.id !== rig.user.id);
      if (!helper) return;
      helper.submit([rig.mapCommand([0], [0]), rig.replayCommand()]);
      await rig.wait(copy);
      ok(gate.signaled, 'the fence waited for must have settled first');
      bytesEqual(rig.host.bytesOf(2).slice(0, 8), pattern(1, 8), 'the copy');
    },
  },
  {
    name: 'after-across-queues',
    rule: 'SubmitOptions.after: orders submissions of different queues, those of paging queues among them',
    mend: 'look at the fences whatever queue they belong to',
    async run(env) {
      const rig = await Rig.open(env);
      const { queues } = rig.device;
      const gate = env.claims.features.has('replayable-faults') ? await createGate(env) : undefined;
      let fence = gate?.fence;
      for (let i = 0; i < 3 * queues.length; i++) {
        const command = rig.copyCommand('copyIn', [i % 4], [i % 2]);
        rig.host.bytesOf(i % 4).set(pattern(i % 4, 16));
        fence = queues[i % queues.length]!.submit([command], fence && { after: [fence] });
      }
      const last = queues[0]!.submit([rig.copyCommand('copyOut', [4, 5], [0, 1])], fence && { after: [fence] });
      await env.quiet(rig.device);
      ok(gate === undefined || !last.signaled, 'the chain ran before the fence that its first waits for');
      await gate?.open();
      await rig.wait(last);
      const [even, odd] = [3 * queues.length - 1, 3 * queues.length - 2].sort((a, b) => (a % 2) - (b % 2)) as [
        number,
        number,
      ];
      bytesEqual(rig.host.bytesOf(4).slice(0, 16), pattern(even % 4, 16), 'what the last copy to the first frame left');
      bytesEqual(rig.host.bytesOf(5).slice(0, 16), pattern(odd % 4, 16), 'what the last copy to the second frame left');
    },
  },
  {
    name: 'after-failed',
    rule: 'SubmitOptions.after: fails without running anything if one failed',
    mend: 'fail the fence, skip all commands',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.write(rig.at(0), pattern(0, 8));
      const failed = rig.start(rig.readCommand(rig.at(7), new Uint8Array(4)));
      const after = rig.start(rig.writeCommand(rig.at(0), pattern(1, 8)), { after: [failed] });
      if (rig.device.features.has('replayable-faults')) {
        await rig.faults();
        await rig.page(rig.cancelCommand([7], 0));
      }
      await rejects(rig.wait(after), [], 'a submission after a failed one');
      bytesEqual(await rig.read(rig.at(0), 8), pattern(0, 8), 'the page that it would have written');
    },
  },
  {
    name: 'after-settled',
    rule: 'SubmitOptions.after: fences that settled already hold nothing back',
    mend: 'test the fences when the submission reaches the head of its queue',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      const fences: Fence[] = [];
      for (let i = 0; i < 3; i++) fences.push(rig.start(rig.writeCommand(rig.at(0, 8 * i), pattern(i, 8))));
      for (const fence of fences) await rig.wait(fence);
      await rig.wait(rig.start(rig.readCommand(rig.at(0), new Uint8Array(8)), { after: fences }));
      await rig.wait(rig.paging.submit([rig.flushCommand()], { after: fences }));
    },
  },
]);
