import { type Mirror, RESIDENT_DEVICE, RESIDENT_WRITABLE } from '@mirrorspace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRig, PAGE } from '../space/helpers.js';

const PAGES = 200;
const SMALL = { pages: fc.integer({ min: 1, max: 6 }), at: fc.nat(PAGES - 6) };

/** What may happen to a range between two looks at it: arguments are a page and how many. */
const HAPPENINGS = [
  'cpu write',
  'device write',
  'home',
  'clean',
  'drop',
  'unmap',
  'other range',
  'compact',
  'fork',
  'many',
] as const;

/** More pages come and go than are remembered. */
async function churn(mirror: Mirror, address: number): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await mirror.prefetch(address, PAGES * PAGE);
    await mirror.migrate(address, PAGES * PAGE, 'host');
  }
}

describe('a range that is brought again and again', () => {
  it.each(['read', 'write'] as const)(
    'for a %s lacks nothing afterwards, whatever happened in between',
    async (access) => {
      const wanted = access === 'write' ? RESIDENT_DEVICE | RESIDENT_WRITABLE : RESIDENT_DEVICE;
      const step = fc.record({ what: fc.constantFrom(...HAPPENINGS), ...SMALL });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), async (rounds) => {
          await using rig = await createRig({ frames: 2 * PAGES });
          const { space, mirror } = rig;
          const { address } = space.map({ bytes: PAGES * PAGE, address: 0x4000_0000, fixed: true });
          const other = space.map({ bytes: 3 * PAGES * PAGE });
          await space.write(address, new Uint8Array(PAGES * PAGE).fill(1));
          for (const steps of rounds) {
            for (const { what, at, pages } of steps) {
              const start = address + at * PAGE;
              if (what === 'cpu write') await space.write(start, new Uint8Array(pages * PAGE).fill(at));
              if (what === 'device write') await mirror.fill(start, pages * PAGE, at);
              if (what === 'home') await mirror.migrate(start, pages * PAGE, 'host');
              if (what === 'clean') await space.read(start, pages * PAGE);
              if (what === 'drop') await space.dontNeed(start, pages * PAGE);
              if (what === 'unmap') space.map({ bytes: pages * PAGE, address: start, fixed: true });
              if (what === 'other range') await mirror.prefetch(other.address, 2 * PAGES * PAGE);
              if (what === 'compact') await space.compact();
              if (what === 'fork') await (await space.fork()).close();
              if (what === 'many') await churn(mirror, address);
            }
            await mirror.prefetch(address, PAGES * PAGE, { access });
            const lacking = [...mirror.residency(address, PAGES * PAGE)].findIndex(
              (bits) => (bits & wanted) !== wanted,
            );
            expect(lacking).toBe(-1);
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});
