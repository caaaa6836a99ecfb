import { BIT_DIRTY } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

/** What a device must not remember of host frames, since the host moves pages between them. */
export const hostMigration = defineCases(
  { level: 'driver', area: 'host-migration', needs: ['mmu:managed', 'frames:4'] },
  [
    {
      name: 'home-is-elsewhere',
      rule: 'CopyOutCommand.hostFrames: a frame comes home to the host frame that the command names, whatever it was copied from',
      mend: 'write to the frame of copyOut; keep nothing of copyIn',
      cross: { when: ['always', 'dirty'] },
      async run(env) {
        const rig = await Rig.open(env);
        rig.host.bytesOf(1).set(pattern(1, rig.pageSize));
        await rig.page(rig.copyCommand('copyIn', [1], [0]));
        await rig.map([0], [0]);
        await rig.write(rig.at(0), pattern(2, 64));
        // The page moved to host frame 5, and frame 1 has another one.
        rig.host.bytesOf(5).set(pattern(1, rig.pageSize));
        rig.host.bytesOf(1).set(pattern(3, rig.pageSize));
        const when = env.params['when'] === 'dirty' ? Uint8Array.of(BIT_DIRTY) : undefined;
        await rig.page(rig.unmapCommand([0]), rig.flushCommand(), rig.copyCommand('copyOut', [5], [0], when));
        bytesEqual(rig.host.bytesOf(5).slice(0, 64), pattern(2, 64), 'what was written, in the page’s new place');
        bytesEqual(rig.host.bytesOf(5).slice(64), pattern(1, rig.pageSize).slice(64), 'the rest of the page');
        bytesEqual(rig.host.bytesOf(1), pattern(3, rig.pageSize), 'the page that has the old place now');
      },
    },
    {
      name: 'storage-is-elsewhere',
      rule: 'HostFrames.bufferOf: is asked for each command: the storage of a host frame may be another one by then',
      mend: 'ask for the buffer and the offset when the copy runs; keep neither',
      cross: { kind: ['copyIn', 'copyOut'] },
      async run(env) {
        const rig = await Rig.open(env);
        rig.host.bytesOf(2).set(pattern(4, rig.pageSize));
        await rig.page(rig.copyCommand('copyIn', [2], [0]));
        await rig.page(rig.copyCommand('copyOut', [2], [0]));
        const old = rig.host.bytesOf(2);
        rig.host.replaceStorage();
        rig.host.bytesOf(2).set(pattern(5, rig.pageSize));
        if (env.params['kind'] === 'copyIn') {
          await rig.page(rig.copyCommand('copyIn', [2], [1]));
          bytesEqual(await rig.unload(1), pattern(5, rig.pageSize), 'a frame copied in from new storage');
        } else {
          await rig.page(rig.copyCommand('copyOut', [2], [0]));
          bytesEqual(rig.host.bytesOf(2), pattern(4, rig.pageSize), 'what was copied out to new storage');
        }
        bytesEqual(old, pattern(4, rig.pageSize), 'the storage that the frame had before');
      },
    },
    {
      name: 'copy-stands-alone',
      rule: 'CopyInCommand: copies: what becomes of the host frame afterwards does not matter',
      mend: 'have the bytes in device memory when the fence signals',
      async run(env) {
        const rig = await Rig.open(env);
        rig.host.bytesOf(3).set(pattern(6, rig.pageSize));
        await rig.page(rig.copyCommand('copyIn', [3], [0]));
        rig.host.bytesOf(3).fill(0xee);
        await rig.map([0], [0]);
        bytesEqual(await rig.read(rig.at(0), 64), pattern(6, 64), 'a page whose host frame has another one now');
        bytesEqual(await rig.unload(0), pattern(6, rig.pageSize), 'its device frame');
      },
    },
    {
      name: 'entry-stays',
      rule: 'UnmapCommand.bits: a page whose host frame changed keeps its entry and its dirty bit',
      mend: 'dirty bits belong to the entry; copies from and to host frames leave them alone',
      needs: ['dirty-bits'],
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, pattern(7, rig.pageSize));
        await rig.load(1, pattern(8, rig.pageSize));
        await rig.map([0, 1], [0, 1]);
        await rig.write(rig.at(0), pattern(9, 16));
        // Other pages pass through the host frames meanwhile.
        await rig.page(rig.copyCommand('copyIn', [0, 1], [2, 3]));
        await rig.page(rig.copyCommand('copyOut', [4, 5], [2, 3]));
        const bits = new Uint8Array(2);
        await rig.page(
          rig.unmapCommand([0, 1], bits),
          rig.flushCommand(),
          rig.copyCommand('copyOut', [6, 7], [0, 1], bits),
        );
        bytesEqual(
          bits.map((bit) => bit & BIT_DIRTY),
          Uint8Array.of(BIT_DIRTY, 0),
          'dirty bits',
        );
        bytesEqual(rig.host.bytesOf(6).slice(0, 16), pattern(9, 16), 'what was written, at its new home');
      },
    },
  ],
);
