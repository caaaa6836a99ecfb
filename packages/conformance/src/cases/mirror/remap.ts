import { defineCases } from '../../case.js';
import { bytesEqual, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const NOT_MAPPED = ['ADDRESS_NOT_MAPPED'];

export const remap = defineCases({ level: 'mirror', area: 'mapping' }, [
  {
    name: 'remap',
    rule: 'R2: remap keeps the content and frees the old addresses',
    mend: 'unmap and flush the old addresses; contents follow by frame, not by address',
    tags: ['hmm:migrate_remap_fault', 'igt:mremap', 'igt:middle-remap'],
    cross: { how: ['grow', 'shrink', 'move'], when: ['before', 'after'] },
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const { how, when } = env.params;
      // What is live cannot grow.
      const area = await t.map({ pages: 4, ...(how === 'grow' && { share: 'private' }) });
      for (let page = 0; page < 4; page++) {
        await t.space.write(area.at(page), pattern(page, 64));
        if (when === 'after') await t.mirror.write(area.at(page, 64), pattern(10 + page, 64));
      }
      const away = t.space.map({ bytes: 16 * t.pageSize });
      const target = away.address + 4 * t.pageSize;
      await away.unmap();
      const pages = how === 'grow' ? 6 : how === 'shrink' ? 2 : 4;
      const bytes = pages * t.pageSize;
      const moved = await t.space.remap(
        area.address,
        area.bytes,
        how === 'move' ? { bytes, address: target } : { bytes },
      );
      for (let page = 0; page < Math.min(pages, 4); page++) {
        const at = moved.address + page * t.pageSize;
        bytesEqual(await t.mirror.read(at, 64), pattern(page, 64), `page ${page} at its new address, on the device`);
        if (when === 'after')
          bytesEqual(await t.space.read(at + 64, 64), pattern(10 + page, 64), `page ${page}, what the device wrote`);
      }
      if (how === 'move') await rejects(t.mirror.read(area.address, 8), NOT_MAPPED, 'the old address');
      if (how === 'shrink') await rejects(t.mirror.read(area.at(3), 8), NOT_MAPPED, 'the part cut off');
      if (how === 'grow')
        bytesEqual(await t.mirror.read(moved.address + 5 * t.pageSize, 64), new Uint8Array(64), 'the part that is new');
    },
  },
  {
    name: 'remap-part',
    rule: 'R2: moving a part of a region leaves the rest where it was',
    mend: 'unmap exactly the listed pages',
    tags: ['hmm:migrate_remap_fault', 'igt:middle-remap'],
    cross: { offset: [0, 1, 2] },
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const away = t.space.map({ bytes: 4 * t.pageSize });
      await away.unmap();
      const offset = Number(env.params['offset']);
      const moved = await t.space.remap(area.at(offset), t.pageSize, { address: away.address + t.pageSize });
      bytesEqual(await t.mirror.read(moved.address, 64), pattern(offset, 64), 'the moved page');
      for (let page = 0; page < 3; page++) {
        if (page === offset) await rejects(t.mirror.read(area.at(page), 8), NOT_MAPPED, 'where it was');
        else await area.expect(page, pattern(page, 64), `page ${page}`);
      }
    },
  },
]);
