import type { JsProgram, PageRecording } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { createRig, expectCode, PAGE, pattern } from '../space/helpers.js';

type Access = [page: number, access: 'r' | 'w', actor: number, launch: number];

/** What a trace holds, by the description of the format. */
function accesses(parts: Iterable<Uint8Array>): Access[] {
  const bytes = Uint8Array.from([...parts].flatMap((part) => [...part]));
  const view = new DataView(bytes.buffer);
  expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('MSTRACE1');
  expect(view.getUint32(8, true)).toBe(PAGE);
  expect(bytes.length).toBe(16 + 8 * view.getUint32(12, true));
  return Array.from({ length: view.getUint32(12, true) }, (_, i) => {
    const meta = view.getUint32(20 + 8 * i, true);
    return [view.getUint32(16 + 8 * i, true), (meta & 1) === 1 ? 'w' : 'r', (meta >>> 1) & 127, meta >>> 8];
  });
}

const recorded = (recording: PageRecording) => accesses(recording.chunks());

/** Each unit reads a word of its own page and of the next, and writes its own. */
const neighbours: JsProgram = {
  language: 'js',
  run(ctx, { x }, [base]) {
    const at = base! + x * PAGE;
    ctx.store32(at, ctx.load32(at) + ctx.load32(at + PAGE) + ctx.load32(at + 4));
  },
};

it('records every access of work units once, though they fault and run again', async () => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 16 * PAGE, address: 2 ** 30, fixed: true });
  await space.write(address, pattern(16 * PAGE));
  const recording = mirror.record({ of: 'accesses', actor: 5 });
  await mirror.launch(neighbours, { args: [address], grid: [8] }).wait();
  await mirror.launch(neighbours, { args: [address], grid: [1] }).wait();
  recording.stop();
  expect(mirror.stats.faults).toBeGreaterThan(8);
  const all = recorded(recording);
  expect(all.slice(-3)).toEqual([
    [0, 'r', 5, 1],
    [1, 'r', 5, 1],
    [0, 'w', 5, 1],
  ]);
  const ofUnit = (x: number): Access[] => [
    [x, 'r', 5, 0],
    [x + 1, 'r', 5, 0],
    [x, 'w', 5, 0],
  ];
  // Units end in the order in which their pages come, but each of them at once.
  const units = Array.from({ length: 8 }, (_, i) => all.slice(3 * i, 3 * i + 3));
  expect(units.sort((a, b) => a[0]![0] - b[0]![0])).toEqual(Array.from({ length: 8 }, (_, x) => ofUnit(x)));
  expect(all).toHaveLength(27);
});

it('lets units make their accesses in turn, as on a device that has several of them resident', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 16 * PAGE, address: 2 ** 30, fixed: true });
  await mirror.prefetch(address, 16 * PAGE, { access: 'write' });
  const recording = mirror.record({ of: 'accesses', resident: 2 });
  await mirror.launch(neighbours, { args: [address], grid: [3] }).wait();
  recording.stop();
  expect(recorded(recording).map(([page, access]) => page + access)).toEqual([
    '0r',
    '1r',
    '1r',
    '2r',
    '0w',
    '1w',
    '2r',
    '3r',
    '2w',
  ]);
});

it('does not record what took no effect, or an access that a unit has just made', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 4 * PAGE, address: 2 ** 30, fixed: true });
  await mirror.prefetch(address, 4 * PAGE, { access: 'write' });
  const recording = mirror.record({ of: 'accesses' });
  const failing: JsProgram = {
    language: 'js',
    run(ctx) {
      ctx.load8(address);
      throw new Error('no');
    },
  };
  await expectCode(mirror.launch(failing).wait(), 'PROGRAM');
  const busy: JsProgram = {
    language: 'js',
    run(ctx) {
      for (let i = 0; i < 1000; i++) ctx.storeF64(address + 8 * i, ctx.loadF64(address + 8 * i) + i);
    },
  };
  await mirror.launch(busy).wait();
  await mirror.write(address + 3 * PAGE, Uint8Array.of(1));
  recording.stop();
  expect(recorded(recording)).toEqual([
    [0, 'r', 1, 1],
    [0, 'w', 1, 1],
    [1, 'r', 1, 1],
    [1, 'w', 1, 1],
    [3, 'w', 1, 2],
  ]);
  expect((await space.read(address + 8 * 999, 8)).length).toBe(8);
});

it('records faults in the order in which the device met them, by launches, and what the CPU calls home', async () => {
  await using rig = await createRig({ frames: 8 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 8 * PAGE, address: 2 ** 30, fixed: true });
  await space.write(address, pattern(8 * PAGE));
  const recording = mirror.record();
  const touch: JsProgram = {
    language: 'js',
    run(ctx, { x }, [first, write]) {
      const at = address + (first! - x) * PAGE;
      if (write === 1) ctx.store8(at, 1);
      else ctx.load8(at);
    },
  };
  await mirror.launch(touch, { args: [3, 0], grid: [2] }).wait();
  await mirror.launch(touch, { args: [6, 1], grid: [1] }).wait();
  await space.read(address + 6 * PAGE, 1);
  await space.write(address + 6 * PAGE, Uint8Array.of(2));
  await mirror.launch(touch, { args: [6, 0], grid: [1] }).wait();
  recording.stop();
  await mirror.read(address, 1);
  expect(recorded(recording)).toEqual([
    [3, 'r', 1, 0],
    [2, 'r', 1, 0],
    [6, 'w', 1, 1],
    [6, 'r', 0, 2],
    [6, 'w', 0, 2],
    [6, 'r', 1, 2],
  ]);
});

it('numbers pages that lie far apart by blocks of 2 MiB', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const far = space.map({ bytes: 4 * PAGE, address: 2 ** 46 + 2 ** 21 - 2 * PAGE, fixed: true });
  const near = space.map({ bytes: PAGE, address: 2 ** 30, fixed: true });
  const recording = mirror.record({ of: 'accesses' });
  await mirror.read(far.address, 4 * PAGE);
  await mirror.read(near.address, PAGE);
  recording.stop();
  expect(recorded(recording).map(([page]) => page)).toEqual([510, 511, 512, 513, 1024]);
});

it('hands records on in chunks and keeps none, or counts what is beyond the limit', async () => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 4 * PAGE, address: 2 ** 30, fixed: true });
  const parts: Uint8Array[] = [];
  const streamed = mirror.record({ of: 'accesses', onChunk: (bytes) => parts.push(bytes) });
  await expectCode(() => mirror.record(), 'INVALID_ARGUMENT');
  for (let i = 0; i < 10_000; i++) await mirror.read(address + (i % 4) * PAGE, 1);
  expect(parts.map(({ length }) => length)).toEqual([65_536]);
  streamed.stop();
  streamed.stop();
  expect([...streamed.chunks()].map(({ length }) => length)).toEqual([16]);
  expect(accesses([streamed.header, ...parts]).map(([page]) => page)).toEqual(
    Array.from({ length: 10_000 }, (_, i) => i % 4),
  );
  const limited = mirror.record({ of: 'accesses', limit: 3 });
  for (let i = 0; i < 5; i++) await mirror.read(address, 1);
  limited.stop();
  expect([limited.records, limited.dropped, recorded(limited).length]).toEqual([3, 2, 3]);
});

it.each([1, 4])('ends from within onChunk, with %i units in turn, and loses nothing', async (resident) => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 4 * PAGE, address: 2 ** 30, fixed: true });
  await mirror.prefetch(address, 4 * PAGE);
  const parts: Uint8Array[] = [];
  const recording = mirror.record({
    of: 'accesses',
    resident,
    onChunk(bytes) {
      parts.push(bytes);
      recording.stop();
    },
  });
  // Units with 1 to 4 records: some are done in each round of turns.
  const uneven: JsProgram = {
    language: 'js',
    run(ctx, { x }) {
      for (let page = 0; page <= x % 4; page++) ctx.load8(address + page * PAGE);
    },
  };
  await mirror.launch(uneven, { grid: [6000] }).wait();
  expect(recording.active).toBe(false);
  const all = accesses([recording.header, ...parts]);
  expect(all.length).toBeGreaterThanOrEqual(8192);
  expect(all.length).toBeLessThan(8192 + 4 * resident);
  await mirror.read(address, 1);
  expect(recording.records).toBe(all.length);
  mirror.record().stop();
});

it('ends when onChunk throws, which breaks no access', async () => {
  await using rig = await createRig({ frames: 2 });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 4 * PAGE });
  const surfaced: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => surfaced.push(error));
  try {
    const recording = mirror.record({
      onChunk() {
        throw new Error('disk full');
      },
    });
    // Each read is a fault.
    for (let i = 0; i < 8200; i++) await mirror.read(address + (i % 4) * PAGE, 1);
    expect([recording.active, recording.records]).toEqual([false, 8192]);
    expect(surfaced).toEqual([new Error('disk full')]);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
});

it('ends when the mirror is detached', async () => {
  await using rig = await createRig();
  const { space, mirror, device } = rig;
  const { address } = space.map({ bytes: PAGE, address: 2 ** 30, fixed: true });
  const recording = mirror.record();
  await mirror.read(address, 1);
  await mirror.detach();
  expect(recording.active).toBe(false);
  const again = await space.attach(device);
  await again.read(address, 1);
  expect(recording.records).toBe(1);
});
