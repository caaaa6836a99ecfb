import { describe, expect, test } from 'vitest';
import { createRig, PAGE, single, words } from './helpers.js';

const UNITS = 64;
const PAGES = 192;

/** The pages of a unit lie far from each other, and no other unit needs them. */
const pagesOf = (unit: number) => [0, 1, 2].map((i) => ((unit + i * UNITS) * 77) % PAGES);

/** Each unit adds to a word of each of its three pages; all addresses are known at once. */
const known = single(`fn run(unit: Unit) {
  for (var i = 0u; i < 3u; i++) {
    let a = arg_address(0u) + (((unit.index + i * ${UNITS}u) * 77u) % ${PAGES}u) * 1024u;
    store_u32(a, load_u32(a) + unit.index + i);
  }
}`);

/** As above, but where the next page is stands in the page before: a fault shows one page at a time. */
const chased = single(`fn run(unit: Unit) {
  var a = arg_address(0u) + ((unit.index * 77u) % ${PAGES}u) * 1024u;
  for (var i = 0u; i < 3u; i++) {
    store_u32(a, load_u32(a) + unit.index + i);
    let next = load_u32(a + 1u);
    if (faulted()) { return; }
    a = next;
  }
}`);

/**
 * Without a limit on how many units are in flight, units take each other's pages away and none gets all of its own: in a prototype
 * with 66 frames, 2000 rounds were not enough.
 */
describe('units that need several pages each, more than fit at once', () => {
  test.each([
    ['known', 66],
    ['known', 9],
    ['known', 3],
    ['chased', 66],
    ['chased', 9],
    ['chased', 3],
  ] as const)('all finish, in few rounds (%s, %i frames)', async (how, frames) => {
    await using rig = await createRig(frames);
    const { address } = rig.space.map({ bytes: PAGES * PAGE });
    const expected = new Map<number, number>();
    for (let unit = 0; unit < UNITS; unit++) {
      for (const [i, page] of pagesOf(unit).entries()) {
        expect(expected.has(page)).toBe(false);
        expected.set(page, unit + i);
        const next = address + pagesOf(unit)[(i + 1) % 3]! * PAGE;
        await rig.space.write(address + page * PAGE, new Uint8Array(Uint32Array.of(0, next / 4).buffer));
      }
    }
    const program = how === 'known' ? known : chased;
    await rig.mirror.launch(program, { grid: [UNITS], args: [address] }).wait();
    const found = await words(rig.space, address, PAGES * 1024);
    for (const [page, value] of expected) expect([page, found[page * 1024]]).toEqual([page, value]);
    // One unit after the other needs a round a page, and some more to find out how few may be in flight.
    expect(rig.mirror.stats.batches).toBeLessThanOrEqual(3 * PAGES);
  });
});
