import { memory } from '@mirrorspace/memory';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addTo, openRig, PAGE, WORDS } from './rig.js';
import { Toucher } from './toucher.js';

const PAGES = 24;
const SEED = Number(process.env['MIRRORSPACE_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env['MIRRORSPACE_RUNS'] ?? 25);

const page = fc.nat(PAGES - 1);
const span = fc.integer({ min: 1, max: 6 });
const device = fc.nat(1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('store' as const), page, value: fc.nat(999) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('load' as const), page }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('add' as const), page, span, by: fc.integer({ min: 1, max: 9 }), device }),
  },
  fc.record({ kind: fc.constant('look' as const), page, device }),
  fc.record({ kind: fc.constant('prefetch' as const), page, span, write: fc.boolean(), device }),
  fc.record({ kind: fc.constant('home' as const), page, span, device }),
  fc.record({ kind: fc.constant('write' as const), page, value: fc.nat(999) }),
  fc.record({ kind: fc.constant('written' as const) }),
);

/**
 * Plain loads and stores of another thread, launches on two devices that are too small, prefetches and holds, one after the other, are what they would be
 * on an array. The word beside each is stored while the step runs: such a store is never lost.
 */
it(`two devices and a thread agree with a plain array (MIRRORSPACE_SEED=${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await using rig = await openRig(8);
      const other = await memory.open({ memory: 8 * PAGE });
      const mirrors = [rig.mirror, await rig.space.attach(other, { prefetch: 'next' })];
      const region = rig.space.map({ bytes: PAGES * PAGE });
      await using thread = await Toucher.start(region.buffer({ shared: true }) as SharedArrayBuffer);
      const plain = new Uint32Array(PAGES);
      const beside = new Uint32Array(PAGES);
      let clock = 0;
      for (const each of steps) {
        const at = 'page' in each ? each.page : 0;
        beside[at] = ++clock;
        const stored = thread.store([at * WORDS + 1], clock);
        const last = 'span' in each ? Math.min(PAGES, at + each.span) : 0;
        const start = region.address + at * PAGE;
        switch (each.kind) {
          case 'store':
            plain[at] = each.value;
            await thread.store([at * WORDS], each.value);
            break;
          case 'load':
            expect(await thread.load([at * WORDS])).toEqual([plain[at]]);
            break;
          case 'add':
            for (let i = at; i < last; i++) plain[i]! += each.by;
            await addTo(mirrors[each.device]!, region, at, last - at, each.by);
            break;
          case 'look':
            expect(new Uint32Array((await mirrors[each.device]!.read(start, 4)).buffer)[0]).toBe(plain[at]);
            break;
          case 'prefetch':
            await mirrors[each.device]!.prefetch(start, (last - at) * PAGE, { access: each.write ? 'write' : 'read' });
            break;
          case 'home':
            await mirrors[each.device]!.migrate(start, (last - at) * PAGE, 'host');
            break;
          case 'write':
            plain[at] = each.value;
            await rig.space.write(start, new Uint8Array(Uint32Array.of(each.value).buffer));
            break;
          default:
            rig.space.written(region.address, PAGES * PAGE);
        }
        await stored;
      }
      const all = Array.from(plain, (_value, i) => i);
      expect(await thread.load(all.map((i) => i * WORDS))).toEqual([...plain]);
      expect(await thread.load(all.map((i) => i * WORDS + 1))).toEqual([...beside]);
      await mirrors[1]!.detach();
      await other.close();
    }),
    { seed: SEED, numRuns: RUNS },
  );
}, 120_000);
