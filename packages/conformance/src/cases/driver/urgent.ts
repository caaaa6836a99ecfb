import type { UnitContext, UnitId } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { createGate } from './gate.js';
import { wasmAdd, wasmBehind } from '../../wasm-text.js';

export const urgent = defineCases(
  { level: 'driver', area: 'queue', needs: ['mmu:managed', 'preemption', 'frames:2'] },
  [
    {
      name: 'urgent-keeps-its-place',
      rule: 'SubmitOptions.urgent: interrupts other queues; on its own queue everything stays in order',
      mend: 'raise the whole queue, rather than let a submission pass those before it',
      tags: ['igt:many'],
      cross: { queue: ['paging', 'user'] },
      async run(env) {
        const rig = await Rig.open(env);
        const gate = await createGate(env);
        const own = env.params['queue'] === 'paging' ? rig.paging : rig.user;
        await rig.load(0, pattern(1, 16));
        await rig.load(1, pattern(2, 16));
        const first = own.submit([rig.copyCommand('copyOut', [2], [0])], { after: [gate.fence] });
        const second = own.submit([rig.copyCommand('copyOut', [2], [1])], { urgent: true });
        await env.quiet(rig.device);
        ok(!second.signaled, 'an urgent submission ran before the one in front of it, which waits');
        await gate.open();
        await rig.wait(second);
        ok(first.signaled, 'the submission in front settled first');
        bytesEqual(rig.host.bytesOf(2).slice(0, 16), pattern(2, 16), 'what the later copy left');
      },
    },
    {
      name: 'urgent-waits-for-after',
      rule: 'SubmitOptions.urgent: an urgent submission still starts only when the fences in `after` settled',
      mend: 'let urgency choose among what may run, and nothing else',
      async run(env) {
        const rig = await Rig.open(env);
        const gate = await createGate(env);
        const copy = rig.paging.submit([rig.copyCommand('copyOut', [2], [0])], { after: [gate.fence], urgent: true });
        await env.quiet(rig.device);
        ok(!copy.signaled && !copy.error, 'an urgent submission ran before the fence it waits for');
        await gate.open();
        await rig.wait(copy);
      },
    },
    {
      name: 'interrupted-work-goes-on',
      rule: 'SubmitOptions.urgent: interrupted work units take effect once, all of them',
      mend: 'save the state of interrupted units and resume them; do not start them again after they took effect',
      needs: ['program', 'atomics'],
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, new Uint8Array(rig.pageSize));
        await rig.map([0], [0]);
        const count = 3 * Math.min(rig.device.limits.residentUnits, 256);
        const at = rig.at(0);
        const add = {
          js: (ctx: UnitContext, _id: UnitId, [to = 0]: readonly number[]) => void ctx.atomicAdd(to, 1),
          wgsl: '_ = atomicAdd_u32(arg_address(0u), 1u);',
          wasm: wasmAdd(wasmBehind('(i32.const 0)')),
        };
        const launch = rig.start(rig.launchCommand(add, [count, 1, 1], [at]));
        for (let i = 0; i < 6; i++) {
          await env.turn();
          await rig.wait(rig.paging.submit([rig.copyCommand('copyOut', [2], [1])], { urgent: true }));
        }
        await rig.wait(launch);
        equal(new Uint32Array((await rig.read(at, 4)).buffer)[0], count, 'additions of all work units');
      },
    },
  ],
);
