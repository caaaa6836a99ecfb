import { defineCases } from '../../case.js';
import { bytesEqual, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig, RO } from '../../rig.js';

export const unclaimedFaults = defineCases(
  { level: 'driver', area: 'fault', needs: ['mmu:managed', '!replayable-faults', 'frames:4'] },
  [
    {
      name: 'absent-page-fails-at-once',
      rule: 'DeviceFeature replayable-faults: without it a missing page fails with ADDRESS_NOT_MAPPED',
      mend: 'fail the fence of the access; do not stall a queue that nobody can replay',
      async run(env) {
        const rig = await Rig.open(env);
        const into = new Uint8Array(8).fill(0x55);
        const fence = rig.start(rig.readCommand(rig.at(0), into));
        await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'read of an absent page');
        bytesEqual(into, new Uint8Array(8).fill(0x55), 'a failed read must not return data: its buffer');
      },
    },
  ],
);

export const unclaimedProtection = defineCases(
  { level: 'driver', area: 'protection', needs: ['mmu:managed', '!replayable-faults', 'read-only-maps', 'frames:2'] },
  [
    {
      name: 'denied-store-fails-at-once',
      rule: 'DeviceFeature replayable-faults: without it a denied store fails with ACCESS_DENIED',
      mend: 'fail the fence of the access, and change nothing',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, pattern(1, 16));
        await rig.map([0], [0], RO);
        await rejects(rig.write(rig.at(0), pattern(2, 16)), ['ACCESS_DENIED'], 'a store to a read-only page');
        bytesEqual((await rig.unload(0)).slice(0, 16), pattern(1, 16), 'the frame after the denied store');
      },
    },
  ],
);
