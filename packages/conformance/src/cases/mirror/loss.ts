import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const GONE = ['DEVICE_LOST', 'CLOSED'];

export const loss = defineCases({ level: 'mirror', area: 'loss' }, [
  {
    name: 'only-what-existed-nowhere-else',
    rule: 'R10: a lost device loses only what existed nowhere else, and says which ranges',
    mend: 'resolve Device.lost and fail all fences; do not signal copies that did not happen',
    needs: ['inject:lose', 'dirty-bits', 'read-only-maps'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.read(area.at(0), 64);
      await t.mirror.write(area.at(2), pattern(9, 64));
      env.lose(t.device);
      const info = await env.expect('Mirror.lost', t.mirror.lost);
      const named = info.ranges.filter(({ start, end }) => start < area.at(4) && end > area.address);
      ok(
        named.some(({ start, end }) => start <= area.at(2) && end >= area.at(3)),
        'lost.ranges names the page that only the device had',
      );
      ok(
        !named.some(({ start, end }) => start < area.at(1) || end > area.at(3)),
        'lost.ranges names no page that the host has',
      );
      for (const page of [0, 1, 3]) await area.expectCpu(page, pattern(page, 64), `page ${page}`);
      await rejects(t.space.read(area.at(2), 64), ['DEVICE_LOST'], 'a CPU read of what is lost');
    },
  },
  {
    name: 'stalled-accesses-fail',
    rule: 'R6, R10: nothing waits for a device that is gone',
    mend: 'fail all pending fences before Device.lost resolves',
    needs: ['inject:lose'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      const held = await t.space.acquire(area.address, 64, 'write');
      const read = t.mirror.read(area.address, 64);
      const outcome = env.expect(
        'the read that waits for the CPU',
        rejects(read, GONE, 'a read on a device that is lost'),
      );
      await env.turn();
      env.lose(t.device);
      await outcome;
      held.release();
      await t.space.write(area.address, pattern(1, 64));
      await area.expectCpu(0, pattern(1, 64), 'the space goes on');
    },
  },
  {
    name: 'another-device-goes-on',
    rule: 'R10: what the host or another device has is not lost',
    mend: 'share no state between devices',
    needs: ['inject:lose'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 2 });
      await other.write(area.at(0), pattern(1, 64));
      env.lose(t.device);
      await env.expect('Mirror.lost', t.mirror.lost);
      bytesEqual(await other.read(area.at(0), 64), pattern(1, 64), 'the page of the other device');
      await other.write(area.at(1), pattern(2, 64));
      await area.expectCpu(1, pattern(2, 64), 'a page written afterwards');
      await rejects(t.mirror.read(area.at(0), 8), GONE, 'a read on the lost device');
    },
  },
  {
    name: 'replaced',
    rule: 'R10: on another device everything goes on but what existed only on the lost one, and that is listed',
    mend: 'share no state between devices; resolve Device.lost and fail all fences, so that the mirror can be moved',
    needs: ['inject:lose', 'dirty-bits', 'read-only-maps'],
    variants: ['plain', 'small', 'subrange', 'second'],
    cross: { lost: ['keep', 'discard'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.read(area.at(1), 64);
      await t.mirror.write(area.at(2), pattern(9, 64));
      const stalled = await t.space.acquire(area.at(3), 64, 'write');
      const read = env.expect('the read that waits', rejects(t.mirror.read(area.at(3), 64), GONE, 'a read that waits'));
      await env.turn();
      env.lose(t.device);
      const keep = env.params['lost'] === 'keep';
      const replacing = t.space.replace(t.mirror, await t.openAnother(), { lost: keep ? 'keep' : 'discard' });
      const { mirror, lost } = await env.expect('replace', replacing);
      await read;
      stalled.release();
      const named = lost.filter(({ start, end }) => start < area.at(4) && end > area.address);
      deepEqual(
        named,
        [{ start: area.at(2), end: area.at(3), state: keep ? 'lost' : 'discarded' }],
        'what is said to be lost of the area',
      );
      for (const page of [0, 1, 3])
        bytesEqual(await mirror.read(area.at(page), 64), pattern(page, 64), `page ${page} on the other device`);
      if (keep) {
        await rejects(mirror.read(area.at(2), 64), ['DEVICE_LOST'], 'a read of what is lost');
        await t.space.write(area.at(2), new Uint8Array(t.pageSize));
      }
      bytesEqual(await mirror.read(area.at(2), 64), new Uint8Array(64), 'what was lost and got contents again');
      await mirror.write(area.at(2), pattern(5, 64));
      await area.expectCpu(2, pattern(5, 64), 'what the other device wrote');
      await rejects(t.mirror.read(area.at(0), 8), GONE, 'a read through the mirror that was replaced');
      await mirror.detach();
    },
  },
  {
    name: 'replaced-in-time',
    rule: 'R10: moved to another device before anything happened, a mirror loses nothing',
    mend: 'bring home what is recalled, and let nothing of an MMU that was closed stay behind',
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      const { mirror, lost } = await env.expect('replace', t.space.replace(t.mirror, await t.openAnother()));
      equal(lost.length, 0, 'ranges that are lost');
      for (let page = 0; page < 4; page++)
        bytesEqual(await mirror.read(area.at(page), 64), pattern(page, 64), `page ${page} on the other device`);
      await mirror.write(area.at(1), pattern(7, 64));
      await area.expectCpu(1, pattern(7, 64), 'what the other device wrote');
      await mirror.detach();
    },
  },
  {
    name: 'closed-under-the-mirror',
    rule: 'R10: a device that is closed by its user counts as lost; the host’s data survive',
    mend: 'fail all fences in Device.close, then resolve lost',
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.read(area.address, 64);
      await t.device.close();
      await env.expect('Mirror.lost', t.mirror.lost);
      await rejects(t.mirror.read(area.at(1), 8), GONE, 'a read on a closed device');
      await area.expectCpu(0, pattern(1, 64), 'what the host had');
      await t.space.unmap(area.address, area.bytes);
    },
  },
  {
    name: 'closed-during-work',
    rule: 'R6: every wait ends when the device is closed',
    mend: 'fail all fences in Device.close',
    tags: ['igt:race'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 8 });
      await t.space.write(area.address, pattern(1, area.bytes));
      const reads = Array.from({ length: 8 }, (_, page) =>
        t.mirror.read(area.at(page), 64).then(
          () => 'data',
          () => 'failed',
        ),
      );
      for (let turns = env.pick(6); turns > 0; turns--) await env.turn();
      await t.device.close();
      const outcomes = await env.expect('all reads', Promise.all(reads));
      equal(outcomes.length, 8, 'reads that ended');
      for (let page = 0; page < 8; page++)
        await area.expectCpu(
          page,
          pattern(1, area.bytes).slice(page * t.pageSize, page * t.pageSize + 64),
          `page ${page}`,
        );
    },
  },
]);
