import { bytesSource } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, rejects } from '../../check.js';
import type { Env } from '../../env.js';
import { pattern } from '../../frames.js';
import type { PageSpan } from '../../page-span.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

/** The two answers of the 2014 RFC. */
const FORMS = ['callback', 'unmap-flush'] as const;
type Form = (typeof FORMS)[number];
const forms = { form: FORMS };
const formOf = (env: Env): Form => env.params['form'] as Form;

/** Which pages are to be seen where. */
interface Move {
  readonly page: number;
  readonly from: number;
  readonly pages?: number;
}

/** Shows pages of a shared region's source from `page` on. */
async function show(t: SpaceRig, area: PageSpan, { page, from, pages = 1 }: Move, form: Form): Promise<void> {
  const region = t.space.regionAt(area.at(page))!;
  const offset = area.at(page) - region.address;
  await region.remapPages({ offset, bytes: pages * t.pageSize, from: from * t.pageSize, form });
}

/** Lets pages of private memory change places. */
async function exchange(t: SpaceRig, area: PageSpan, { page, from, pages = 1 }: Move, form: Form): Promise<void> {
  const region = t.space.regionAt(area.at(page))!;
  const offsetOf = (which: number): number => area.at(which) - region.address;
  await region.remapPages({ offset: offsetOf(page), bytes: pages * t.pageSize, from: offsetOf(from), form });
}

/** A file of as many pages, and a shared region that shows it as it is. */
async function mapFile(t: SpaceRig, pages: number): Promise<{ content: Uint8Array; area: PageSpan }> {
  const content = pattern(1, pages * t.pageSize);
  return { content, area: await t.map({ pages, source: bytesSource(content), share: 'shared' }) };
}

const pageOf = (t: SpaceRig, content: Uint8Array, page: number): Uint8Array =>
  content.slice(page * t.pageSize, (page + 1) * t.pageSize);

/** Private memory whose page `i` begins with `pattern(i, 64)`. */
async function mapPrivate(t: SpaceRig, pages: number): Promise<PageSpan> {
  const area = await t.map({ pages, share: 'private' });
  for (let page = 0; page < pages; page++) await t.space.write(area.at(page), pattern(page, 64));
  return area;
}

/** Page `i` must begin with `pattern(seeds[i], 64)`. */
async function expectOrder(area: PageSpan, seeds: readonly number[], what = ''): Promise<void> {
  for (const [page, seed] of seeds.entries()) await area.expect(page, pattern(seed, 64), `page ${page}${what}`);
}

const LET_GO = 'an unmapped page number leads nowhere after flushTlb, and to the new frame once it is mapped again';

export const remapPages = defineCases({ level: 'mirror', area: 'remap-pages', tags: ['rfc:remap-file-pages'] }, [
  {
    name: 'any-order',
    rule: 'R1, Region.remapPages: pages of a file are seen in any order',
    mend: LET_GO,
    cross: { ...forms, touched: ['before', 'after'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { content, area } = await mapFile(t, 4);
      if (env.params['touched'] === 'before') await t.mirror.read(area.address, area.bytes);
      for (let page = 0; page < 4; page++) await show(t, area, { page, from: 3 - page }, formOf(env));
      for (let page = 0; page < 4; page++) await area.expect(page, pageOf(t, content, 3 - page), `page ${page}`);
      await show(t, area, { page: 1, from: 0 }, formOf(env));
      await area.expect(1, pageOf(t, content, 0), 'a page that was rearranged again');
    },
  },
  {
    name: 'one-page-in-several-places',
    rule: 'R2, Region.remapPages: one page of a file in several places is one page',
    mend: 'several entries of one MMU may lead to one frame',
    cross: forms,
    async run(env) {
      const t = await SpaceRig.open(env);
      const { content, area } = await mapFile(t, 4);
      await t.mirror.read(area.address, area.bytes);
      for (const page of [0, 2]) await show(t, area, { page, from: 3 }, formOf(env));
      for (const [round, page] of [3, 0, 2].entries()) {
        await t.mirror.write(area.at(page, 64 * round), pattern(20 + round, 64));
        for (const other of [0, 2, 3])
          await area.expect(other, pattern(20 + round, 64), `a store at page ${page}, seen at ${other}`, 64 * round);
      }
      await area.expect(1, pageOf(t, content, 1), 'the page between them');
    },
  },
  {
    name: 'written-place-goes',
    rule: 'R1, R2, Region.remapPages: a place goes while another one shows its page: nothing stale there, no store lost here',
    mend: 'unmap and flush each entry by itself, whatever else leads to its frame',
    cross: { ...forms, how: ['rearranged', 'unmapped'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { content, area } = await mapFile(t, 3);
      await show(t, area, { page: 0, from: 2 }, formOf(env));
      await t.mirror.write(area.at(2), pattern(9, t.pageSize));
      await area.expectDevice(0, pattern(9, 64), 'the other place');
      if (env.params['how'] === 'unmapped') {
        await t.space.unmap(area.at(2), t.pageSize);
        await rejects(t.mirror.read(area.at(2), 8), ['ADDRESS_NOT_MAPPED'], 'a device read of the place that went');
      } else {
        await show(t, area, { page: 2, from: 1 }, formOf(env));
        await area.expectDevice(2, pageOf(t, content, 1), 'what the place shows now');
      }
      await area.expectDevice(0, pattern(9, t.pageSize), 'the place that stayed');
      await area.expectCpu(0, pattern(9, t.pageSize), 'the place that stayed');
      await t.space.sync(area.address, t.pageSize);
      bytesEqual(pageOf(t, content, 2), pattern(9, t.pageSize), 'the page of the file');
    },
  },
  {
    name: 'written-before',
    rule: 'R2, Region.remapPages: what the device wrote before reaches the file at its old place',
    mend: 'report the dirty bit with the unmap: the entry that had it is gone afterwards',
    cross: { ...forms, how: ['again', 'unmap', 'sync'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { content, area } = await mapFile(t, 4);
      await t.mirror.write(area.at(1), pattern(7, t.pageSize));
      await show(t, area, { page: 1, from: 2 }, formOf(env));
      await t.mirror.write(area.at(1), pattern(8, t.pageSize));
      await area.expect(2, pattern(8, t.pageSize), 'the page whose entries are two now');
      const { how } = env.params;
      if (how === 'unmap') await t.space.unmap(area.address, area.bytes);
      else {
        await show(t, area, { page: 3, from: 1 }, formOf(env));
        await area.expect(3, pattern(7, t.pageSize), 'the page at another place');
        if (how === 'again') return;
        await t.space.sync(area.address, area.bytes);
      }
      bytesEqual(pageOf(t, content, 1), pattern(7, t.pageSize), 'what was written before, in the file');
      bytesEqual(pageOf(t, content, 2), pattern(8, t.pageSize), 'what was written afterwards, in the file');
    },
  },
  {
    name: 'nothing-stale',
    rule: 'R1, Region.remapPages: after it the device has no entry of before, for reading or for writing',
    mend: LET_GO,
    cross: { ...forms, had: ['read', 'written', 'migrated'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { content, area } = await mapFile(t, 4);
      const { had } = env.params;
      for (let page = 0; page < 4; page++) {
        if (had === 'read') await t.mirror.read(area.at(page), 64);
        else if (had === 'written') await t.mirror.write(area.at(page, 64), pageOf(t, content, page).subarray(64, 128));
        else await t.mirror.migrate(area.at(page), t.pageSize, 'device');
      }
      await show(t, area, { page: 0, from: 2, pages: 2 }, formOf(env));
      for (const page of [0, 1]) await area.expectDevice(page, pageOf(t, content, 2 + page), `page ${page}`);
      for (const page of [0, 1]) await t.mirror.write(area.at(page), pattern(30 + page, 64));
      for (const page of [0, 1]) await area.expect(2 + page, pattern(30 + page, 64), `the store at page ${page}`);
      await t.space.unmap(area.address, area.bytes);
      const before = pattern(1, 4 * t.pageSize);
      for (const page of [0, 1])
        bytesEqual(pageOf(t, content, page), pageOf(t, before, page), `page ${page} of the file`);
      for (const page of [0, 1])
        bytesEqual(
          pageOf(t, content, 2 + page).subarray(0, 64),
          pattern(30 + page, 64),
          `page ${2 + page} of the file`,
        );
    },
  },
  {
    name: 'private',
    rule: 'R2, Region.remapPages: pages of private memory change places, wherever they are',
    mend: LET_GO,
    cross: { ...forms, state: ['untouched', 'host', 'read', 'written', 'mixed'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const { state } = env.params;
      const area = state === 'untouched' ? await t.map({ pages: 4, share: 'private' }) : await mapPrivate(t, 4);
      const rewrite = (page: number): Promise<void> => t.mirror.write(area.at(page), pattern(page, 64));
      if (state === 'read') for (let page = 0; page < 4; page++) await t.mirror.read(area.at(page), 64);
      if (state === 'written') for (let page = 0; page < 4; page++) await rewrite(page);
      if (state === 'mixed') for (const page of [0, 3]) await rewrite(page);
      await exchange(t, area, { page: 0, from: 2, pages: 2 }, formOf(env));
      if (state === 'untouched') {
        for (let page = 0; page < 4; page++) await area.expect(page, new Uint8Array(64), `page ${page}`);
        await t.mirror.write(area.at(1), pattern(1, 64));
        await exchange(t, area, { page: 1, from: 3 }, formOf(env));
        await area.expect(3, pattern(1, 64), 'the page that was written');
        await area.expect(1, new Uint8Array(64), 'the page that was not');
      } else await expectOrder(area, [2, 3, 0, 1]);
    },
  },
  {
    name: 'again-and-again',
    rule: 'R1, R2, Region.remapPages: however often pages change places, each store is where its page is',
    mend: LET_GO,
    cross: forms,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await mapPrivate(t, 3);
      const order = [0, 1, 2];
      for (let round = 0; round < 6; round++) {
        const page = round % 3;
        const from = (page + 1) % 3;
        const who = round % 2 === 0 ? t.mirror : t.space;
        await who.write(area.at(page), pattern((order[page] = 10 + round), 64));
        await exchange(t, area, { page, from }, formOf(env));
        [order[page], order[from]] = [order[from]!, order[page]];
        await expectOrder(area, order, `, round ${round}`);
      }
    },
  },
  {
    name: 'during-a-launch',
    rule: 'R1, R8, Region.remapPages: a launch goes on using the range; each addition takes effect once, in one page',
    mend: 'apply the addition only when the translation succeeded, and to the frame it gave',
    needs: ['program', 'atomics'],
    cross: { ...forms, memory: ['private', 'file'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const pages = 4;
      const inFile = env.params['memory'] === 'file';
      const content = new Uint8Array(pages * t.pageSize);
      const area = await t.map({
        pages,
        ...(inFile ? { source: bytesSource(content), share: 'shared' } : { share: 'private' }),
      });
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 4) * size, 1),
        wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 4u')}, 1u);`,
        wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 4))')),
      });
      const fence = t.mirror.launch(program, { args: [area.address, t.pageSize], grid: [200] });
      const done = env.expect('the launch', fence.wait({ timeoutMs: env.waitMs }));
      const move = inFile ? show : exchange;
      for (let i = 0; i < 6; i++) await move(t, area, { page: i % 4, from: (i + 1) % 4 }, formOf(env));
      await done;
      if (inFile) await t.space.unmap(area.address, area.bytes);
      const bytes = inFile ? content : await t.space.read(area.address, area.bytes);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      let sum = 0;
      for (let page = 0; page < pages; page++) sum += view.getUint32(page * t.pageSize, true);
      equal(sum, 200, 'additions in all pages together');
    },
  },
  {
    name: 'forked',
    rule: 'R3, Region.remapPages: a fork of before keeps its order, and each keeps its stores',
    mend: LET_GO,
    cross: forms,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await mapPrivate(t, 2);
      await t.mirror.write(area.at(1), pattern(1, 64));
      const child = await t.space.fork();
      env.defer(() => child.close());
      const mirror = await child.attach(t.device, { prefetch: 'none', timeoutMs: env.waitMs });
      env.defer(() => mirror.detach());
      await t.mirror.read(area.at(0), 64);
      await exchange(t, area, { page: 0, from: 1 }, formOf(env));
      await t.mirror.write(area.at(0, 64), pattern(40, 64));
      await mirror.write(area.at(0, 64), pattern(41, 64));
      await expectOrder(area, [1, 0]);
      await area.expect(0, pattern(40, 64), 'the store of the parent', 64);
      for (const page of [0, 1])
        bytesEqual(await mirror.read(area.at(page), 64), pattern(page, 64), `page ${page} of the child`);
      bytesEqual(await child.read(area.at(0, 64), 64), pattern(41, 64), 'the store of the child');
    },
  },
  {
    name: 'protected',
    rule: 'R1, Region.remapPages: rights belong to the place, contents move; also when a part is protected afterwards',
    mend: 'fault on stores to entries without PTE_WRITE',
    cross: forms,
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await mapPrivate(t, 4);
      await t.mirror.write(area.at(0), pattern(0, 64));
      await exchange(t, area, { page: 0, from: 2 }, formOf(env));
      await t.space.protect(area.address, t.pageSize, 'read');
      await rejects(
        t.mirror.write(area.at(0), pattern(9, 64)),
        ['ACCESS_DENIED'],
        'a store where only reading is allowed',
      );
      await t.mirror.write(area.at(2, 64), pattern(9, 64));
      await t.space.protect(area.address, area.bytes, 'read');
      await exchange(t, area, { page: 2, from: 3 }, formOf(env));
      await rejects(t.mirror.write(area.at(3), pattern(9, 64)), ['ACCESS_DENIED'], 'a store to a page that came there');
      await expectOrder(area, [2, 1, 3, 0]);
    },
  },
  {
    name: 'unmapped-afterwards',
    rule: 'R1, Region.remapPages: unmapping a place takes what is there by then, and leaves the rest',
    mend: LET_GO,
    cross: { ...forms, memory: ['private', 'file'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const inFile = env.params['memory'] === 'file';
      const { content, area } = inFile ? await mapFile(t, 3) : { content: undefined, area: await mapPrivate(t, 3) };
      for (let page = 0; page < 3; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      await (inFile ? show : exchange)(t, area, { page: 0, from: 2 }, formOf(env));
      await t.space.unmap(area.address, t.pageSize);
      await rejects(t.mirror.read(area.at(0), 8), ['ADDRESS_NOT_MAPPED'], 'a device read of what was unmapped');
      await area.expect(1, pattern(1, 64), 'the page in the middle');
      await area.expect(2, pattern(inFile ? 2 : 0, 64), 'the page at the other place');
      if (content === undefined) return;
      await t.space.unmap(area.at(1), 2 * t.pageSize);
      for (let page = 0; page < 3; page++)
        bytesEqual(pageOf(t, content, page).subarray(0, 64), pattern(page, 64), `page ${page} of the file`);
    },
  },
  {
    name: 'evicted-afterwards',
    rule: 'R7, R2, Region.remapPages: a page that changed places is evicted to its own host frame',
    mend: 'copyOut to the host frame that the command names',
    needs: ['frames:4'],
    cross: forms,
    variants: ['plain', 'small', 'subrange', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 4 });
      const area = await mapPrivate(t, 4);
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page, 64), pattern(70 + page, 64));
      await exchange(t, area, { page: 0, from: 2, pages: 2 }, formOf(env));
      for (let page = 0; page < 4; page++) await t.mirror.write(area.at(page, 128), pattern(80 + page, 64));
      const rest = await t.map({ pages: 8 });
      for (let page = 0; page < 8; page++) await t.mirror.write(rest.at(page), pattern(page, 64));
      for (const [page, seed] of [2, 3, 0, 1].entries()) {
        await area.expectCpu(page, pattern(70 + seed, 64), `page ${page}, written before`, 64);
        await area.expectCpu(page, pattern(80 + page, 64), `page ${page}, written afterwards`, 128);
      }
      await expectOrder(area, [2, 3, 0, 1]);
    },
  },
  {
    name: 'both-forms-agree',
    rule: 'RemapPagesOptions.form: the result of both forms is the same',
    mend: LET_GO,
    cross: { memory: ['private', 'file'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const inFile = env.params['memory'] === 'file';
      const results: Uint8Array[] = [];
      for (const form of FORMS) {
        const area = inFile ? (await mapFile(t, 4)).area : await mapPrivate(t, 4);
        const move = inFile ? show : exchange;
        await t.mirror.write(area.at(0), pattern(50, 64));
        await t.mirror.read(area.at(3), 64);
        await move(t, area, { page: 0, from: 3 }, form);
        await t.mirror.write(area.at(0, 64), pattern(51, 64));
        await move(t, area, { page: 1, from: 0 }, form);
        await t.space.write(area.at(1, 128), pattern(52, 64));
        await move(t, area, { page: 2, from: 1 }, form);
        const bytes = await t.mirror.read(area.address, area.bytes);
        bytesEqual(await t.space.read(area.address, area.bytes), bytes, `what CPU and device see after ${form}`);
        results.push(bytes);
      }
      bytesEqual(results[1]!, results[0]!, 'what unmap-flush left, and what callback left');
    },
  },
]);
