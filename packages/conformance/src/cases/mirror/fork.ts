import type { AddressSpace, Mirror } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

/** Forks the space; the child is closed after the case. */
async function forkOf(t: SpaceRig): Promise<AddressSpace> {
  const child = await t.space.fork();
  t.env.defer(() => child.close());
  return child;
}

async function attach(t: SpaceRig, space: AddressSpace): Promise<Mirror> {
  const mirror = await space.attach(t.device, { prefetch: 'none', timeoutMs: t.env.waitMs });
  t.env.defer(() => mirror.detach());
  return mirror;
}

export const fork = defineCases({ level: 'mirror', area: 'fork' }, [
  {
    name: 'parent-writes',
    rule: 'AddressSpace.fork: copy on write for private regions: the child keeps what was there',
    mend: 'fork must take the device’s write right away first (protect, flushTlb)',
    tags: ['hmm:anon_write_child', 'igt:fork-read'],
    cross: { by: ['device', 'cpu'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const child = await forkOf(t);
      if (env.params['by'] === 'device') await t.mirror.write(area.at(1), pattern(9, 64));
      else await t.space.write(area.at(1), pattern(9, 64));
      for (let page = 0; page < 3; page++) {
        bytesEqual(await child.read(area.at(page), 64), pattern(page, 64), `page ${page} in the child`);
        await area.expect(page, pattern(page === 1 ? 9 : page, 64), `page ${page} in the parent`);
      }
    },
  },
  {
    name: 'child-writes',
    rule: 'AddressSpace.fork: copy on write: the parent and its device keep what was there',
    mend: 'a copy made for the child must not reach the parent’s frames',
    tags: ['hmm:anon_write_child'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2, share: 'private' });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.read(area.address, 64);
      const child = await forkOf(t);
      await child.write(area.address, pattern(2, 64));
      await area.expect(0, pattern(1, 64), 'the page in the parent');
      bytesEqual(await child.read(area.address, 64), pattern(2, 64), 'the page in the child');
    },
  },
  {
    name: 'shared-regions',
    rule: 'MapOptions.share: what is shared stays shared over fork, without copies',
    mend: 'the device’s stores must reach all spaces that share the page',
    tags: ['hmm:anon_write_child_shared'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2, share: 'shared' });
      await t.mirror.write(area.address, pattern(1, 64));
      const child = await forkOf(t);
      await t.mirror.write(area.at(0, 64), pattern(2, 64));
      bytesEqual(await child.read(area.address, 64), pattern(1, 64), 'what the device wrote before fork');
      bytesEqual(await child.read(area.at(0, 64), 64), pattern(2, 64), 'what the device wrote after fork');
      await child.write(area.at(1), pattern(3, 64));
      await area.expect(1, pattern(3, 64), 'what the child wrote');
    },
  },
  {
    name: 'pages-on-the-device',
    rule: 'R2: pages that live on the device when the space is forked are copied on write as others',
    mend: 'the device’s later stores must not change the child',
    tags: ['hmm:hmm_cow_in_device'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2, share: 'private' });
      await t.mirror.write(area.address, pattern(1, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      const child = await forkOf(t);
      const mirror = await attach(t, child);
      await t.mirror.write(area.address, pattern(2, 64));
      await mirror.write(area.at(1), pattern(3, 64));
      bytesEqual(await mirror.read(area.address, 64), pattern(1, 64), 'the first page of the child, on the device');
      await area.expect(0, pattern(2, 64), 'the first page of the parent');
      await area.expect(1, new Uint8Array(64), 'the second page of the parent');
      bytesEqual(await child.read(area.at(1), 64), pattern(3, 64), 'the second page of the child');
    },
  },
  {
    name: 'one-device-two-spaces',
    rule: 'DeviceMmu: one device page table a space, at the same addresses',
    mend: 'look translations up by MMU',
    tags: ['igt:process', 'igt:fork-read'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4, share: 'private' });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const child = await forkOf(t);
      const mirror = await attach(t, child);
      await Promise.all(
        [0, 1, 2, 3].map((page) => (page % 2 ? mirror : t.mirror).write(area.at(page), pattern(20 + page, 64))),
      );
      for (let page = 0; page < 4; page++) {
        await area.expect(page, pattern(page % 2 ? page : 20 + page, 64), `page ${page} of the parent`);
        bytesEqual(
          await mirror.read(area.at(page), 64),
          pattern(page % 2 ? 20 + page : page, 64),
          `page ${page} of the child`,
        );
      }
    },
  },
  {
    name: 'parent-unmaps',
    rule: 'R2: the child keeps its pages when the parent lets them go',
    mend: 'free a frame only when its last user is gone',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      for (let page = 0; page < 2; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const child = await forkOf(t);
      await t.space.unmap(area.address, area.bytes);
      for (let page = 0; page < 2; page++)
        bytesEqual(await child.read(area.at(page), 64), pattern(page, 64), `page ${page} in the child`);
    },
  },
  {
    name: 'generations',
    rule: 'AddressSpace.fork: a child may fork again; each keeps its own content',
    mend: 'copies are made from the page that is shared, not from the newest',
    tags: ['igt:many'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1, share: 'private' });
      const spaces: AddressSpace[] = [t.space];
      for (let i = 0; i < 4; i++) {
        const space = spaces[i] ?? t.space;
        await space.write(area.address, pattern(i, 32));
        await t.mirror.read(area.address, 32);
        const child = await space.fork();
        env.defer(() => child.close());
        spaces.push(child);
      }
      for (const [i, space] of spaces.entries()) {
        bytesEqual(await space.read(area.address, 32), pattern(Math.min(i, 3), 32), `generation ${i}`);
      }
      await area.expect(0, pattern(0, 32), 'the first generation');
    },
  },
  {
    name: 'exclusive-page',
    rule: 'R3: fork ends a device’s exclusive use; both sides then copy on write',
    mend: 'drop the write right of exclusive pages too',
    tags: ['hmm:exclusive_cow'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2, share: 'private' });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.exclusive(area.address, area.bytes);
      const child = await forkOf(t);
      await t.mirror.write(area.address, pattern(2, 64));
      bytesEqual(await child.read(area.address, 64), pattern(1, 64), 'the page in the child');
      await area.expect(0, pattern(2, 64), 'the page in the parent');
    },
  },
]);
