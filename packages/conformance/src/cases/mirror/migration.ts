import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, SpaceRig } from '../../space-rig.js';

function onDevice(t: SpaceRig, address: number, bytes: number): number {
  return t.mirror.residency(address, bytes).filter((flags) => (flags & ON_DEVICE) !== 0).length;
}

export const migration = defineCases({ level: 'mirror', area: 'migration' }, [
  {
    name: 'to-device-and-back',
    rule: 'Mirror.migrate: moves the pages of a range, best effort; contents move with them',
    mend: 'copy, map, and report what is where',
    tags: ['hmm:migrate', 'hmm:benchmark_thp_migration'],
    cross: { pageSize: PAGE_SIZES },
    variants: ['plain', 'subrange', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      ok(onDevice(t, area.address, area.bytes) > 0, 'at least one page is on the device');
      for (let page = 0; page < 4; page++) await area.expectDevice(page, pattern(page, 64), `page ${page}`);
      await t.mirror.write(area.at(1), pattern(9, 64));
      await t.mirror.migrate(area.address, area.bytes, 'host');
      ok(onDevice(t, area.address, area.bytes) === 0, 'no page is on the device after migration to the host');
      for (let page = 0; page < 4; page++)
        await area.expect(page, pattern(page === 1 ? 9 : page, 64), `page ${page} at the end`);
    },
  },
  {
    name: 'ten-round-trips',
    rule: 'R2: no write is lost however often a page moves',
    mend: 'report dirty bits on every unmap',
    tags: ['hmm:migrate_multiple', 'igt:many'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      for (let i = 0; i < 10; i++) {
        await t.space.write(area.at(0, 4 * i), pattern(i, 4));
        await t.mirror.migrate(area.address, area.bytes, 'device');
        await t.mirror.write(area.at(2, 4 * i), pattern(20 + i, 4));
        await t.mirror.migrate(area.address, area.bytes, 'host');
      }
      for (let i = 0; i < 10; i++) {
        await area.expect(0, pattern(i, 4), `what the CPU wrote in trip ${i}`, 4 * i);
        await area.expect(2, pattern(20 + i, 4), `what the device wrote in trip ${i}`, 4 * i);
      }
    },
  },
  {
    name: 'fault-half-back',
    rule: 'R2: a CPU access brings a page home; a mix of places migrates again',
    mend: 'accept pages in every state in one migration',
    tags: ['hmm:migrate_fault', 'hmm:migrate_anon_huge_fault'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      for (let page = 0; page < 6; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      for (let page = 0; page < 3; page++) await t.space.write(area.at(page, 64), pattern(10 + page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      for (let page = 0; page < 6; page++) {
        await area.expectDevice(page, pattern(page, 64), `page ${page}`);
        if (page < 3) await area.expectDevice(page, pattern(10 + page, 64), `page ${page}, what the CPU changed`, 64);
      }
    },
  },
  {
    name: 'release-keeps-data',
    rule: 'R2: when the device lets its memory go, the data survive',
    mend: 'let copyOut run before the MMU is closed',
    tags: ['hmm:migrate_release'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      await t.mirror.detach();
      for (let page = 0; page < 4; page++) await area.expectCpu(page, pattern(page, 64), `page ${page} after detach`);
    },
  },
  {
    name: 'untouched-and-zero',
    rule: 'R2: pages without content, and zero pages, migrate as zeros',
    mend: 'ZERO_FRAME must clear the frame; an empty page is no error',
    tags: ['hmm:migrate_anon_huge_empty', 'hmm:migrate_anon_huge_zero'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.read(area.at(1), 8);
      await t.space.write(area.at(2), new Uint8Array(64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      for (let page = 0; page < 4; page++) await area.expect(page, new Uint8Array(64), `page ${page}`);
      await t.mirror.write(area.at(0), pattern(1, 16));
      await area.expect(0, pattern(1, 16), 'an empty page after a store');
    },
  },
  {
    name: 'free-while-on-device',
    rule: 'R9: unmapping a migrated range frees the device’s frames after the flush',
    mend: 'unmap and flush; frames may be given to others then',
    tags: ['hmm:migrate_anon_huge_free', 'hmm:migrate_partial_unmap_fault'],
    cross: { part: ['start', 'middle', 'end', 'all'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4, share: 'private' });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device');
      const ranges: Record<string, readonly [number, number]> = {
        start: [0, 1],
        middle: [1, 3],
        end: [3, 4],
        all: [0, 4],
      };
      const [from, to] = ranges[String(env.params['part'])] ?? [0, 4];
      await t.space.unmap(area.at(from), (to - from) * t.pageSize);
      const fresh = await t.map({ pages: 4, share: 'private' });
      for (let page = 0; page < 4; page++) {
        await t.mirror.write(fresh.at(page), pattern(50 + page, 64));
        if (page >= from && page < to)
          await rejects(t.mirror.read(area.at(page), 8), ['ADDRESS_NOT_MAPPED'], `page ${page}`);
        else await area.expect(page, pattern(page, 64), `page ${page}, which stayed`);
      }
    },
  },
  {
    name: 'more-than-fits',
    rule: 'Mirror.migrate: best effort; what does not fit stays, and nothing is lost',
    mend: 'refuse or fail copies cleanly when memory is full',
    tags: ['hmm:migrate_anon_huge_err', 'hmm:migrate_anon_huge_zero_err'],
    needs: ['frames:8'],
    cross: { content: ['data', 'zero'] },
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await t.map({ pages: 10 });
      const data = env.params['content'] === 'data';
      if (data) for (let page = 0; page < 10; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      ok(onDevice(t, area.address, area.bytes) <= 4, 'no more pages on the device than it has frames');
      for (let page = 0; page < 10; page++)
        await area.expect(page, data ? pattern(page, 64) : new Uint8Array(64), `page ${page}`);
    },
  },
  {
    name: 'shared-memory',
    rule: 'R2: shared pages migrate or stay, as the device can; they stay coherent',
    mend: 'nothing is lost where a page is mapped more than once',
    tags: ['hmm:migrate_shared'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3, share: 'shared' });
      await t.space.write(area.address, pattern(1, 64));
      await t.mirror.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      await t.mirror.write(area.at(1), pattern(2, 64));
      await area.expect(0, pattern(1, 64), 'what the CPU wrote');
      await area.expect(1, pattern(2, 64), 'what the device wrote');
    },
  },
  {
    name: 'holes',
    rule: 'ADDRESS_NOT_MAPPED: a hole in the range is an error, or skipped; what is mapped is not harmed',
    mend: 'nothing of a hole may be mapped on the device',
    tags: ['hmm:migrate_mixed'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.space.unmap(area.at(1), t.pageSize);
      await t.mirror.migrate(area.address, area.bytes, 'device').catch(() => undefined);
      for (const page of [0, 2, 3]) await area.expect(page, pattern(page, 64), `page ${page}`);
      await rejects(t.mirror.read(area.at(1), 8), ['ADDRESS_NOT_MAPPED'], 'a device read in the hole');
    },
  },
  {
    name: 'prefetch',
    rule: 'Mirror.prefetch: brings pages before they are needed; later accesses do not fault',
    mend: 'map what was copied, with the rights that were asked for',
    tags: ['igt:prefetch'],
    needs: ['replayable-faults'],
    variants: ['plain', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      await t.mirror.prefetch(area.address, area.bytes);
      const { faults } = t.mirror.stats;
      for (let page = 0; page < 4; page++) {
        bytesEqual(await t.mirror.read(area.at(page), 64), pattern(page, 64), `page ${page} on the device`);
      }
      ok(t.mirror.stats.faults === faults, `${t.mirror.stats.faults - faults} faults on pages that were prefetched`);
    },
  },
  {
    name: 'prefetch-aborted',
    rule: 'ABORTED: an AbortSignal ended the operation; nothing was lost',
    mend: 'leave whole pages behind, on either side',
    tags: ['igt:prefetch'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      for (let page = 0; page < 4; page++) await t.space.write(area.at(page), pattern(page, 64));
      const aborted = t.mirror.prefetch(area.address, area.bytes, { signal: AbortSignal.abort() });
      await rejects(aborted, ['ABORTED'], 'a prefetch whose signal is aborted');
      for (let page = 0; page < 4; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
]);
