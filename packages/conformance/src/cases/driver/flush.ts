import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

export const flush = defineCases(
  { level: 'driver', area: 'flush', needs: ['mmu:managed', 'replayable-faults', 'frames:4'] },
  [
    {
      name: 'no-stale-translation',
      rule: 'R1: after the fence of flushTlb no access uses a translation that is no longer in the table',
      mend: 'drop the cached translations of the listed pages (or all) before the fence signals',
      cross: { pageSize: PAGE_SIZES, scope: ['pages', 'whole'] },
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, pattern(1, 32));
        await rig.map([0], [0]);
        await rig.read(rig.at(0), 32);
        await rig.write(rig.at(0), pattern(1, 32));
        await rig.page(rig.unmapCommand([0]), rig.flushCommand(env.params['scope'] === 'pages' ? [0] : undefined));
        const into = new Uint8Array(32);
        const fence = rig.start(rig.readCommand(rig.at(0), into));
        await env.until(() => rig.device.faults.pending > 0 || fence.signaled, 'the read faults');
        ok(!fence.signaled, 'a read after unmap and flushTlb succeeded through a stale translation');
      },
    },
    {
      name: 'stale-store-after-flush',
      rule: 'R1: no device access reaches a frame after the fence of the flush that took it away',
      mend: 'look stores up anew after flushTlb: the frame may belong to another page by now',
      cross: { pageSize: PAGE_SIZES },
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0], [0]);
        await rig.write(rig.at(0), pattern(1, 32));
        await rig.unmap([0]);
        await rig.load(0, pattern(2, rig.pageSize));
        await rig.map([1], [0]);
        const fence = rig.start(rig.writeCommand(rig.at(0), pattern(3, 32)));
        await env.until(() => rig.device.faults.pending > 0 || fence.signaled, 'the store faults');
        bytesEqual(await rig.unload(0), pattern(2, rig.pageSize), 'the frame that was given to another page');
      },
    },
    {
      name: 'table-may-outrun-cache',
      rule: 'UnmapCommand: cached translations may live on until flushTlb, and lead to the old frame alone',
      mend: 'between unmap and flushTlb an access gives the old bytes or faults, nothing else',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, pattern(1, 32));
        await rig.load(1, pattern(9, 32));
        await rig.page(rig.mapCommand([0], [0]), rig.mapCommand([1], [1]));
        await rig.read(rig.at(0), 32);
        await rig.page(rig.unmapCommand([0]));
        const into = new Uint8Array(32);
        const fence = rig.start(rig.readCommand(rig.at(0), into));
        await env.until(() => rig.device.faults.pending > 0 || fence.signaled, 'the read ends or faults');
        if (fence.signaled) bytesEqual(into, pattern(1, 32), 'what the stale translation leads to');
      },
    },
    {
      name: 'remapped-page',
      rule: 'FlushTlbCommand: after it, accesses see the frame that is in the table',
      mend: 'replace cached translations of pages that were mapped again',
      cross: { scope: ['pages', 'whole'] },
      async run(env) {
        const rig = await Rig.open(env);
        for (const frame of [0, 1, 2, 0]) {
          const scope = env.params['scope'] === 'pages' ? [0] : undefined;
          await rig.load(frame, pattern(frame, 32));
          await rig.page(rig.unmapCommand([0]), rig.mapCommand([0], [frame]), rig.flushCommand(scope));
          bytesEqual(await rig.read(rig.at(0), 32), pattern(frame, 32), `the page mapped to frame ${frame}`);
        }
      },
    },
    {
      name: 'every-listed-page',
      needs: ['pages:4'],
      rule: 'FlushTlbCommand: all listed pages, however many',
      mend: 'walk the whole list; a cache with sets must be searched for each page',
      async run(env) {
        const rig = await Rig.open(env);
        const pages = [0, 1, 2, 3];
        await rig.map(pages, pages);
        for (const page of pages) await rig.read(rig.at(page), 4);
        await rig.page(rig.unmapCommand(pages), rig.flushCommand(pages));
        for (const page of pages) {
          const fence = rig.start(rig.readCommand(rig.at(page), new Uint8Array(4)));
          await env.until(() => rig.device.faults.pending > 0 || fence.signaled, 'the read faults');
          ok(!fence.signaled, `page ${page} of the list is still cached`);
          rig.drain();
          await rig.page(rig.cancelCommand([page], 0));
          await env.until(() => fence.error !== undefined, 'the cancelled read fails');
        }
      },
    },
    {
      name: 'other-pages-live-on',
      rule: 'FlushTlbCommand: takes no entry away',
      mend: 'flushing drops cached translations, never table entries',
      async run(env) {
        const rig = await Rig.open(env);
        const other = await rig.sibling();
        await rig.map([0, 1], [0, 1]);
        await other.map([0], [2]);
        await other.write(other.at(0), pattern(2, 16));
        await rig.write(rig.at(0), pattern(1, 16));
        await rig.page(rig.flushCommand([1]));
        await rig.page(rig.flushCommand());
        bytesEqual(await rig.read(rig.at(0), 16), pattern(1, 16), 'a mapped page after two flushes');
        bytesEqual(await other.read(other.at(0), 16), pattern(2, 16), 'a page of another MMU');
        equal(rig.device.faults.dropped + rig.device.faults.pending, 0, 'faults');
      },
    },
    {
      name: 'flushed-pages-live-on',
      rule: 'FlushTlbCommand: takes no entry away, of the flushed pages neither',
      mend: 'look a flushed page up in the table again; do not remove it there',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0, 1], [0, 1]);
        for (const page of [0, 1]) await rig.write(rig.at(page), pattern(page, 16));
        for (const scope of [[0], [0, 1], undefined]) {
          await rig.page(rig.flushCommand(scope));
          for (const page of [0, 1]) {
            const into = new Uint8Array(16);
            const read = rig.start(rig.readCommand(rig.at(page), into));
            await env.until(() => read.signaled || rig.device.faults.pending > 0, 'the read ends or faults');
            ok(read.signaled, `page ${page} faults after a flush: its entry is gone`);
            bytesEqual(into, pattern(page, 16), `page ${page} after a flush`);
          }
        }
      },
    },
    {
      name: 'order-in-a-submission',
      rule: 'CommandQueue: commands of a submission run in order; unmap, flushTlb, copyOut brings home the last store',
      mend: 'do not copy before earlier commands of the same submission took effect',
      tags: ['hmm:migrate_fault'],
      cross: { pageSize: PAGE_SIZES },
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0], [0]);
        await rig.write(rig.at(0), pattern(1, 64));
        const bits = new Uint8Array(1);
        await rig.page(rig.unmapCommand([0], bits), rig.flushCommand([0]), rig.copyCommand('copyOut', [2], [0], bits));
        bytesEqual(rig.host.bytesOf(2).slice(0, 64), pattern(1, 64), 'the dirty page brought home');
      },
    },
    {
      name: 'no-store-after-the-fence',
      rule: 'R1: no device access reaches a frame after the fence of the flush that took it away',
      mend: 'let the flush wait for accesses that are past their translation',
      tags: ['igt:race'],
      cross: { round: [1, 2, 3] },
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0], [0]);
        for (let i = 0; i < 40; i++) rig.start(rig.writeCommand(rig.at(0), pattern(i + env.pick(100), 512)));
        for (let i = env.pick(8); i > 0; i--) await env.turn();
        await rig.page(rig.unmapCommand([0]), rig.flushCommand([0]));
        await rig.load(0, pattern(999, 512));
        await env.quiet(rig.device);
        bytesEqual(
          (await rig.unload(0)).slice(0, 512),
          pattern(999, 512),
          'the frame, used for something else since the flush',
        );
      },
    },
    {
      name: 'empty-flush',
      rule: 'FlushTlbCommand: flushing what was never cached is no error',
      mend: 'accept absent pages',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.page(rig.flushCommand([0, 1]), rig.flushCommand());
      },
    },
  ],
);
