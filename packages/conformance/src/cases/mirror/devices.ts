import { defineCases } from '../../case.js';
import { deepEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, ON_HOST, SpaceRig, WRITABLE } from '../../space-rig.js';

const variants = ['plain', 'small', 'subrange', 'second'] as const;

export const devices = defineCases({ level: 'mirror', area: 'devices' }, [
  {
    name: 'see-each-other',
    rule: 'R2: what one device wrote, the other sees after the fence',
    mend: 'bring the page home (copyOut) before the other device’s copyIn',
    tags: ['hmm:migrate_mixed'],
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 3 });
      for (let round = 0; round < 5; round++) {
        const [writer, reader] = round % 2 ? [other, t.mirror] : [t.mirror, other];
        await writer.write(area.at(1, 8 * round), pattern(round, 8));
        const seen = await reader.read(area.at(1, 8 * round), 8);
        deepEqual(seen, pattern(round, 8), `what the other device wrote in round ${round}`);
      }
      for (let round = 0; round < 5; round++) await area.expectCpu(1, pattern(round, 8), `round ${round}`, 8 * round);
    },
  },
  {
    name: 'places-of-pages',
    rule: 'Mirror.residency: where each page is, from each device’s point of view',
    mend: 'a page that another device owns is not on this one',
    tags: ['hmm:snapshot'],
    needs: ['read-only-maps'],
    variants: ['plain', 'small', 'subrange'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 5 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.mirror.read(area.at(1), 8);
      await t.mirror.write(area.at(2), pattern(2, 8));
      await other.write(area.at(3), pattern(3, 8));
      await other.read(area.at(1), 8);
      const all = ON_HOST | ON_DEVICE | WRITABLE;
      const mine = [...t.mirror.residency(area.address, area.bytes)].map((flags) => flags & all);
      const theirs = [...other.residency(area.address, area.bytes)].map((flags) => flags & all);
      const both = ON_HOST | ON_DEVICE;
      const owned = ON_DEVICE | WRITABLE;
      deepEqual(
        [mine[0], mine[1], mine[2], mine[4]],
        [ON_HOST, both, owned, ON_HOST],
        'pages as the first device sees them',
      );
      ok(((mine[3] ?? 0) & (ON_DEVICE | WRITABLE)) === 0, 'the page of the other device is not on this one');
      deepEqual(
        [theirs[0], theirs[1], theirs[3], theirs[4]],
        [ON_HOST, both, owned, ON_HOST],
        'pages as the second device sees them',
      );
    },
  },
  {
    name: 'mixed-owners-migrate',
    rule: 'Mirror.migrate: a range whose pages are on the host, here and on another device',
    mend: 'take each page from where it is',
    tags: ['hmm:migrate_mixed'],
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 4 });
      await t.space.write(area.at(0), pattern(0, 64));
      await t.mirror.write(area.at(1), pattern(1, 64));
      await other.write(area.at(2), pattern(2, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      for (let page = 0; page < 3; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
      await area.expect(3, new Uint8Array(64), 'the untouched page');
      await other.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      for (let page = 0; page < 3; page++)
        await area.expect(page, pattern(page, 64), `page ${page}, moved to the other device`);
    },
  },
  {
    name: 'ping-pong',
    rule: 'R3, R8: two writers of one page take turns, and both go on',
    mend: 'bounded: neither may wait for ever',
    tags: ['igt:race', 'igt:threads'],
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 1 });
      await Promise.all(
        [t.mirror, other].map(async (mirror, i) => {
          for (let round = 0; round < 12; round++)
            await mirror.write(area.at(0, 512 * i + 16 * round), pattern(round + 50 * i, 16));
        }),
      );
      for (let i = 0; i < 2; i++) {
        for (let round = 0; round < 12; round++) {
          await area.expectCpu(0, pattern(round + 50 * i, 16), `store ${round} of device ${i}`, 512 * i + 16 * round);
        }
      }
    },
  },
  {
    name: 'words-are-not-torn',
    rule: 'Racing accesses to one page are ordered by page ownership, never torn within an aligned word',
    mend: 'move whole pages, between accesses',
    tags: ['igt:race'],
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 1 });
      let writing = true;
      const write = async (): Promise<void> => {
        try {
          for (let i = 0; i < 40; i++) await t.mirror.write(area.address, new Uint8Array(4).fill(i));
        } finally {
          writing = false;
        }
      };
      const read = async (): Promise<void> => {
        while (writing) {
          const bytes = await other.read(area.address, 4);
          equal(new Set(bytes).size, 1, `different bytes in a word of equal bytes (${bytes.join(', ')})`);
          await env.turn();
        }
      };
      await env.expect('the race', Promise.all([write(), read()]));
    },
  },
  {
    name: 'one-leaves',
    rule: 'Mirror.detach: brings home what the device owns; the other devices go on',
    mend: 'let copyOut finish before the MMU is closed',
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 3 });
      await other.write(area.at(0), pattern(0, 64));
      await t.mirror.write(area.at(1), pattern(1, 64));
      await other.detach();
      await area.expect(0, pattern(0, 64), 'what the leaving device wrote');
      await area.expect(1, pattern(1, 64), 'what the staying device wrote');
    },
  },
  {
    name: 'unmap-reaches-all',
    rule: 'R1: unmap is true on every device when it resolves',
    mend: 'unmap and flush on each MMU that has the page',
    tags: ['hmm:double_map'],
    variants,
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await Promise.all([t.mirror.read(area.address, 64), other.read(area.address, 64)]);
      await t.space.unmap(area.address, area.bytes);
      for (const mirror of [t.mirror, other]) {
        const outcome = await mirror.read(area.address, 64).then(
          () => 'data',
          () => 'refused',
        );
        equal(outcome, 'refused', 'a read after unmap');
      }
    },
  },
]);
