import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { ON_DEVICE, SpaceRig } from '../../space-rig.js';
import { wasmAdd, wasmBehind } from '../../wasm-text.js';

const NOT_MAPPED = ['ADDRESS_NOT_MAPPED'];

export const fault = defineCases({ level: 'mirror', area: 'fault' }, [
  {
    name: 'read-unpopulated',
    rule: 'R2: memory that nobody wrote reads as zeros',
    mend: 'copyIn of ZERO_FRAME must clear the frame',
    tags: ['hmm:anon_read', 'igt:once'],
    cross: { pageSize: PAGE_SIZES },
    variants: ['plain', 'subrange', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await area.expectDevice(0, new Uint8Array(t.pageSize), 'an untouched page');
      await area.expect(1, new Uint8Array(64), 'its neighbour', 32);
    },
  },
  {
    name: 'read-mixed',
    rule: 'R2: populated, zero and untouched pages in one access',
    mend: 'serve each page of an access by itself',
    tags: ['hmm:anon_read', 'hmm:mixedmap'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.at(1), pattern(1, t.pageSize));
      await t.space.read(area.at(2), 8);
      const expected = new Uint8Array(area.bytes);
      expected.set(pattern(1, t.pageSize), t.pageSize);
      bytesEqual(await t.mirror.read(area.address, area.bytes), expected, 'all four pages in one read');
    },
  },
  {
    name: 'read-again',
    rule: 'FaultSource: only accesses that cannot be translated are reported',
    mend: 'keep the entries that were mapped; a second read must not fault',
    tags: ['hmm:anon_read_multiple', 'igt:twice'],
    needs: ['replayable-faults'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.mirror.read(area.address, area.bytes);
      const { faults } = t.mirror.stats;
      ok(faults > 0, 'the first read faults');
      for (let i = 0; i < 3; i++) await t.mirror.read(area.address, area.bytes);
      equal(t.mirror.stats.faults, faults, 'faults after three more reads');
    },
  },
  {
    name: 'outside-every-region',
    rule: 'ADDRESS_NOT_MAPPED: no region covers the address; a failed device access never returns data',
    mend: 'fail the access with the code of the cancel; go on with the queue',
    tags: ['hmm:anon_read'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.unmap(area.at(1), t.pageSize);
      await rejects(t.mirror.read(area.at(1), 8), NOT_MAPPED, 'a read behind the region');
      await rejects(t.mirror.read(area.at(1, -8), 16), NOT_MAPPED, 'a read across its end');
      await rejects(t.mirror.fill(area.at(1), 8, 1), NOT_MAPPED, 'a fill behind the region');
      await t.mirror.write(area.address, pattern(1, 16));
      await area.expect(0, pattern(1, 16), 'the region itself');
    },
  },
  {
    name: 'mapped-after-the-failure',
    rule: 'R8: a fault is judged by what is mapped when it is served',
    mend: 'remember no failure of a page beyond its cancelFaults',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.unmap(area.address, area.bytes);
      await rejects(t.mirror.read(area.address, 8), NOT_MAPPED, 'before');
      t.space.map({ bytes: area.bytes, address: area.address, fixed: true });
      await t.mirror.write(area.address, pattern(1, 8));
      await area.expect(0, pattern(1, 8), 'after the region was mapped');
    },
  },
  {
    name: 'stride',
    rule: 'R2: accesses far apart in one region',
    mend: 'do not assume neighbouring pages',
    tags: ['igt:stride'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 64 });
      for (let page = 0; page < 64; page += 7) await t.mirror.write(area.at(page, page), pattern(page, 32));
      for (let page = 0; page < 64; page += 7) await area.expectCpu(page, pattern(page, 32), `page ${page}`, page);
      await area.expect(1, new Uint8Array(64), 'a page between');
    },
  },
  {
    name: 'concurrent-accesses',
    rule: 'R2: accesses under way at one time do not disturb each other',
    mend: 'keep stalled accesses apart; one batch of faults may serve many',
    tags: ['igt:threads', 'igt:multi-fault'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 8 });
      for (let page = 0; page < 8; page++) await t.space.write(area.at(page), pattern(page, 64));
      const reads = Array.from({ length: 24 }, (_, i) => t.mirror.read(area.at(i % 8), 64));
      const found = await Promise.all(reads);
      for (const [i, bytes] of found.entries()) bytesEqual(bytes, pattern(i % 8, 64), `read ${i}`);
      await Promise.all(
        Array.from({ length: 16 }, (_, i) => t.mirror.write(area.at(i % 8, 64 * (1 + (i >> 3))), pattern(i, 64))),
      );
      for (let i = 0; i < 16; i++) await area.expectCpu(i % 8, pattern(i, 64), `write ${i}`, 64 * (1 + (i >> 3)));
    },
  },
  {
    name: 'one-of-many-fails',
    rule: 'CancelFaultsCommand: fails what is stalled on the listed pages; others stay stalled until they are replayed',
    mend: 'a failed access must not take others with it',
    tags: ['igt:multi-fault'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 4 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.space.unmap(area.at(2), t.pageSize);
      const settled = await Promise.allSettled([0, 1, 2, 3].map((page) => t.mirror.read(area.at(page), 16)));
      deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
        'outcomes of four reads',
      );
      for (const [page, result] of settled.entries()) {
        if (result.status !== 'fulfilled') continue;
        bytesEqual(
          result.value,
          pattern(1, area.bytes).slice(page * t.pageSize, page * t.pageSize + 16),
          `read ${page}`,
        );
      }
    },
  },
  {
    name: 'units-on-one-page',
    rule: 'R8: at least the faulting page is served, however many units wait for it',
    mend: 'report a page once or many times, but replay all units that wait for it',
    tags: ['igt:threads-shared-vm'],
    needs: ['program', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      const program = t.program({
        js: (ctx, _id, [at = 0]) => void ctx.atomicAdd(at, 1),
        wgsl: '_ = atomicAdd_u32(arg_address(0u), 1u);',
        wasm: wasmAdd(wasmBehind('(i32.const 0)')),
      });
      await t.mirror.launch(program, { args: [area.address], grid: [100] }).wait({ timeoutMs: env.waitMs });
      await area.expectCpu(0, Uint8Array.of(100, 0, 0, 0), 'the counter');
    },
  },
  {
    name: 'fault-brings-the-page',
    rule: 'Mirror.residency: says where each page is',
    mend: 'a page that the device read must be mapped there',
    tags: ['hmm:snapshot'],
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      await t.space.write(area.address, pattern(1, area.bytes));
      await t.mirror.read(area.at(1), 8);
      const [before = 0, touched = 0, behind = 0] = t.mirror.residency(area.address, area.bytes);
      ok((touched & ON_DEVICE) !== 0, `the page that was read is on the device: flags ${touched}`);
      ok(
        (before & ON_DEVICE) === 0 && (behind & ON_DEVICE) === 0,
        'its neighbours are not (no prefetch was asked for)',
      );
    },
  },
]);
