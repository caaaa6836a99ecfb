import { PTE_SHARED } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { FIRST_PAGE, Rig, RW } from '../../rig.js';

const everySize = { pageSize: PAGE_SIZES };

/** Mapping: several tables, several entries a frame, several page sizes. */
export const tables = defineCases({ level: 'driver', area: 'mapping', needs: ['mmu:managed', 'frames:4'] }, [
  {
    name: 'shared-frame',
    rule: 'PTE_SHARED: a frame may be mapped by more than one entry on purpose',
    mend: 'accept several entries that name one frame; they see the same bytes',
    tags: ['hmm:anon_write_child_shared'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0, 5], [2, 2], RW | PTE_SHARED);
      await rig.write(rig.at(0, 8), pattern(1, 32));
      bytesEqual(await rig.read(rig.at(5, 8), 32), pattern(1, 32), 'the same frame through its other entry');
    },
  },
  {
    name: 'mmus-are-apart',
    rule: 'DeviceMmu: one device page table each',
    mend: 'look entries up by MMU and page, cached translations too',
    tags: ['igt:process'],
    cross: everySize,
    async run(env) {
      const rig = await Rig.open(env);
      const other = await rig.sibling();
      ok(rig.mmu.id !== other.mmu.id, 'open MMUs need ids of their own');
      await rig.map([0], [0]);
      await other.map([0], [1]);
      await rig.write(rig.at(0), pattern(1, 64));
      await other.write(other.at(0), pattern(2, 64));
      bytesEqual(await rig.read(rig.at(0), 64), pattern(1, 64), 'the first MMU');
      bytesEqual(await other.read(other.at(0), 64), pattern(2, 64), 'the second MMU');
    },
  },
  {
    name: 'page-sizes-side-by-side',
    rule: 'DeviceFeature page-sizes: entries of several sizes in one MMU; frames count in units of the entry’s page size',
    mend: 'look up every page size that is offered; frame f of a large size starts at byte f * pageSize of device memory',
    tags: ['hmm:anon_write_huge', 'hmm:compound'],
    needs: ['page-sizes'],
    async run(env) {
      const rig = await Rig.open(env);
      const [small = 0, large = 0] = rig.device.limits.pageSizes;
      const ratio = large / small;
      await rig.map([0], [0]);
      const page = Math.ceil((FIRST_PAGE + 1) / ratio);
      const listed = { mmu: rig.mmu.id, pageSize: large, count: 1, pages: Float64Array.of(page) };
      await rig.page({ kind: 'map', ...listed, frames: Uint32Array.of(1), access: Uint8Array.of(RW) });
      await rig.write(rig.at(0), pattern(1, 32));
      await rig.write(page * large + small, pattern(2, 32));
      bytesEqual(await rig.read(rig.at(0), 32), pattern(1, 32), 'the small page');
      bytesEqual((await rig.unload(ratio + 1)).slice(0, 32), pattern(2, 32), 'the second small frame of the large one');
    },
  },
]);
