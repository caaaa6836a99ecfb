import { createSpace, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE, type Mirror } from '@mirrorspace/core';
import { processMemory } from '@mirrorspace/native';
import { hmm } from '@mirrorspace/native/hmm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { buildGraph, type Graph, readGraph, sameGraph } from './graph.js';
import { HMM_PAGE, KINDS } from './device.js';
import { calls } from './process.js';

const PAGES = 96;
const ON_DEVICE = RESIDENT_DEVICE | RESIDENT_WRITABLE;

const there = (bits: Uint8Array) => bits.filter((page) => (page & RESIDENT_DEVICE) !== 0).length;
const count = (bits: Uint8Array, wanted: number) => bits.filter((page) => page === wanted).length;

for (const { kind } of KINDS) {
  void test(`a graph of objects in memory of the process, on two devices and the CPU (${kind})`, async () => {
    const [device, other] = [await hmm.open({ kind }), await hmm.open({ kind })];
    assert.notEqual(device.info.description, other.info.description);
    const space = await createSpace({ host: processMemory() });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const second = await space.attach(other, { prefetch: 'none' });
    const region = space.map({ bytes: PAGES * HMM_PAGE, name: 'graph' });
    const view = new DataView(region.buffer());
    const { address } = region;
    const graph: Graph = buildGraph(600);
    graph.write(view, address, PAGES * HMM_PAGE);
    const loads = (at: number) => view.getUint32(at - address, true);
    const check = (what: string) => sameGraph(readGraph(loads, address), graph.nodes, what);
    const checkBy = async (by: Mirror, what: string) => {
      const bytes = new DataView((await by.read(address, PAGES * HMM_PAGE)).buffer);
      sameGraph(
        readGraph((at) => bytes.getUint32(at - address, true), address),
        graph.nodes,
        what,
      );
    };
    check('as it was built');
    await checkBy(mirror, 'read by the device in host memory');

    // All of it to the device: by what the kernel says, not by what the call says.
    assert.equal(await mirror.migrate(address, region.bytes, 'device'), PAGES);
    assert.equal(count(mirror.residency(address, region.bytes), ON_DEVICE), PAGES);
    await checkBy(mirror, 'read by the device in its memory');

    // The CPU follows pointers there: private memory faults home page by page, coherent memory is reached where it is.
    const first = graph.at(0) - address;
    assert.equal(view.getUint32(first, true), graph.nodes[0]!.value);
    const after = mirror.residency(address, region.bytes);
    assert.equal(count(after, RESIDENT_HOST), kind === 'private' ? 1 : 0);
    check('loaded by the CPU');
    const home = kind === 'private' ? graph.lastPage + 1 : 0;
    assert.equal(count(mirror.residency(address, region.bytes), ON_DEVICE), PAGES - home);

    // The device changes a value, the CPU another, in pages of their own.
    await mirror.migrate(address, region.bytes, 'device');
    await mirror.write(graph.at(5), graph.renew(5, 1234));
    graph.store(view, address, 300, 777);
    check('after both wrote');
    await checkBy(mirror, 'after both wrote');

    // A child of a fork has its own copy of what is on the device.
    await mirror.fill(address + region.bytes - HMM_PAGE, HMM_PAGE, 0x33);
    await mirror.migrate(address, region.bytes, 'device');
    assert.equal(calls.forked(address + region.bytes - HMM_PAGE, HMM_PAGE, 0x33, 0x44), 0);
    assert.equal(view.getUint8(region.bytes - 1), 0x33);
    check('after a fork');

    // The fork of the space shows the same memory, to the CPU and to the device.
    const child = await space.fork();
    const childMirror = await child.attach(device, { prefetch: 'none' });
    await checkBy(childMirror, 'seen by a fork of the space');
    await child.close();

    // From one device to the other, with the content.
    await mirror.migrate(address, region.bytes, 'device');
    assert.equal(await second.migrate(address, region.bytes, 'device'), PAGES);
    // The page that the child shared may only be read until somebody writes it.
    assert.equal(there(second.residency(address, region.bytes)), PAGES);
    assert.equal(there(mirror.residency(address, region.bytes)), 0);
    await checkBy(second, 'on the second device');
    await checkBy(mirror, 'read by the first device, from the second');

    // Each device has a half, and they swap.
    const half = (PAGES / 2) * HMM_PAGE;
    // What the first device read of the second's private memory came home for it.
    await mirror.migrate(address, half, 'device');
    await second.migrate(address + half, half, 'device');
    const halves = () => [mirror, second].map((of) => there(of.residency(address, region.bytes)));
    assert.deepEqual(halves(), [PAGES / 2, PAGES / 2]);
    const swapped = [second.migrate(address, half, 'device'), mirror.migrate(address + half, half, 'device')];
    assert.deepEqual(await Promise.all(swapped), [PAGES / 2, PAGES / 2]);
    assert.equal(there(second.residency(address, half)), PAGES / 2);
    assert.equal(there(mirror.residency(address + half, half)), PAGES / 2);
    await checkBy(mirror, 'with the halves swapped, read by the first device');
    await checkBy(second, 'with the halves swapped, read by the second device');

    // Another address in the space for the same memory; pointers name the old one, so it moves back.
    const moved = await space.remap(address, region.bytes, { address: address - 2 ** 40 });
    const bytes = await second.read(moved.address, 64);
    assert.deepEqual([...bytes], [...new Uint8Array(view.buffer, 0, 64)]);
    await assert.rejects(second.read(address, 8), { code: 'ADDRESS_NOT_MAPPED' });
    await space.remap(moved.address, region.bytes, { address });
    check('after it was moved away and back');

    // A hole in the middle, while it is on a device: no graph there any more, around it everything stays.
    await second.migrate(address, region.bytes, 'device');
    const hole = graph.lastPage + 1;
    await space.unmap(address + hole * HMM_PAGE, 4 * HMM_PAGE);
    await assert.rejects(second.read(address + hole * HMM_PAGE, 8), { code: 'ADDRESS_NOT_MAPPED' });
    assert.equal(space.regionAt(address + hole * HMM_PAGE), undefined);
    check('beside the hole');
    await space.close();
    await device.close();
    await other.close();
  });

  void test(`device memory that is too small: others leave, and nothing is lost (${kind})`, async () => {
    const device = await hmm.open({ kind, memory: 16 * HMM_PAGE });
    const space = await createSpace({ host: processMemory() });
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const region = space.map({ bytes: 64 * HMM_PAGE });
    const words = region.array(Uint32Array);
    for (let i = 0; i < words.length; i++) words[i] = i * 7;
    for (let page = 0; page < 64; page += 8) {
      assert.equal(await mirror.migrate(region.address + page * HMM_PAGE, 8 * HMM_PAGE, 'device'), 8);
      assert.ok(count(mirror.residency(region.address, region.bytes), ON_DEVICE) <= 16);
    }
    assert.equal(mirror.stats.evictions, 48);
    // The last ones that came are there.
    const bits = mirror.residency(region.address, region.bytes);
    assert.equal(count(bits.subarray(48), ON_DEVICE), 16);
    // What is pinned stays; what is more than fits is refused.
    const pinned = region.address + 60 * HMM_PAGE;
    await space.advise(pinned, 4 * HMM_PAGE, { pin: mirror });
    await mirror.migrate(region.address, 32 * HMM_PAGE, 'device');
    assert.equal(count(mirror.residency(pinned, 4 * HMM_PAGE), ON_DEVICE), 4);
    await assert.rejects(space.advise(region.address, 17 * HMM_PAGE, { pin: mirror }), {
      code: 'OUT_OF_DEVICE_MEMORY',
    });
    assert.ok(words.every((word, i) => word === i * 7));
    await space.close();
    await device.close();
  });

  void test(`exclusive pages are the device's until the CPU touches them, and waiting blocks nobody (${kind})`, async () => {
    const device = await hmm.open({ kind });
    const space = await createSpace({ host: processMemory() });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const region = space.map({ bytes: 2048 * HMM_PAGE });
    const words = region.array(Uint32Array);
    words.fill(9);
    assert.equal(await mirror.exclusive(region.address, 4 * HMM_PAGE), 4);
    assert.equal(words[0], 9);
    assert.equal(count(mirror.residency(region.address, 4 * HMM_PAGE), 0), 3);
    assert.ok(words.every((word) => word === 9));
    // While pages move on other threads, turns of the event loop go on.
    let turns = 0;
    let over = false;
    const tick = () => {
      turns++;
      if (!over) setImmediate(tick);
    };
    tick();
    const moved = await mirror.migrate(region.address, region.bytes, 'device').finally(() => (over = true));
    assert.equal(moved, 2048);
    assert.ok(turns > 10, `${turns} turns of the event loop`);
    await space.close();
    await device.close();
  });
}
