import { type AttachOptions, createSpace, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { processMemory } from '@mirrorspace/native';
import { hmm } from '@mirrorspace/native/hmm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { HMM_PAGE, KINDS } from './device.js';

const PAGES = 64;

/** A space with a region of which every page has content, on a device of a kind. */
async function opened(kind: 'private' | 'coherent', options: AttachOptions, memory = 256 * HMM_PAGE) {
  const device = await hmm.open({ kind, memory });
  const space = await createSpace({ host: processMemory() });
  const mirror = await space.attach(device, options);
  const region = space.map({ bytes: PAGES * HMM_PAGE });
  const words = region.array(Uint32Array);
  for (let i = 0; i < words.length; i++) words[i] = i * 3;
  // Advice cuts the region into several.
  const { address } = region;
  const at = (page: number) => address + page * HMM_PAGE;
  const there = () =>
    Array.from(mirror.residency(address, PAGES * HMM_PAGE).entries())
      .filter(([, bits]) => (bits & RESIDENT_DEVICE) !== 0)
      .map(([page]) => page);
  const end = async () => {
    assert.ok(words.every((word, i) => word === i * 3));
    await space.close();
    await device.close();
  };
  return { device, space, mirror, words, at, there, end };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

for (const { kind } of KINDS) {
  void test(`the prefetch policy brings what lies beside what the device writes (${kind})`, async () => {
    const t = await opened(kind, { prefetch: 'tree' });
    // More than half of what lies together.
    const content = new Uint8Array(t.words.buffer, 16 * HMM_PAGE, 12 * HMM_PAGE).slice();
    await t.mirror.write(t.at(16), content);
    const came = t.there();
    assert.ok(came.length > 12, `pages there: ${came.join()}`);
    assert.equal(t.mirror.stats.faults, 12);
    assert.equal(t.mirror.stats.prefetched, came.length - 12);
    await t.end();
  });

  void test(`advice says where pages go, and who gets them again (${kind})`, async () => {
    const t = await opened(kind, { prefetch: 'none' });
    const first = new Uint8Array(t.words.buffer, 0, HMM_PAGE).slice();
    await t.space.advise(t.at(0), 4 * HMM_PAGE, { preferredLocation: 'host' });
    await t.mirror.write(t.at(0), first);
    assert.deepEqual(t.there(), []);
    await t.space.advise(t.at(8), 4 * HMM_PAGE, { preferredLocation: t.mirror });
    await t.mirror.read(t.at(9), 8);
    assert.deepEqual(t.there(), [9]);
    // Who accesses them gets them after a hold of the CPU.
    await t.space.advise(t.at(16), 2 * HMM_PAGE, { accessedBy: [t.mirror] });
    const held = await t.space.acquire(t.at(16), 2 * HMM_PAGE, 'write');
    held.release();
    await t.mirror.flush();
    for (let i = 0; i < 100 && t.mirror.stats.pagesIn < 3; i++) await setTimeout(20);
    assert.equal(t.mirror.stats.pagesIn, 3);
    assert.deepEqual(t.there(), [9, 16, 17]);
    // Pages that are mostly read stay where they are when the device reads them.
    await t.space.advise(t.at(32), 4 * HMM_PAGE, { readMostly: true });
    await t.mirror.read(t.at(32), HMM_PAGE);
    assert.deepEqual(t.there(), [9, 16, 17]);
    const [host, device] = [t.mirror.residency(t.at(32), 1)[0]!, t.mirror.residency(t.at(9), 1)[0]!];
    assert.deepEqual([host, device], [RESIDENT_HOST, RESIDENT_DEVICE | RESIDENT_WRITABLE]);
    await t.end();
  });

  void test(`room is made by the policy while the CPU takes pages home (${kind})`, async () => {
    const t = await opened(kind, { prefetch: 'none', eviction: 'lru' }, 16 * HMM_PAGE);
    await t.mirror.migrate(t.at(0), 16 * HMM_PAGE, 'device');
    t.mirror.markAccessed(t.at(0), 4 * HMM_PAGE);
    // Private memory that the CPU touches comes home by itself: that makes room, too.
    for (const page of [6, 7]) assert.equal(t.words[(page * HMM_PAGE) / 4], ((page * HMM_PAGE) / 4) * 3);
    assert.equal(await t.mirror.migrate(t.at(32), 6 * HMM_PAGE, 'device'), 6);
    assert.equal(t.mirror.stats.evictions, kind === 'private' ? 4 : 6);
    const there = t.there();
    assert.equal(there.length, 16);
    for (const page of [0, 1, 2, 3, ...range(32, 38)]) assert.ok(there.includes(page), `page ${page}`);
    await t.end();
  });

  void test(`opening and closing others on a node leaves alone what a device has (${kind})`, async () => {
    const t = await opened(kind, { prefetch: 'none' });
    await t.mirror.migrate(t.at(0), PAGES * HMM_PAGE, 'device');
    const path = /\/dev\/\w+/.exec(t.device.info.description)![0];
    const other = await hmm.open({ path });
    const second = await t.space.fork();
    await second.attach(other, { prefetch: 'none' });
    await (await t.device.createMmu({ addressBits: 47 })).close();
    await second.close();
    await other.close();
    assert.equal(t.there().length, PAGES);
    // What the device has comes home as the last file is closed.
    await t.device.close();
    await t.end();
  });

  void test(`what is written in part of a page undoes no store beside it (${kind})`, async () => {
    const t = await opened(kind, { prefetch: 'none' });
    for (let round = 0; round < 50; round++) {
      const from = Uint32Array.of(3, 6);
      const writing = t.mirror.write(t.at(0) + 4, new Uint8Array(from.buffer));
      // Stores of the CPU while the device is at it.
      for (let turn = 0; turn < round % 7; turn++) await setImmediate();
      t.words[100] = round;
      t.words[3] = round;
      await writing;
      assert.deepEqual([t.words[1], t.words[2], t.words[3], t.words[100]], [3, 6, round, round], `round ${round}`);
    }
    t.words[3] = 9;
    t.words[100] = 300;
    // It is where the device wrote it, though a part of a page was stored by the kernel.
    await t.mirror.write(t.at(0) + 4, new Uint8Array(Uint32Array.of(3, 6).buffer));
    assert.deepEqual(t.there(), [0]);
    await t.end();
  });
}
