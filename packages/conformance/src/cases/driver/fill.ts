import { defineCases } from '../../case.js';
import { bytesEqual } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const fill = defineCases({ level: 'driver', area: 'mapping', needs: ['mmu:managed', 'frames:4'] }, [
  {
    name: 'fill-exactly',
    rule: 'FillCommand: sets `bytes` virtual bytes to `value`, and no byte beside them',
    mend: 'fill from the first byte to the last, also where they are no whole words',
    cross: { bytes: [0, 1, 3, 4, 7, 64] },
    async run(env) {
      const rig = await Rig.open(env);
      const bytes = Number(env.params['bytes']);
      const expected = pattern(1, rig.pageSize);
      await rig.load(0, expected);
      await rig.map([0], [0]);
      for (const [offset, value] of [
        [5, 0xab],
        [200, 0],
        [300, 0xff],
      ] as const) {
        await rig.wait(rig.start({ kind: 'fill', mmu: rig.mmu.id, address: rig.at(0, offset), bytes, value }));
        expected.fill(value, offset, offset + bytes);
      }
      bytesEqual(await rig.unload(0), expected, `the page after fills of ${bytes} bytes`);
    },
  },
  {
    name: 'fill-across-pages',
    rule: 'FillCommand: sets `bytes` virtual bytes to `value`, whatever pages they lie in',
    mend: 'translate the part in each page by itself',
    async run(env) {
      const rig = await Rig.open(env);
      for (const frame of [0, 1, 2, 3]) await rig.load(frame, pattern(frame, rig.pageSize));
      await rig.map([0, 1, 2], [3, 0, 2]);
      const bytes = rig.pageSize + 20;
      await rig.wait(rig.start({ kind: 'fill', mmu: rig.mmu.id, address: rig.at(1, -10), bytes, value: 0x42 }));
      bytesEqual(await rig.unload(3), pattern(3, rig.pageSize).fill(0x42, -10), 'the end of the first page');
      bytesEqual(await rig.unload(0), new Uint8Array(rig.pageSize).fill(0x42), 'the page between');
      bytesEqual(await rig.unload(2), pattern(2, rig.pageSize).fill(0x42, 0, 10), 'the start of the last page');
      bytesEqual(await rig.unload(1), pattern(1, rig.pageSize), 'a frame that is not mapped');
    },
  },
]);
