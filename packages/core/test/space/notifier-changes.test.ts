import {
  type AddressSpace,
  createSpace,
  type JsProgram,
  managedMemory,
  memorySwap,
  type NotifierEventKind,
} from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, layout, PAGE, pattern, TestSource } from './helpers.js';

const BASE = 0x4000_0000;
const at = (page: number) => BASE + page * PAGE;

/** Fills page `x` with the byte `args[1]`. */
const fillPages: JsProgram = {
  language: 'js',
  run(ctx, id, [base, byte]) {
    for (let i = 0; i < PAGE; i += 4) ctx.store32(base! + id.x * PAGE + i, byte! * 0x01010101);
  },
};

/** Does something, once, when a page is invalidated for a reason. What it begins is awaited by `done`. */
function once(space: AddressSpace, page: number, kind: NotifierEventKind, change: () => unknown) {
  let ended: unknown;
  const notifier = space.notifiers.insert({
    start: at(page),
    end: at(page + 1),
    invalidate(event) {
      if (event.kind !== kind) return;
      notifier.remove();
      ended = change();
    },
  });
  return { done: () => Promise.resolve(ended) };
}

describe('a notifier that changes what is about to change', () => {
  it('unmaps a part of what is being unmapped', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'one' });
    await mirror.write(BASE, pattern(4 * PAGE));
    const inner = once(space, 0, 'unmap', () => space.unmap(at(1), PAGE));
    await space.unmap(at(0), 3 * PAGE);
    await inner.done();
    expect(layout(space, BASE)).toEqual([[3, 4, 'one']]);
    expectBytes(await mirror.read(at(3), PAGE), pattern(4 * PAGE).subarray(3 * PAGE));
  });

  it('unmaps a part of what is being protected, or all of it', async () => {
    await using rig = await createRig();
    const { space } = rig;
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
    const middle = once(space, 0, 'protection', () => space.unmap(at(1), PAGE));
    await expectCode(space.protect(at(0), 4 * PAGE, 'read'), 'ADDRESS_NOT_MAPPED');
    await middle.done();
    await space.write(at(2), pattern(4));
    const replaced = once(space, 2, 'protection', () =>
      space.map({ bytes: PAGE, address: at(2), fixed: true, name: 'new' }),
    );
    await space.protect(at(2), 2 * PAGE, 'read');
    await replaced.done();
    expect(space.regionAt(at(2))!.name).toBe('new');
    for (const page of [2, 3]) await expectCode(space.write(at(page), pattern(4)), 'ACCESS_DENIED');
  });

  for (const form of ['callback', 'unmap-flush'] as const) {
    it(`replaces the region whose pages are being rearranged: ${form}`, async () => {
      await using rig = await createRig();
      const { space } = rig;
      const region = space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
      await space.write(BASE, pattern(4 * PAGE));
      once(space, 0, 'clear', () => {
        space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
        return space.write(BASE, pattern(4 * PAGE, 2));
      });
      await expectCode(region.remapPages({ offset: 0, bytes: PAGE, from: 2 * PAGE, form }), 'CLOSED');
      expectBytes(await space.read(BASE, 4 * PAGE), pattern(4 * PAGE, 2));
    });
  }

  for (const what of ['unmapped', 'moved', 'target taken'] as const) {
    it(`stands in the way of a move: ${what}`, async () => {
      await using rig = await createRig();
      const { space } = rig;
      space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'moving' });
      await space.write(BASE, pattern(2 * PAGE));
      const change = once(space, 0, 'unmap', () => {
        if (what === 'unmapped') return space.unmap(at(1), PAGE);
        if (what === 'moved') return space.remap(BASE, 2 * PAGE, { address: at(32) });
        // Every free place that is large enough.
        return space.map({ bytes: PAGE, address: at(2), name: 'in the way' });
      });
      space.map({ bytes: PAGE, address: at(2), fixed: true });
      if (what === 'target taken') await space.unmap(at(2), PAGE);
      const moving = space.remap(BASE, 2 * PAGE, what === 'target taken' ? { address: at(2) } : { bytes: 4 * PAGE });
      if (what === 'target taken') {
        // What is mapped at a demanded address is replaced, whenever it came there.
        await moving;
        expectBytes(await space.read(at(2), 2 * PAGE), pattern(2 * PAGE));
      } else await expectCode(moving, 'BUSY');
      await change.done();
      if (what === 'unmapped') expectBytes(await space.read(BASE, PAGE), pattern(2 * PAGE).subarray(0, PAGE));
      if (what === 'moved') expectBytes(await space.read(at(32), 2 * PAGE), pattern(2 * PAGE));
    });
  }

  for (const by of ['cpu', 'device'] as const) {
    it(`replaces or unmaps what a write of the ${by} was to copy`, async () => {
      const host = managedMemory();
      await using rig = await createRig({ space: { host } });
      const { space, mirror } = rig;
      const write = async (seed: number) => {
        if (by === 'cpu') await space.write(BASE, pattern(4 * PAGE, seed));
        // All pages at once, so that their faults are decided about together.
        else await mirror.launch(fillPages, { args: [BASE, seed], grid: [4] }).wait({ timeoutMs: 5000 });
      };
      const written = (seed: number) => (by === 'cpu' ? pattern(4 * PAGE, seed) : new Uint8Array(4 * PAGE).fill(seed));
      space.map({ bytes: 4 * PAGE, address: BASE, fixed: true });
      await space.write(BASE, pattern(4 * PAGE));
      await using child = await space.fork();
      // A page that is looked at before the one that is copied, that one, and one that comes behind it.
      const replaced = once(space, 1, 'clear', () => {
        space.map({ bytes: 2 * PAGE, address: at(1), fixed: true, name: 'new' });
      });
      await write(2);
      await replaced.done();
      expect(space.regionAt(at(1))!.name).toBe('new');
      for (const reader of [mirror, space]) expectBytes(await reader.read(BASE, 4 * PAGE), written(2));
      expectBytes(await child.read(BASE, 4 * PAGE), pattern(4 * PAGE));
      await using other = await space.fork();
      const gone = once(space, 2, 'clear', () => space.unmap(at(0), 2 * PAGE));
      await expectCode(write(3), 'ADDRESS_NOT_MAPPED');
      await gone.done();
      expect(space.regionAt(BASE)).toBeUndefined();
      expectBytes(await other.read(BASE, 4 * PAGE), written(2));
      await child.close();
      await other.close();
      await space.close();
      expect(host.used).toBe(0);
    });
  }

  for (const memory of ['anonymous', 'zeros', 'file', 'written file'] as const) {
    it(`unmaps, moves or discards pages on their way out of host memory: ${memory}`, async () => {
      const host = managedMemory();
      const space = await createSpace({ host, reclaim: { swap: memorySwap(64 * PAGE) } });
      const isFile = memory === 'file' || memory === 'written file';
      const source = new TestSource(pattern(8 * PAGE));
      space.map({ bytes: 8 * PAGE, address: BASE, fixed: true, ...(isFile && { source, share: 'shared' }) });
      if (memory === 'anonymous' || memory === 'written file') await space.write(BASE, pattern(8 * PAGE));
      else (await space.acquire(BASE, 8 * PAGE, 'read')).release();
      const changes = [
        once(space, 1, 'clear', () => space.unmap(at(0), 3 * PAGE)),
        once(space, 4, 'clear', () => {
          // At once: a page of the file may be on its way already.
          void space.remap(at(4), PAGE, { address: at(16) });
          return space.remap(at(6), PAGE, { address: at(17) });
        }),
      ];
      await space.pageOut(BASE, 8 * PAGE);
      for (const change of changes) await change.done();
      const expected = memory === 'zeros' ? new Uint8Array(8 * PAGE) : pattern(8 * PAGE);
      for (const [page, place] of [
        [3, 3],
        [4, 16],
        [5, 5],
        [6, 17],
        [7, 7],
      ] as const)
        expectBytes(await space.read(at(place), PAGE), expected.subarray(page * PAGE, (page + 1) * PAGE));
      for (const page of [0, 1, 2, 4, 6]) await expectCode(space.read(at(page), 1), 'ADDRESS_NOT_MAPPED');
      await space.close();
      expect(host.used).toBe(0);
      expect(space.memory.swapped).toBe(0);
    });
  }

  it('replaces or splits what a truncation cuts', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    let size = 8 * PAGE;
    const bytes = pattern(8 * PAGE);
    const source = {
      get size() {
        return size;
      },
      read: (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
      write: (offset: number, from: Uint8Array) => bytes.set(from, offset),
      truncate: (to: number) => void (size = to),
    };
    for (const start of [0, 16])
      space.map({ bytes: 8 * PAGE, address: at(start), fixed: true, source, share: 'shared' });
    await mirror.write(BASE, pattern(8 * PAGE, 2));
    await mirror.read(at(16), 8 * PAGE);
    const changes = [
      once(space, 5, 'clear', () => {
        space.map({ bytes: PAGE, address: at(6), fixed: true, name: 'new' });
        return space.write(at(6), pattern(PAGE, 5));
      }),
      once(space, 20, 'clear', () => space.unmap(at(22), PAGE)),
    ];
    await space.truncate(source, 4 * PAGE);
    for (const change of changes) await change.done();
    expectBytes(await mirror.read(at(6), PAGE), pattern(PAGE, 5));
    for (const page of [4, 5, 7, 20, 21, 23]) await expectCode(mirror.read(at(page), 4), 'IO');
    for (const page of [0, 16])
      expectBytes(await mirror.read(at(page), 4 * PAGE), pattern(8 * PAGE, 2).subarray(0, 4 * PAGE));
  });
});
