import { defineCases } from '../../case.js';
import { equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

export const leak = defineCases({ level: 'mirror', area: 'leak' }, [
  {
    name: 'attach-and-detach-again',
    rule: 'Mirror.detach: gives all frames back',
    mend: 'free MMU ids and everything that an MMU holds',
    tags: ['hmm:open_close'],
    needs: ['frames:8'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 4 });
      await t.mirror.detach();
      for (let round = 0; round < 12; round++) {
        const mirror = await t.space.attach(t.device, { prefetch: 'none' });
        for (let page = 0; page < 4; page++) await mirror.write(area.at(page), pattern(round + page, 64));
        equal(mirror.stats.evictions, 0, `evictions in round ${round}: 4 pages fit in 4 frames if none leaked`);
        await mirror.detach();
      }
      for (let page = 0; page < 4; page++) await area.expectCpu(page, pattern(11 + page, 64), `page ${page}`);
    },
  },
  {
    name: 'map-and-unmap-again',
    rule: 'R9: unmap gives frames back after the flush',
    mend: 'free page-table parts; accept that frames are used again',
    tags: ['igt:many'],
    needs: ['frames:8'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 6 });
      let baseline = 0;
      for (let round = 0; round < 60; round++) {
        const area = t.space.map({ bytes: 4 * t.pageSize });
        for (let page = 0; page < 4; page++) await t.mirror.write(area.address + page * t.pageSize, pattern(round, 16));
        await area.unmap();
        if (round === 29) baseline = t.space.metadataBytes;
      }
      equal(t.mirror.stats.evictions, 0, 'evictions: 4 pages fit in 6 frames if none leaked');
      const grown = t.space.metadataBytes - baseline;
      ok(grown <= 16 * 1024, `metadata grew by ${grown} bytes in 30 rounds of the same work`);
    },
  },
  {
    name: 'discard-again',
    rule: 'AddressSpace.dontNeed: gives frames back',
    mend: 'free the frame of a discarded page after the flush',
    needs: ['frames:8'],
    variants: ['plain', 'small', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 6 });
      const area = await t.map({ pages: 4, share: 'private' });
      for (let round = 0; round < 30; round++) {
        for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(round, 16));
        await t.space.dontNeed(area.address, area.bytes);
      }
      equal(t.mirror.stats.evictions, 0, 'evictions: 4 pages fit in 6 frames if none leaked');
      await area.expect(2, new Uint8Array(16), 'a discarded page');
    },
  },
  {
    name: 'failed-accesses-leave-nothing',
    rule: 'CancelFaultsCommand: what is cancelled is gone',
    mend: 'count cancelled accesses out of `stalled`, and free what they held',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.unmap(area.at(1), t.pageSize);
      for (let i = 0; i < 40; i++) await t.mirror.read(area.at(1), 8).catch(() => undefined);
      equal(t.device.faults.pending, 0, 'faults pending after 40 failed reads');
      await t.mirror.write(area.at(0), pattern(1, 16));
      await area.expect(0, pattern(1, 16), 'the page beside');
    },
  },
  {
    name: 'forks-come-and-go',
    rule: 'AddressSpace.close: a closed child holds no page of its parent',
    mend: 'a frame whose copies are gone belongs to one space again',
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'private' });
      for (let round = 0; round < 10; round++) {
        await t.mirror.write(area.at(1), pattern(round, 32));
        const child = await t.space.fork();
        await child.write(area.at(1), pattern(99, 32));
        await child.close();
        await area.expect(1, pattern(round, 32), `the page after fork ${round}`);
      }
    },
  },
]);
