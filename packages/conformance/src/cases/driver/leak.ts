import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const leak = defineCases({ level: 'driver', area: 'leak', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'open-and-close-again',
    rule: 'Device.close: frees everything',
    mend: 'release memory, timers and names in close',
    tags: ['hmm:open_close'],
    async run(env) {
      for (let i = 0; i < 20; i++) {
        const rig = await Rig.open(env);
        await rig.map([0], [0]);
        await rig.write(rig.at(0), pattern(i, 16));
        await rig.device.close();
      }
    },
  },
  {
    name: 'mmus-come-and-go',
    rule: 'DeviceMmu.close: frees its page table and, in time, its id',
    mend: 'reuse ids of closed MMUs; 0 to 65,535 must suffice for ever',
    async run(env) {
      const rig = await Rig.open(env);
      for (let i = 0; i < 300; i++) {
        const next = await rig.sibling();
        ok(
          next.mmu.id >= 0 && next.mmu.id <= 65535 && next.mmu.id !== rig.mmu.id,
          `id ${next.mmu.id}: free, from 0 to 65,535`,
        );
        await next.map([0], [1]);
        await next.mmu.close();
      }
      await rig.map([0], [0]);
      await rig.read(rig.at(0), 4);
    },
  },
  {
    name: 'many-submissions',
    rule: 'CommandQueue.depth: returns to 0',
    mend: 'forget submissions that settled',
    tags: ['igt:many'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      let last = rig.start(rig.flushCommand());
      for (let i = 0; i < 500; i++) last = rig.start(rig.writeCommand(rig.at(0), pattern(i, 8)));
      await rig.wait(last);
      equal(rig.user.depth, 0, 'depth after all fences settled');
      bytesEqual(await rig.read(rig.at(0), 8), pattern(499, 8), 'what the last store left');
    },
  },
  {
    name: 'faults-come-and-go',
    rule: 'FaultSource: an entry leaves the buffer when it is drained',
    mend: 'free the entries of drained faults; the buffer must not fill up over time',
    needs: ['replayable-faults'],
    async run(env) {
      const rig = await Rig.open(env);
      const rounds = Math.min(rig.device.faults.capacity + 10, 300);
      for (let i = 0; i < rounds; i++) {
        const fence = rig.start(rig.readCommand(rig.at(i), new Uint8Array(4)));
        await rig.faults();
        await rig.page(rig.mapCommand([i], [0]), rig.replayCommand());
        await rig.wait(fence);
        await rig.unmap([i]);
      }
      equal(rig.device.faults.dropped, 0, 'dropped faults, one at a time');
      equal(rig.device.faults.pending, 0, 'pending faults at the end');
    },
  },
  {
    name: 'entries-come-and-go',
    rule: 'UnmapCommand: frees what the entry took',
    mend: 'drop empty parts of the page table; a page far away must be as good as one nearby',
    tags: ['igt:many'],
    async run(env) {
      const rig = await Rig.open(env);
      const far = Math.floor(2 ** rig.mmu.addressBits / rig.pageSize / 256);
      for (let i = 0; i < 128; i++) {
        await rig.page(rig.mapCommand([i * far], [0]));
        await rig.write(rig.at(i * far), pattern(i, 8));
        bytesEqual((await rig.unload(0)).slice(0, 8), pattern(i, 8), `the frame, mapped for the time ${i}`);
        await rig.unmap([i * far]);
      }
    },
  },
]);
