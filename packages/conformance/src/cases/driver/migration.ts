import { BIT_DIRTY, ZERO_FRAME } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

const sizes = { pageSize: PAGE_SIZES };

export const migration = defineCases({ level: 'driver', area: 'migration', needs: ['mmu:managed', 'frames:4'] }, [
  {
    name: 'frames-round-trip',
    needs: ['pages:4'],
    rule: 'CopyInCommand, CopyOutCommand: copy whole frames, bit by bit',
    mend: 'copy pageSize bytes a frame, from offsetOf(frame) of bufferOf(frame)',
    tags: ['hmm:migrate'],
    cross: sizes,
    async run(env) {
      const rig = await Rig.open(env, { hostFrames: 8 });
      for (let i = 0; i < 4; i++) rig.host.bytesOf(i).set(pattern(i, rig.pageSize));
      await rig.page(rig.copyCommand('copyIn', [0, 1, 2, 3], [3, 1, 0, 2]));
      await rig.page(rig.copyCommand('copyOut', [4, 5, 6, 7], [0, 1, 2, 3]));
      for (const [i, source] of [2, 1, 3, 0].entries()) {
        bytesEqual(rig.host.bytesOf(4 + i), pattern(source, rig.pageSize), `device frame ${i}`);
      }
    },
  },
  {
    name: 'zero-frame',
    rule: 'ZERO_FRAME: stands for a page of zeros without storage',
    mend: 'clear the device frame; do not ask HostFrames for frame 0xffffffff',
    tags: ['hmm:migrate_anon_huge_zero'],
    cross: sizes,
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(1, rig.pageSize));
      await rig.load(1, pattern(2, rig.pageSize));
      rig.host.bytesOf(2).set(pattern(3, rig.pageSize));
      await rig.page(rig.copyCommand('copyIn', [ZERO_FRAME, 2], [0, 1]));
      bytesEqual(await rig.unload(0), new Uint8Array(rig.pageSize), 'the frame that was filled with zeros');
      bytesEqual(await rig.unload(1), pattern(3, rig.pageSize), 'the frame beside it in the command');
    },
  },
  {
    name: 'copy-when-dirty',
    rule: 'CopyOutCommand.when: only frames i with when[i] & BIT_DIRTY; host frames not copied keep their bytes',
    mend: 'look at bit BIT_DIRTY alone, and write nothing where it is 0',
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2]) await rig.load(frame, pattern(frame, rig.pageSize));
      for (const frame of [4, 5, 6]) rig.host.bytesOf(frame).fill(0xcc);
      const when = Uint8Array.of(BIT_DIRTY, 1, BIT_DIRTY | 1);
      await rig.page(rig.copyCommand('copyOut', [4, 5, 6], [0, 1, 2], when));
      bytesEqual(rig.host.bytesOf(4), pattern(0, rig.pageSize), 'a dirty frame');
      bytesEqual(rig.host.bytesOf(5), new Uint8Array(rig.pageSize).fill(0xcc), 'host frame of a clean page');
      bytesEqual(rig.host.bytesOf(6), pattern(2, rig.pageSize), 'a dirty and accessed frame');
    },
  },
  {
    name: 'when-is-read-late',
    rule: 'CopyOutCommand.when: the array that an earlier command of the same submission fills',
    mend: 'read `when` when the copy runs, not when it is submitted',
    tags: ['hmm:migrate_fault'],
    needs: ['dirty-bits'],
    cross: { by: ['unmap', 'harvest', 'protect'] },
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1]) await rig.load(frame, pattern(frame, rig.pageSize));
      await rig.map([0, 1], [0, 1]);
      await rig.write(rig.at(1), pattern(5, 16));
      await rig.read(rig.at(0), 16);
      for (const frame of [4, 5]) rig.host.bytesOf(frame).fill(0xcc);
      const bits = new Uint8Array(2);
      const by = env.params['by'];
      const first =
        by === 'unmap'
          ? rig.unmapCommand([0, 1], bits)
          : by === 'protect'
            ? rig.protectCommand([0, 1], 3, bits)
            : ({ kind: 'harvest', ...rig.list([0, 1]), bits } as const);
      await rig.page(first, rig.flushCommand(), rig.copyCommand('copyOut', [4, 5], [0, 1], bits));
      bytesEqual(rig.host.bytesOf(4), new Uint8Array(rig.pageSize).fill(0xcc), 'host frame of the clean page');
      bytesEqual(rig.host.bytesOf(5).slice(0, 16), pattern(5, 16), 'host frame of the dirty page');
    },
  },
  {
    name: 'other-frames-stay',
    rule: 'R2: a copy changes the listed frames and no others',
    mend: 'bounds-check every copied run',
    cross: sizes,
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2, 3]) await rig.load(frame, pattern(frame, rig.pageSize));
      await rig.load(2, pattern(9, rig.pageSize));
      rig.host.bytesOf(3).fill(0x77);
      rig.host.bytesOf(5).fill(0x77);
      await rig.page(rig.copyCommand('copyOut', [4], [2]));
      bytesEqual(rig.host.bytesOf(3), new Uint8Array(rig.pageSize).fill(0x77), 'host frame before the copied one');
      bytesEqual(rig.host.bytesOf(5), new Uint8Array(rig.pageSize).fill(0x77), 'host frame behind the copied one');
      for (const frame of [0, 1, 3])
        bytesEqual(await rig.unload(frame), pattern(frame, rig.pageSize), `device frame ${frame}`);
    },
  },
  {
    name: 'ten-round-trips',
    rule: 'R2: no write is lost when a page moves back and forth',
    mend: 'keep content through copyIn, map, store, unmap, copyOut',
    tags: ['hmm:migrate_multiple'],
    async run(env) {
      const rig = await Rig.open(env);
      const expected = pattern(1, rig.pageSize);
      rig.host.bytesOf(2).set(expected);
      for (let i = 0; i < 10; i++) {
        const frame = i % 4;
        await rig.page(rig.copyCommand('copyIn', [2], [frame]), rig.mapCommand([0], [frame]));
        await rig.write(rig.at(0, 11 * i), pattern(i, 7));
        expected.set(pattern(i, 7), 11 * i);
        const bits = new Uint8Array(1);
        await rig.page(
          rig.unmapCommand([0], bits),
          rig.flushCommand([0]),
          rig.copyCommand('copyOut', [2], [frame], bits),
        );
        bytesEqual(rig.host.bytesOf(2), expected, `the page after round trip ${i}`);
      }
    },
  },
  {
    name: 'unmapped-frames-keep-content',
    rule: 'DiscardCommand: without it a frame keeps its content, whether entries map it or not',
    mend: 'do not clear or poison a frame because its entry went away: what is dirty may still have to be copied home',
    tags: ['hmm:migrate_release'],
    cross: sizes,
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [1]);
      await rig.write(rig.at(0), pattern(1, rig.pageSize));
      await rig.unmap([0]);
      await env.quiet(rig.device);
      bytesEqual(await rig.unload(1), pattern(1, rig.pageSize), 'the frame after its entry was removed and flushed');
      await rig.map([3], [1]);
      bytesEqual(await rig.read(rig.at(3), 64), pattern(1, 64), 'the same frame at another page');
    },
  },
  {
    name: 'discard',
    rule: 'DiscardCommand: the listed frames hold nothing of value any more; the others keep their content',
    mend: 'touch the listed frames alone, in the order of submissions, and let them be filled again',
    tags: ['igt:madvise'],
    cross: sizes,
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2]) await rig.load(frame, pattern(frame, rig.pageSize));
      rig.host.bytesOf(4).set(pattern(7, rig.pageSize));
      const discard = { kind: 'discard', pageSize: rig.pageSize, count: 1, frames: Uint32Array.of(1) } as const;
      await rig.page(discard, rig.copyCommand('copyIn', [4], [1]));
      bytesEqual(await rig.unload(1), pattern(7, rig.pageSize), 'a frame that was filled again behind its discard');
      await rig.page(discard);
      await env.quiet(rig.device);
      for (const frame of [0, 2])
        bytesEqual(await rig.unload(frame), pattern(frame, rig.pageSize), `frame ${frame}, which was not listed`);
      await rig.load(1, pattern(8, rig.pageSize));
      await rig.map([0], [1]);
      bytesEqual(await rig.read(rig.at(0), rig.pageSize), pattern(8, rig.pageSize), 'the frame, used again later');
    },
  },
]);
