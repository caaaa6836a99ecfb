import { defineCases } from '../../case.js';
import { bytesEqual, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const devices = defineCases({ level: 'driver', area: 'devices', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'memory-is-apart',
    rule: 'Device: each open device has memory of its own',
    mend: 'keep frames and page tables in the device object',
    async run(env) {
      const one = await Rig.open(env);
      const two = await Rig.open(env);
      for (const [i, rig] of [one, two].entries()) {
        await rig.map([0], [0]);
        await rig.write(rig.at(0), pattern(i, 64));
      }
      bytesEqual(await one.read(one.at(0), 64), pattern(0, 64), 'the first device');
      bytesEqual(await two.read(two.at(0), 64), pattern(1, 64), 'the second device');
    },
  },
  {
    name: 'names-are-unique',
    rule: 'DeviceInfo.name: unique among open devices',
    mend: 'number the open devices',
    async run(env) {
      const open = await Promise.all([env.open(), env.open(), env.open()]);
      ok(new Set(open.map(({ info }) => info.name)).size === 3, 'three names of three open devices');
    },
  },
  {
    name: 'after-another-device',
    rule: 'SubmitOptions.after: starts only when these settled, of whatever device',
    mend: 'wait for foreign fences by Fence.wait, with no bound of your own',
    needs: ['replayable-faults'],
    async run(env) {
      const one = await Rig.open(env);
      const two = await Rig.open(env);
      await two.load(0, pattern(2, 16));
      const gate = one.start(one.readCommand(one.at(0), new Uint8Array(4)));
      await one.faults();
      const behind = two.paging.submit([two.copyCommand('copyOut', [2], [0])], { after: [gate] });
      await env.quiet(two.device);
      ok(!behind.signaled, 'a submission ran before the fence of the other device');
      await one.page(one.mapCommand([0], [0]), one.replayCommand());
      await two.wait(behind);
      bytesEqual(two.host.bytesOf(2).slice(0, 16), pattern(2, 16), 'the copy');
    },
  },
  {
    name: 'closing-one',
    rule: 'Device.close: frees what is its own',
    mend: 'share no state between devices',
    async run(env) {
      const one = await Rig.open(env);
      const two = await Rig.open(env);
      await two.map([0], [0]);
      await two.write(two.at(0), pattern(1, 16));
      await one.device.close();
      bytesEqual(await two.read(two.at(0), 16), pattern(1, 16), 'memory of the other device');
    },
  },
]);
