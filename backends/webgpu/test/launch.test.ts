import { describe, expect, test } from 'vitest';
import { createRig, PAGE, single, words } from './helpers.js';

const count = (length: number, of: (i: number) => number) => Uint32Array.from({ length }, (_, i) => of(i));

describe('a launch', () => {
  test('runs every unit of its grid once, all pages there', async () => {
    await using rig = await createRig(16);
    const { address } = rig.space.map({ bytes: 4 * PAGE });
    const program = single(`fn run(unit: Unit) {
      let index = unit.id.x + 5u * (unit.id.y + 3u * unit.id.z);
      store_u32(arg_address(0u) + index, 100u + index + unit.index * 0u);
    }`);
    await rig.mirror.launch(program, { grid: [5, 3, 2], args: [address] }).wait();
    expect(await words(rig.space, address, 31)).toEqual(Uint32Array.from([...count(30, (i) => 100 + i), 0]));
  });

  test('more pages than the device has: each unit takes effect once', async () => {
    await using rig = await createRig(8);
    const pages = 40;
    const { address } = rig.space.map({ bytes: pages * PAGE });
    await rig.space.write(address, new Uint8Array(count(pages * 1024, (i) => i).buffer));
    const program = single(`fn run(unit: Unit) {
      let a = arg_address(0u) + unit.index * 1024u;
      let b = arg_address(0u) + ((unit.index * 7u + 3u) % 40u) * 1024u + 1u;
      let c = atomicAdd_u32(b, 1000000u);
      store_u32(a, load_u32(a) * 3u + min(c, 0u));
    }`);
    await rig.mirror.launch(program, { grid: [pages], args: [address] }).wait();
    const found = await words(rig.space, address, pages * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(count(pages, (i) => i * 1024 * 3));
    expect(found.filter((_, i) => i % 1024 === 1)).toEqual(count(pages, (i) => i * 1024 + 1 + 1_000_000));
    expect(rig.mirror.stats.evictions).toBeGreaterThan(0);
  });

  test('lanes of a unit share workgroup memory and wait for each other', async () => {
    await using rig = await createRig(16);
    const { address } = rig.space.map({ bytes: 8 * PAGE });
    await rig.space.write(address, new Uint8Array(count(4 * 1024, (i) => i).buffer));
    const program = {
      language: 'wgsl' as const,
      lanes: 64,
      code: `
        var<workgroup> sums: array<u32, 64>;
        fn run(unit: Unit) {
          var sum = 0u;
          for (var i = unit.lane; i < 1024u; i += 64u) { sum += load_u32(arg_address(0u) + unit.index * 1024u + i); }
          sums[unit.lane] = sum;
          workgroupBarrier();
          if (unit.lane != 0u) { return; }
          for (var i = 1u; i < 64u; i++) { sum += sums[i]; }
          store_u32(arg_address(1u) + unit.index, sum);
        }`,
    };
    await rig.mirror.launch(program, { grid: [4], args: [address, address + 4 * PAGE] }).wait();
    const sums = count(4, (i) => 1024 * (1024 * i) + (1024 * 1023) / 2);
    expect(await words(rig.space, address + 4 * PAGE, 4)).toEqual(sums);
  });

  test('a unit that may run again does so, and only then', async () => {
    await using rig = await createRig(4);
    const { address } = rig.space.map({ bytes: 20 * PAGE });
    const code = `fn run(unit: Unit) {
      store_u32(arg_address(0u) + unit.index * 1024u, unit.index);
      store_u32(arg_address(0u) + (unit.index + 1u) % 20u * 1024u + 1u, unit.index);
    }`;
    await rig.mirror.launch(single(code, { idempotent: true }), { grid: [20], args: [address] }).wait();
    const found = await words(rig.space, address, 20 * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(count(20, (i) => i));
    expect(found.filter((_, i) => i % 1024 === 1)).toEqual(count(20, (i) => (i + 19) % 20));
  });

  test('more units than may be in flight', async () => {
    await using rig = await createRig(8, { residentUnits: 7 });
    const { address } = rig.space.map({ bytes: 16 * PAGE });
    const program = single(
      `fn run(unit: Unit) { let w = atomicAdd_u32(arg_address(0u) + (unit.index % 16u) * 1024u, 1u); }`,
    );
    await rig.mirror.launch(program, { grid: [333], args: [address] }).wait();
    const found = await words(rig.space, address, 16 * 1024);
    expect(found.filter((_, i) => i % 1024 === 0).reduce((a, b) => a + b)).toBe(333);
  });

  test('64-bit addresses reach all of a space', async () => {
    await using rig = await createRig(8, { addressBits: 47 });
    const bytes = 16 * PAGE;
    const { address } = rig.space.map({ bytes, address: 2 ** 46 + 2 ** 33 - 8 * PAGE, fixed: true });
    const program = single(`fn run(unit: Unit) {
      let a = advance(arg_address(0u), unit.index * 1024u);
      store_u32(a, load_u32(a) + unit.index + 7u);
    }`);
    await rig.mirror.launch(program, { grid: [16], args: [address] }).wait();
    const found = await words(rig.space, address, 16 * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(count(16, (i) => i + 7));
  });

  test.each([
    [34, 2 ** 30 - 2 * PAGE],
    [34, 2 ** 34 - 4 * PAGE],
    [47, 2 ** 30 - 2 * PAGE],
    [47, 2 ** 43 - 2 * PAGE],
  ])('addresses of %i bits around %i, where the table has its seams', async (addressBits, start) => {
    await using rig = await createRig(16, { addressBits });
    const low = rig.space.map({ bytes: 2 * PAGE }).address;
    const program = single(`fn run(unit: Unit) {
      let a = advance(arg_address(0u), unit.index * 1024u);
      store_u32(a, load_u32(a) + unit.index + 7u);
    }`);
    const seven = async (address: number, pages: number) => {
      await rig.mirror.launch(program, { grid: [pages], args: [address] }).wait();
      const found = await words(rig.space, address, pages * 1024);
      expect(found.filter((_, i) => i % 1024 === 0)).toEqual(count(pages, (i) => i + 7));
    };
    await seven(low, 2);
    const { address } = rig.space.map({ bytes: 4 * PAGE, address: start, fixed: true });
    await seven(address, 4);
    await seven(rig.space.map({ bytes: 2 * PAGE }).address, 2);
  });

  test.each([
    [33, 'arg_address(0u) + 0x80000000u'],
    [36, 'vec2u(arg_address(0u).x, 16u)'],
    [47, 'vec2u(arg_address(0u).x, 0x8000u)'],
  ])('%i bits: an address outside the space is not one inside', async (addressBits, outside) => {
    await using rig = await createRig(8, { addressBits });
    const { address } = rig.space.map({ bytes: PAGE });
    // Whether or not the table has a root.
    for (const start of [address, 2 ** 32 - 64 * PAGE]) {
      if (start !== address) rig.space.map({ bytes: PAGE, address: start, fixed: true });
      await rig.mirror
        .launch(single('fn run(unit: Unit) { store_u32(arg_address(0u), 5u); }'), { args: [start] })
        .wait();
      const store = single(`fn run(unit: Unit) { store_u32(${outside}, 6u); }`);
      await expect(rig.mirror.launch(store, { args: [start] }).wait()).rejects.toMatchObject({
        code: 'ADDRESS_NOT_MAPPED',
      });
      expect(await words(rig.space, start, 1)).toEqual(count(1, () => 5));
    }
  });

  test('vectors that cross from one page to the next', async () => {
    await using rig = await createRig(8);
    const { address } = rig.space.map({ bytes: 6 * PAGE });
    await rig.space.write(address, new Uint8Array(count(4 * 1024, (i) => i).buffer));
    const program = single(`fn run(unit: Unit) {
      for (var i = 1020u; i < 1026u; i++) {
        let at = arg_address(0u) + i;
        let to = arg_address(0u) + 5u * 1024u - 40u + 9u * (i - 1020u);
        store_vec4u(to, load_vec4u(at));
        store_vec3u(to + 4u, load_vec3u(at));
        store_vec2u(to + 7u, load_vec2u(at));
      }
    }`);
    await rig.mirror.launch(program, { args: [address] }).wait();
    const expected = Array.from({ length: 6 }, (_, k) => [0, 1, 2, 3, 0, 1, 2, 0, 1].map((i) => 1020 + k + i)).flat();
    expect(await words(rig.space, address + 5 * PAGE - 160, 54)).toEqual(Uint32Array.from(expected));
  });

  test('exact: runs once where all is there, and what it may write counts as written', async () => {
    await using rig = await createRig(8);
    const { address } = rig.space.map({ bytes: 4 * PAGE });
    const program = single('fn run(unit: Unit) { let old = atomicAdd_u32(arg_address(0u) + unit.index * 1024u, 3u); }');
    const ranges = { reads: [], writes: [[address, 4 * PAGE]] } as const;
    for (let i = 0; i < 3; i++)
      await rig.mirror.launch(program, { grid: [3], args: [address], exact: true, ...ranges }).wait();
    const found = await words(rig.space, address, 4 * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(Uint32Array.of(9, 9, 9, 0));
  });

  test('exact: a unit that reaches beyond fails the launch', async () => {
    await using rig = await createRig(8);
    const { address } = rig.space.map({ bytes: 4 * PAGE });
    const program = single('fn run(unit: Unit) { store_u32(arg_address(0u) + unit.index * 1024u, 3u); }');
    const launch = rig.mirror.launch(program, { grid: [2], args: [address], exact: true, writes: [[address, PAGE]] });
    await expect(launch.wait()).rejects.toThrow(/work unit 1 of .* did not list/);
    expect(await words(rig.space, address + PAGE, 1)).toEqual(count(1, () => 0));
  });

  test('pointers that the CPU stored', async () => {
    await using rig = await createRig(3);
    const { address } = rig.space.map({ bytes: 12 * PAGE });
    // Each node: the word address of the next, and a value. In an order that jumps between pages.
    const nodes = 48;
    const at = (node: number) => address + ((node * 5) % 12) * PAGE + 16 * node;
    const list = new Uint32Array((12 * PAGE) / 4);
    for (let node = 0; node < nodes; node++) {
      list[(at(node) - address) / 4] = node + 1 < nodes ? at(node + 1) / 4 : 0;
      list[(at(node) - address) / 4 + 1] = node * node;
    }
    await rig.space.write(address, new Uint8Array(list.buffer));
    const program = single(`fn run(unit: Unit) {
      var sum = 0u;
      var node = load_u32(arg_address(0u));
      var steps = 0u;
      while (node != 0u && steps < 100u && steps < arg_u32(1u)) { sum += load_u32(node + 1u); node = load_u32(node); steps++; }
      store_u32(arg_address(0u) + 3u, sum);
    }`);
    // Two nodes a page at most, three pages at once: longer walks are refused, not endless.
    await rig.mirror.launch(program, { args: [at(0), 2] }).wait();
    expect((await words(rig.space, at(0), 4))[3]).toBe(1 + 4);
    await expect(rig.mirror.launch(program, { args: [at(0), 47] }).wait()).rejects.toMatchObject({
      code: 'OUT_OF_DEVICE_MEMORY',
    });
  });
});

describe('what a program gets wrong', () => {
  test('code that does not compile fails the launch, with the line', async () => {
    await using rig = await createRig(4);
    const program = single(`fn run(unit: Unit) {\n  let x = 1u;\n  store_u32(nowhere, x);\n}`);
    const failed = rig.mirror.launch(program, {}).wait();
    await expect(failed).rejects.toMatchObject({ code: 'PROGRAM' });
    await expect(failed).rejects.toThrow(/line 3:\d+: .*nowhere/);
    // The queue goes on.
    const { address } = rig.space.map({ bytes: PAGE });
    await rig.mirror
      .launch(single('fn run(unit: Unit) { store_u32(arg_address(0u), 5u); }'), { args: [address] })
      .wait();
    expect(await words(rig.space, address, 1)).toEqual(count(1, () => 5));
  });

  test('an address nobody mapped, and a store where only reading is allowed', async () => {
    await using rig = await createRig(4);
    const { address } = rig.space.map({ bytes: 2 * PAGE });
    await rig.space.protect(address + PAGE, PAGE, 'read');
    const store = single('fn run(unit: Unit) { store_u32(arg_address(0u), 5u); store_u32(arg_address(1u), 6u); }');
    await expect(rig.mirror.launch(store, { args: [address, address + 64 * PAGE] }).wait()).rejects.toMatchObject({
      code: 'ADDRESS_NOT_MAPPED',
      address: address + 64 * PAGE,
    });
    await expect(rig.mirror.launch(store, { args: [address, address + PAGE + 8] }).wait()).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      address: address + PAGE + 8,
    });
    // The unit had no effect.
    expect(await words(rig.space, address, 1)).toEqual(count(1, () => 0));
  });

  test('addresses that depend on what the unit itself stored', async () => {
    await using rig = await createRig(8);
    const { address } = rig.space.map({ bytes: 4 * PAGE });
    const program = single(`fn run(unit: Unit) {
      store_u32(arg_address(0u), arg_address(1u));
      store_u32(load_u32(arg_address(0u)), 9u);
    }`);
    await rig.space.write(address, new Uint8Array(Uint32Array.of(address / 4 + 8).buffer));
    await expect(rig.mirror.launch(program, { args: [address, address + 2 * PAGE] }).wait()).rejects.toMatchObject({
      code: 'PROGRAM',
      address: address + 2 * PAGE,
    });
  });
});
