import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, test } from 'vitest';
import { createFaultBatch, FAULT_WRITE, PTE_READ, type ReplayFaultsCommand } from '../../src/driver/index.js';
import { inventing } from './broken-faults.js';
import { createRig, flush, list, map, read, replay, rules, touch, unmap, write } from './rig.js';

// What looks like a violation and is none.

const QUIET_MS = 20;

/** Longer than the validator waits for a fault that may have been forgotten. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 4 * QUIET_MS));

test('a page that became read-only may still be dirty', async () => {
  const rig = await createRig();
  rig.paging.submit([map(rig.mmu, [1], [1])]);
  await rig.user.submit([write(rig.mmu, 1)]).wait();
  rig.paging.submit([{ kind: 'protect', ...list(rig.mmu, [1]), access: new Uint8Array([PTE_READ]) }]);
  const bits = new Uint8Array(1);
  await rig.paging.submit([{ kind: 'harvest', ...list(rig.mmu, [1]), bits }]).wait();
  expect(bits[0]).toBe(3);
  expect(rules(rig)).toEqual([]);
});

test('a page that became writable may fault until it is flushed', async () => {
  const rig = await createRig({ break: inventing(0, 1, FAULT_WRITE) });
  const batch = createFaultBatch(4);
  await rig.paging.submit([map(rig.mmu, [1], [1], PTE_READ)]).wait();
  await rig.paging.submit([map(rig.mmu, [1], [1])]).wait();
  for (let i = 0; i < 5; i++) rig.device.faults.drain(batch);
  expect(rules(rig)).toEqual([]);
});

test.each([true, false])('an unmap that failed may leave the entry and its bits (known: %s)', async (known) => {
  const rig = await createRig({
    memory: { latency: TYPICAL_LATENCY, faults: [{ do: 'fail', at: { nth: 1, kind: 'unmap' } }] },
  });
  await rig.paging.submit([map(rig.mmu, [1], [1])]).wait();
  await rig.user.submit([write(rig.mmu, 1)]).wait();
  const failing = rig.paging.submit([flush(rig.mmu), unmap(rig.mmu, [1])]);
  if (known) await failing.wait().catch(() => {});
  const bits = new Uint8Array(1);
  await rig.paging.submit([unmap(rig.mmu, [1], bits)]).wait();
  expect(bits[0]).toBe(3);
  expect(rules(rig)).toEqual([]);
});

test('a read that succeeded keeps its data though a later command failed', async () => {
  const rig = await createRig({ memory: { faults: [{ do: 'fail', at: { nth: 1, kind: 'fill' } }] } });
  rig.paging.submit([map(rig.mmu, [1], [1])]);
  await rig.user.submit([write(rig.mmu, 1)]).wait();
  const into = new Uint8Array(8);
  const fill = { kind: 'fill' as const, mmu: rig.mmu.id, address: 4096, bytes: 1, value: 0 };
  await expect(rig.user.submit([read(rig.mmu, 1, into), fill]).wait()).rejects.toMatchObject({ code: 'IO' });
  expect(into[0]).toBe(7);
  expect(rules(rig)).toEqual([]);
});

test('what the device refuses takes no place on the timeline', async () => {
  const rig = await createRig();
  const program = { language: 'none' };
  rig.user.submit([]);
  expect(() => rig.user.submit([{ kind: 'launch', mmu: rig.mmu.id, program, grid: [1, 1, 1], args: [] }])).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED' }),
  );
  expect(rig.user.submit([]).value).toBe(2);
  expect(rules(rig)).toEqual([]);
});

test('a fault that the caller drained and did not serve yet is not forgotten', async () => {
  const rig = await createRig({ quietMs: QUIET_MS });
  rig.user.submit([read(rig.mmu, 1)]);
  rig.device.faults.drain(createFaultBatch(4));
  expect([rig.device.faults.stalled, rig.device.faults.pending]).toEqual([1, 0]);
  await quiet();
  expect(rules(rig)).toEqual([]);
});

test('a fault that found no room is dropped, not forgotten', async () => {
  const rig = await createRig({
    quietMs: QUIET_MS,
    memory: { faults: [{ do: 'limitFaultBuffer', entries: 0, at: { nth: 1 } }] },
  });
  await rig.paging.submit([flush(rig.mmu)]).wait();
  rig.user.submit([read(rig.mmu, 1)]);
  expect(rig.device.faults.dropped).toBe(1);
  await quiet();
  expect(rules(rig)).toEqual([]);
});

test('accesses outside of the window of a replay are not forgotten', async () => {
  const rig = await createRig({ quietMs: QUIET_MS });
  rig.user.submit([{ kind: 'launch', mmu: rig.mmu.id, program: touch, grid: [3, 1, 1], args: [0, 40] }]);
  rig.device.faults.drain(createFaultBatch(4));
  const one: ReplayFaultsCommand = { kind: 'replayFaults', mmu: rig.mmu.id, window: 1 };
  await rig.paging.submit([map(rig.mmu, [0], [1]), one]).wait();
  expect([rig.device.faults.stalled, rig.device.faults.pending]).toEqual([2, 0]);
  await quiet();
  expect(rules(rig)).toEqual([]);
  await rig.paging.submit([replay(rig.mmu)]).wait();
  expect(rig.device.faults.pending).toBe(2);
});
