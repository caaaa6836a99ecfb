import { defineCases } from '../../case.js';
import { bytesEqual, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const ENDED = ['ADDRESS_NOT_MAPPED', 'CLOSED', 'ACCESS_DENIED'];

export const teardown = defineCases({ level: 'mirror', area: 'teardown' }, [
  {
    name: 'open-close',
    rule: 'AddressSpace.close, Mirror.detach: idempotent, and in any order',
    mend: 'close what the mirror opened: MMU, listener, queues at rest',
    tags: ['hmm:open_close'],
    async run(env) {
      const t = await SpaceRig.open(env);
      await Promise.all([t.mirror.detach(), t.mirror.detach()]);
      await Promise.all([t.space.close(), t.space.close()]);
      ok(t.space.closed, 'the space is closed');
    },
  },
  {
    name: 'unmap-races-a-read',
    rule: 'R1, R6: an access that races unmap gives what was there, or an error; and it ends',
    mend: 'cancel what is stalled on an unmapped page; never give bytes of another page',
    tags: ['hmm:anon_teardown', 'igt:race'],
    cross: { turns: [0, 1, 2, 4] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const reads = [0, 1, 2, 3].map(async (page) => {
        const outcome = await t.mirror.read(area.at(page), 64).catch((error: unknown) => error);
        if (outcome instanceof Uint8Array)
          bytesEqual(outcome, pattern(page, 64), `page ${page}, read while it was unmapped`);
        else await rejects(Promise.reject(outcome), ENDED, `read of page ${page}`);
      });
      const all = env.expect('the racing reads', Promise.all(reads));
      for (let turns = Number(env.params['turns']); turns > 0; turns--) await env.turn();
      await t.space.unmap(area.address, area.bytes);
      await all;
    },
  },
  {
    name: 'detach-under-work',
    rule: 'Mirror.detach: what runs ends, one way or the other; what was written survives',
    mend: 'DeviceMmu.close must fail what is stalled, and only after copyOut',
    tags: ['igt:race'],
    cross: { turns: [0, 2, 5] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      await t.mirror.write(area.at(0), pattern(0, 64));
      const writes = [1, 2, 3, 4, 5].map((page) =>
        t.mirror.write(area.at(page), pattern(page, 64)).then(
          () => true,
          () => false,
        ),
      );
      const all = env.expect('the writes', Promise.all(writes));
      for (let turns = Number(env.params['turns']); turns > 0; turns--) await env.turn();
      await t.mirror.detach();
      const done = [true, ...(await all)];
      for (let page = 0; page < 6; page++) {
        const seen = await t.space.read(area.at(page), 64);
        if (done[page]) bytesEqual(seen, pattern(page, 64), `page ${page}, whose write succeeded`);
        else
          ok(
            seen.every((byte, i) => byte === 0 || byte === pattern(page, 64)[i]),
            `page ${page} holds nothing foreign`,
          );
      }
    },
  },
  {
    name: 'close-under-work',
    rule: 'AddressSpace.close: ends everything, whatever runs',
    mend: 'end stalled accesses when the MMU is closed',
    tags: ['igt:race', 'hmm:anon_teardown'],
    cross: { turns: [0, 2, 5] },
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      const work = Array.from({ length: 12 }, (_, i) => {
        const at = area.at(i % 6);
        const access = i % 2 ? t.mirror.read(at, 64) : t.mirror.write(at, pattern(i, 64));
        return access.then(
          () => 'done',
          () => 'failed',
        );
      });
      const all = env.expect('the accesses', Promise.all(work));
      for (let turns = Number(env.params['turns']); turns > 0; turns--) await env.turn();
      await t.space.close();
      await all;
      await rejects(t.space.read(area.address, 8), ['CLOSED'], 'a CPU read after close');
    },
  },
  {
    name: 'unmap-under-eviction',
    rule: 'R1, R7: unmapping pages that are being evicted',
    mend: 'a frame belongs to one page at a time, in the order of submissions',
    tags: ['igt:evict', 'igt:race'],
    needs: ['frames:8'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const keep = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(keep.at(page), pattern(page, 64));
      for (let round = 0; round < 4; round++) {
        const area = await t.map({ pages: 6 });
        const work = [0, 1, 2, 3, 4, 5].map((page) =>
          t.mirror.write(area.at(page), pattern(9, 64)).catch(() => undefined),
        );
        for (let turns = env.pick(5); turns > 0; turns--) await env.turn();
        await t.space.unmap(area.address, area.bytes);
        await Promise.all(work);
      }
      for (let page = 0; page < 4; page++)
        await keep.expect(page, pattern(page, 64), `page ${page}, which stayed mapped`);
    },
  },
  {
    name: 'close-the-device-last',
    rule: 'Device.close: after detach the device is as new: another space may use it',
    mend: 'forget everything of an MMU that is closed',
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.mirror.write(area.address, pattern(1, 64));
      await t.mirror.detach();
      const again = await t.space.attach(t.device, { prefetch: 'none' });
      bytesEqual(
        await again.read(area.address, 64),
        pattern(1, 64),
        'the page through a new mirror on the same device',
      );
      await again.write(area.at(1), pattern(2, 64));
      await again.detach();
      await area.expectCpu(1, pattern(2, 64), 'what the new mirror wrote');
    },
  },
]);
