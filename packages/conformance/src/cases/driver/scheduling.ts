import { defineCases } from '../../case.js';
import { bytesEqual, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';
import { createGate } from './gate.js';

const RANK = { low: 0, normal: 1, high: 2 };

export const scheduling = defineCases(
  { level: 'driver', area: 'queue', needs: ['mmu:managed', 'replayable-faults', 'frames:2'] },
  [
    {
      name: 'order-behind-a-stall',
      rule: 'CommandQueue: runs submissions strictly in order, also when one of them stalls',
      mend: 'let nothing of a queue pass its stalled head, not on another queue either',
      tags: ['igt:many'],
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(1, new Uint8Array(16));
        await rig.map([1], [1]);
        const head = rig.start([
          rig.readCommand(rig.at(0), new Uint8Array(4)),
          rig.writeCommand(rig.at(1), pattern(0, 16)),
        ]);
        const behind = [1, 2, 3].map((i) => rig.start(rig.writeCommand(rig.at(1), pattern(i, 16))));
        await rig.faults();
        await env.quiet(rig.device);
        bytesEqual(
          (await rig.unload(1)).slice(0, 16),
          new Uint8Array(16),
          'the page that only submissions behind the stall write',
        );
        await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
        for (const fence of [head, ...behind]) await rig.wait(fence);
        bytesEqual((await rig.unload(1)).slice(0, 16), pattern(3, 16), 'what the last of them left');
      },
    },
    {
      name: 'priority-holds',
      rule: 'DeviceFeature priorities: queue priorities are honoured for as long as there is work of the higher priority',
      mend: 'serve the high queue until it is empty, not in turn with lower ones',
      needs: ['priorities'],
      async run(env) {
        const rig = await Rig.open(env);
        const ranked = rig.device.queues.toSorted((a, b) => RANK[b.priority] - RANK[a.priority]);
        const high = ranked.at(0);
        const low = ranked.findLast(({ paging }) => !paging);
        ok(
          high && low && RANK[high.priority] > RANK[low.priority],
          'a device that claims priorities has queues of several',
        );
        await rig.load(0, new Uint8Array(rig.pageSize));
        await rig.map([0], [0]);
        const gate = await createGate(env);
        // When the first one ends, both queues have much to do.
        const first = high.submit([rig.flushCommand()], { after: [gate.fence] });
        const stores = Array.from({ length: 64 }, (_, i) =>
          low.submit([rig.writeCommand(rig.at(0), Uint8Array.of(i + 1))], { after: [first] }),
        );
        const copies = Array.from({ length: 32 }, () => high.submit([rig.copyCommand('copyOut', [2], [0])]));
        await gate.open();
        for (const fence of [...copies, ...stores]) await rig.wait(fence);
        const passed = rig.host.bytesOf(2)[0] ?? NaN;
        ok(
          passed < copies.length / 2,
          `${passed} submissions of the low queue ran before the last of ${copies.length} of the high queue`,
        );
      },
    },
  ],
);
