import type { Fence } from '@mirrorspace/core/driver';
import type { Env } from '../../env.js';
import { Rig } from '../../rig.js';

/**
 * A fence that stays pending until it is opened: a stalled read on a device of its own. Submissions that wait for it become
 * ready at one moment, also on a device that runs everything at once.
 */
export async function createGate(env: Env): Promise<{ readonly fence: Fence; open(): Promise<void> }> {
  const rig = await Rig.open(env);
  const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
  await rig.faults();
  return {
    fence,
    async open() {
      await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
      await rig.wait(fence);
    },
  };
}
