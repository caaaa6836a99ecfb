import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/driver/index.js';
import { PTE_READ, PTE_SHARED } from '../../src/driver/index.js';
import { copy, createRig, flush, list, map, PAGE, queueOf, read, type Rig, rules, RW, unmap, write } from './rig.js';

/** Submits one after another on the paging queue; the last is the one under test. */
type Steps = (rig: Rig) => readonly (readonly Command[])[];

interface Case {
  readonly name: string;
  readonly rule: string;
  readonly bad: Steps;
  /** The same done right. */
  readonly good: Steps;
}

const cases: readonly Case[] = [
  {
    name: 'maps a frame twice',
    rule: 'R3',
    bad: ({ mmu }) => [[map(mmu, [1], [5])], [map(mmu, [2], [5])]],
    good: ({ mmu }) => [[map(mmu, [1], [5], RW | PTE_SHARED)], [map(mmu, [2], [5], RW | PTE_SHARED)]],
  },
  {
    name: 'maps a frame twice, first read-only',
    rule: 'R3',
    bad: ({ mmu }) => [[map(mmu, [1], [5], PTE_READ)], [map(mmu, [2], [5], PTE_READ)]],
    good: ({ mmu }) => [[map(mmu, [1], [5], PTE_READ)], [map(mmu, [1], [5], RW)]],
  },
  {
    name: 'maps a frame twice in one command',
    rule: 'R3',
    bad: ({ mmu }) => [[map(mmu, [1, 2], [5, 5])]],
    good: ({ mmu }) => [[map(mmu, [1, 2], [5, 6])]],
  },
  {
    name: 'maps a small page into the frame of a large one',
    rule: 'R3',
    bad: ({ mmu }) => [[{ ...map(mmu, [1], [1]), pageSize: 16 * PAGE }], [map(mmu, [99], [20])]],
    good: ({ mmu }) => [[{ ...map(mmu, [1], [1]), pageSize: 16 * PAGE }], [map(mmu, [99], [40])]],
  },
  {
    name: 'maps a frame that was not flushed',
    rule: 'R1',
    bad: ({ mmu }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), map(mmu, [2], [5])]],
    good: ({ mmu }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu, [1]), map(mmu, [2], [5])]],
  },
  {
    name: 'maps a frame after another page was flushed',
    rule: 'R1',
    bad: ({ mmu }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu, [3])], [map(mmu, [2], [5])]],
    good: ({ mmu }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu)], [map(mmu, [2], [5])]],
  },
  {
    name: 'maps a frame that another map replaced and nobody flushed',
    rule: 'R1',
    bad: ({ mmu }) => [[map(mmu, [1], [5])], [map(mmu, [1], [6]), map(mmu, [2], [5])]],
    good: ({ mmu }) => [[map(mmu, [1], [5])], [map(mmu, [1], [6]), flush(mmu, [1]), map(mmu, [2], [5])]],
  },
  {
    name: 'flushes before it unmaps',
    rule: 'R1',
    bad: ({ mmu }) => [[map(mmu, [1], [5])], [flush(mmu), unmap(mmu, [1]), map(mmu, [2], [5])]],
    good: ({ mmu }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu), map(mmu, [2], [5])]],
  },
  {
    name: 'copies into a frame that was not flushed',
    rule: 'R1',
    bad: ({ mmu, host }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), copy('copyIn', host, [0], [5])]],
    good: ({ mmu, host }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu), copy('copyIn', host, [0], [5])]],
  },
  {
    name: 'copies a frame home before the flush',
    rule: 'R1',
    bad: ({ mmu, host }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), copy('copyOut', host, [0], [5]), flush(mmu)]],
    good: ({ mmu, host }) => [[map(mmu, [1], [5])], [unmap(mmu, [1]), flush(mmu), copy('copyOut', host, [0], [5])]],
  },
  {
    name: 'copies a frame home that is read-only but was not flushed',
    rule: 'R1',
    bad: ({ mmu, host }) => [[map(mmu, [1], [5])], [readOnly(mmu, [1]), copy('copyOut', host, [0], [5])]],
    good: ({ mmu, host }) => [[map(mmu, [1], [5])], [readOnly(mmu, [1]), flush(mmu), copy('copyOut', host, [0], [5])]],
  },
  {
    name: 'copies into a mapped frame',
    rule: 'R2',
    bad: ({ mmu, host }) => [[map(mmu, [1], [5])], [copy('copyIn', host, [0], [5])]],
    good: ({ mmu, host }) => [[copy('copyIn', host, [0], [5]), map(mmu, [1], [5])]],
  },
  {
    name: 'copies a writable frame home',
    rule: 'R2',
    bad: ({ mmu, host }) => [[map(mmu, [1], [5])], [copy('copyOut', host, [0], [5])]],
    good: ({ mmu, host }) => [[map(mmu, [1], [5], PTE_READ)], [copy('copyOut', host, [0], [5])]],
  },
  {
    name: 'names a page beyond the space',
    rule: 'argument',
    bad: ({ mmu }) => [[map(mmu, [2 ** 35], [1])]],
    good: ({ mmu }) => [[map(mmu, [2 ** 35 - 1], [1])]],
  },
  {
    name: 'names a frame beyond the memory',
    rule: 'argument',
    bad: ({ mmu }) => [[map(mmu, [1], [64])]],
    good: ({ mmu }) => [[map(mmu, [1], [63])]],
  },
  {
    name: 'counts more than its arrays hold',
    rule: 'argument',
    bad: ({ mmu }) => [[{ ...map(mmu, [1], [1]), count: 2 }]],
    good: ({ mmu }) => [[{ ...map(mmu, [1, 2], [1, 2]), count: 1 }]],
  },
  {
    name: 'names an MMU that never was',
    rule: 'argument',
    bad: ({ mmu }) => [[{ ...map(mmu, [1], [1]), mmu: 77 }]],
    good: ({ mmu }) => [[map(mmu, [1], [1])]],
  },
  {
    name: 'accesses memory on a paging queue',
    rule: 'argument',
    bad: ({ mmu }) => [[map(mmu, [1], [1])], [read(mmu, 1)]],
    good: ({ mmu }) => [[map(mmu, [1], [1])], [flush(mmu)]],
  },
];

function readOnly(mmu: Rig['mmu'], pages: readonly number[]): Command {
  return { kind: 'protect', ...list(mmu, pages), access: new Uint8Array(pages.length).fill(PTE_READ) };
}

describe.each(cases)('a caller that $name', ({ rule, bad, good }) => {
  test.each(['zero', TYPICAL_LATENCY] as const)(`breaks ${rule}, and nothing is submitted`, async (latency) => {
    const rig = await createRig({ memory: { latency } });
    const steps = [...bad(rig)];
    const last = steps.pop() ?? [];
    for (const commands of steps) rig.paging.submit(commands);
    const before = rig.device.inner.queues.map((queue) => queue.depth);
    expect(() => rig.paging.submit(last)).toThrow(expect.objectContaining({ code: 'CONTRACT_VIOLATION', rule }));
    expect(() => rig.paging.submit(last)).toThrow('core/caller');
    expect(rig.device.inner.queues.map((queue) => queue.depth)).toEqual(before);
    // The refused submission left no trace: its number is free, and so is all it named.
    const next = rig.paging.submit([flush(rig.mmu)]);
    expect(next.value).toBe(steps.length + 1);
    await next.wait();
    expect(rules(rig)).toEqual([]);
  });

  test.each(['zero', TYPICAL_LATENCY] as const)('and does it right breaks nothing', async (latency) => {
    const rig = await createRig({ memory: { latency } });
    const fences = good(rig).map((commands) => rig.paging.submit(commands));
    await Promise.all(fences.map((fence) => fence.wait()));
    expect(rules(rig)).toEqual([]);
  });
});

test('a frame that an unfinished copy on another queue needs is not reused (R7)', async () => {
  const rig = await createRig({ memory: { latency: TYPICAL_LATENCY } });
  const out = rig.user.submit([copy('copyOut', rig.host, [1, 2], [5, 6])]);
  const reuse = [copy('copyIn', rig.host, [2], [5])];
  expect(() => rig.paging.submit(reuse)).toThrow(expect.objectContaining({ rule: 'R7' }));
  expect(() => rig.paging.submit([map(rig.mmu, [1], [5])])).toThrow(expect.objectContaining({ rule: 'R7' }));
  const second = rig.paging.submit(reuse, { after: [out] });
  const elsewhere = queueOf(rig.device, false, 1);
  expect(() => elsewhere.submit([map(rig.mmu, [1], [5])])).toThrow(expect.objectContaining({ rule: 'R7' }));
  // Order is transitive: this one comes after the copy on the user queue through the paging queue.
  const third = elsewhere.submit([copy('copyIn', rig.host, [3], [6]), map(rig.mmu, [1], [5])], { after: [second] });
  await third.wait();
  expect(rules(rig)).toEqual([]);
});

test('a flush on another queue counts only where it is ordered before the reuse (R1)', async () => {
  const rig = await createRig({ memory: { latency: TYPICAL_LATENCY } });
  rig.paging.submit([map(rig.mmu, [1], [5])]);
  const taken = rig.paging.submit([unmap(rig.mmu, [1]), flush(rig.mmu)]);
  const reuse = [copy('copyIn', rig.host, [2], [5])];
  expect(() => rig.user.submit(reuse)).toThrow(expect.objectContaining({ rule: 'R1' }));
  await rig.user.submit(reuse, { after: [taken] }).wait();
  expect(rules(rig)).toEqual([]);
});

test('entries are changed in an order that is known', async () => {
  const rig = await createRig({ memory: { latency: TYPICAL_LATENCY } });
  const mapped = rig.paging.submit([map(rig.mmu, [1], [5])]);
  expect(() => rig.user.submit([unmap(rig.mmu, [1])])).toThrow(expect.objectContaining({ rule: 'order' }));
  await rig.user.submit([unmap(rig.mmu, [1])], { after: [mapped] }).wait();
  expect(rules(rig)).toEqual([]);
});

test('two MMUs share a frame on purpose or not at all (R3)', async () => {
  const rig = await createRig();
  const other = await rig.device.createMmu({ addressBits: 47 });
  rig.paging.submit([map(rig.mmu, [1], [5])]);
  expect(() => rig.paging.submit([map(other, [1], [5])])).toThrow(expect.objectContaining({ rule: 'R3' }));
  rig.paging.submit([map(other, [1], [5], RW | PTE_SHARED)]);
  await rig.mmu.close();
  await other.close();
  // With their MMUs all their entries and translations went.
  const third = await rig.device.createMmu({ addressBits: 47 });
  rig.paging.submit([map(third, [1], [5])]);
  expect(rules(rig)).toEqual([]);
});

test('a closed MMU is not named again', async () => {
  const rig = await createRig();
  const closing = rig.mmu.close();
  expect(() => rig.paging.submit([flush(rig.mmu)])).toThrow(expect.objectContaining({ rule: 'argument' }));
  await closing;
  expect(() => rig.paging.submit([flush(rig.mmu)])).toThrow(expect.objectContaining({ rule: 'argument' }));
});

test('a flush that may run before the unmap does not count (R1)', async () => {
  const rig = await createRig({ memory: { latency: TYPICAL_LATENCY } });
  await rig.paging.submit([map(rig.mmu, [1], [5])]).wait();
  const removed = rig.user.submit([unmap(rig.mmu, [1])]);
  const early = rig.paging.submit([flush(rig.mmu)]);
  const reuse = [copy('copyIn', rig.host, [2], [5])];
  expect(() => rig.paging.submit(reuse, { after: [removed, early] })).toThrow(expect.objectContaining({ rule: 'R1' }));
  await rig.paging.submit([flush(rig.mmu), ...reuse], { after: [removed] }).wait();
  expect(rules(rig)).toEqual([]);
});

test('a flush that failed does not count (R1)', async () => {
  const rig = await createRig({
    memory: { latency: TYPICAL_LATENCY, faults: [{ do: 'fail', at: { nth: 1, kind: 'flushTlb' } }] },
  });
  await rig.paging.submit([map(rig.mmu, [1], [5])]).wait();
  const failing = rig.paging.submit([unmap(rig.mmu, [1]), flush(rig.mmu)]);
  await expect(failing.wait()).rejects.toMatchObject({ code: 'IO' });
  expect(() => rig.paging.submit([map(rig.mmu, [2], [5])])).toThrow(expect.objectContaining({ rule: 'R1' }));
  await rig.paging.submit([unmap(rig.mmu, [1]), flush(rig.mmu), map(rig.mmu, [2], [5])]).wait();
  expect(rules(rig)).toEqual([]);
});

test('a map that failed may have happened (R1)', async () => {
  const rig = await createRig({
    memory: { latency: TYPICAL_LATENCY, faults: [{ do: 'fail', at: { nth: 1, kind: 'map' } }] },
  });
  await expect(rig.paging.submit([map(rig.mmu, [2], [5])]).wait()).rejects.toMatchObject({ code: 'IO' });
  expect(() => rig.paging.submit([copy('copyIn', rig.host, [3], [5])])).toThrow(
    expect.objectContaining({ rule: 'R1' }),
  );
  await rig.paging.submit([unmap(rig.mmu, [2]), flush(rig.mmu), copy('copyIn', rig.host, [3], [5])]).wait();
  expect(rules(rig)).toEqual([]);
});

test.each([false, true])('arrays stay as they are until the fence settles (deep: %s)', async (deep) => {
  const rig = await createRig({ deep, memory: { latency: TYPICAL_LATENCY } });
  const kept = map(rig.mmu, [1, 2, 3], [1, 2, 3]);
  await rig.paging.submit([kept]).wait();
  kept.pages[0] = 99;
  expect(rules(rig)).toEqual([]);
  const changed = map(rig.mmu, [4, 5, 6], [4, 5, 6]);
  const fence = rig.paging.submit([changed]);
  changed.frames[deep ? 1 : 2] = 7;
  await fence.wait();
  expect(rules(rig)).toEqual(['array']);
  expect(rig.violations[0]?.message).toContain('`frames` of map');
});

test('data to write stays as it is until the fence settles', async () => {
  const rig = await createRig({ memory: { latency: TYPICAL_LATENCY } });
  await rig.paging.submit([map(rig.mmu, [1], [1])]).wait();
  const from = new Uint8Array(16);
  const fence = rig.user.submit([write(rig.mmu, 1, from)]);
  from[15] = 1;
  await fence.wait();
  expect(rules(rig)).toEqual(['array']);
});

test('waits are bounded (R6)', async () => {
  const rig = await createRig();
  const fence = rig.paging.submit([]);
  await expect(fence.wait({ timeoutMs: Infinity })).rejects.toMatchObject({ rule: 'R6' });
  await expect(fence.wait({ timeoutMs: 0 })).rejects.toThrow(RangeError);
  await fence.wait({ timeoutMs: 1 });
});

test('nothing is submitted after the device was closed', async () => {
  const rig = await createRig();
  await rig.device.close();
  expect(() => rig.paging.submit([])).toThrow(expect.objectContaining({ rule: 'close' }));
  await rig.device.close();
});
