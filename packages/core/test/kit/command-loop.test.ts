import { describe, expect, it } from 'vitest';
import {
  type Command,
  CommandLoop,
  type DeviceMmu,
  type Execute,
  FaultRing,
  MirrorError,
  MmuTable,
} from '../../src/vendor.js';

const LIMITS = {
  pageSizes: [4096],
  memory: 1 << 20,
  addressBits: 40,
  faultBuffer: 4,
  pagesPerCommand: 8,
  commandsPerSubmit: 8,
  residentUnits: 1,
  preemptionUs: 0,
};

/** A loop on a device that does nothing but note what it was told. */
function createLoop(execute: Execute = () => undefined, userQueues = 1) {
  const mmus = new MmuTable<DeviceMmu>('toy:0');
  const mmu = mmus.open((id) => {
    return { id, kind: 'managed', addressBits: 40, faultPageSize: 4096, close: async () => void mmus.delete(id) };
  });
  const ran: [queue: number, kind: string][] = [];
  const faults = new FaultRing(LIMITS.faultBuffer);
  const info = { name: 'toy:0', backend: 'toy', description: 'a toy' };
  const note: Execute = (command, queue) => {
    ran.push([queue.id, command.kind]);
    return execute(command, queue);
  };
  const loop = new CommandLoop({ info, limits: LIMITS, features: new Set(), faults }, mmus, note, userQueues);
  const flush: Command = { kind: 'flushTlb', mmu: mmu.id };
  const fill: Command = { kind: 'fill', mmu: mmu.id, address: 0, bytes: 8, value: 1 };
  return { loop, mmu, ran, faults, flush, fill, paging: loop.queues[0], user: loop.queues[1] };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('CommandLoop', () => {
  it('runs nothing inside submit, then the paging queue first, each queue in order', async () => {
    const { ran, paging, user, flush, fill } = createLoop();
    const first = user.submit([fill, flush]);
    const second = user.submit([fill]);
    const third = paging.submit([flush]);
    expect([ran.length, user.depth, paging.depth]).toEqual([0, 2, 1]);
    await Promise.all([first, second, third].map((fence) => fence.wait()));
    expect(ran).toEqual([
      [0, 'flushTlb'],
      [1, 'fill'],
      [1, 'flushTlb'],
      [1, 'fill'],
    ]);
    expect([first.value, second.value, third.value, user.depth, paging.depth]).toEqual([1, 2, 1, 0, 0]);
  });

  it('refuses a malformed submission without a place on the timeline', () => {
    const { user, fill } = createLoop();
    const before = user.submit([fill]);
    expect(() => user.submit([fill, { ...fill, value: 256 }])).toThrow(RangeError);
    expect([before.value, user.submit([fill]).value, user.depth]).toEqual([1, 2, 2]);
  });

  it('holds a stalled queue at its command, wakes the listener once, and goes on when resumed', async () => {
    let there = false;
    const { loop, ran, faults, user, paging, flush, fill } = createLoop(({ kind }) =>
      kind === 'fill' && !there ? 'stalled' : undefined,
    );
    let woken = 0;
    faults.listen(() => woken++);
    const stalled = user.submit([flush, fill]);
    const behind = user.submit([flush]);
    await settle();
    expect([stalled.signaled, faults.stalled, woken, ran.length]).toEqual([false, 1, 1, 2]);
    await paging.submit([flush]).wait();
    expect(woken).toBe(1);
    there = true;
    loop.resume(user);
    expect(faults.stalled).toBe(0);
    await behind.wait();
    expect(ran.slice(1).map(([, kind]) => kind)).toEqual(['fill', 'flushTlb', 'fill', 'flushTlb']);
  });

  it('wakes the listener again for an access that stalls again', async () => {
    const { loop, faults, user, fill } = createLoop(() => 'stalled');
    let woken = 0;
    faults.listen(() => woken++);
    user.submit([fill]);
    for (let round = 1; round <= 3; round++) {
      await settle();
      expect([woken, faults.stalled]).toEqual([round, 1]);
      loop.resume(user);
    }
  });

  it('lets one user queue run while another is stalled', async () => {
    const { loop, user, fill, faults } = createLoop((_, queue) => (queue.id === 1 ? 'stalled' : undefined), 2);
    const stalled = user.submit([fill]);
    await loop.queues[2]!.submit([fill]).wait();
    expect([stalled.signaled, faults.stalled]).toEqual([false, 1]);
  });

  it('fails a submission with what a command throws, skips its rest, and goes on', async () => {
    const failure = new MirrorError('ACCESS_DENIED', 'no');
    const errors: unknown[] = [failure, new TypeError('detached')];
    const { ran, user, flush, fill } = createLoop(({ kind }) => {
      if (kind === 'fill') throw errors.shift();
    });
    const fences = [user.submit([fill, flush]), user.submit([fill, flush]), user.submit([flush])];
    await fences[2]!.wait();
    expect(fences[0]!.error).toBe(failure);
    expect(fences[1]!.error).toMatchObject({ code: 'IO', device: 'toy:0', cause: expect.any(TypeError) as unknown });
    expect(ran.map(([, kind]) => kind)).toEqual(['fill', 'fill', 'flushTlb']);
  });

  it('fails commands for an MMU that was closed before they ran', async () => {
    const { ran, mmu, user, fill } = createLoop();
    const fence = user.submit([fill]);
    await mmu.close();
    await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(ran).toEqual([]);
    expect(() => user.submit([{ ...fill, mmu: 7 }])).toThrow(RangeError);
  });

  it('starts a submission only when what it comes after settled, of whatever device', async () => {
    const other = createLoop(() => 'stalled');
    const gate = other.user.submit([other.fill]);
    const { ran, user, flush } = createLoop();
    const held = user.submit([flush], { after: [gate] });
    const behind = user.submit([flush]);
    await settle();
    expect([held.signaled, behind.signaled, ran.length]).toEqual([false, false, 0]);
    const message = await held.wait({ timeoutMs: 8 }).catch((error: unknown) => String(error));
    expect(message).toContain('waiting for 1 fence on toy:0');
    other.loop.fail(other.user, new MirrorError('ADDRESS_NOT_MAPPED', 'nothing there'));
    await behind.wait();
    expect(held.error).toMatchObject({ code: 'ADDRESS_NOT_MAPPED', cause: gate.error });
    expect(ran.length).toBe(1);
  });

  it('says what a wait stands behind', async () => {
    const { user, flush, fill } = createLoop(({ kind }) => (kind === 'fill' ? 'stalled' : undefined));
    user.submit([flush, fill]);
    user.submit([flush]);
    const last = user.submit([flush]);
    const message = await last.wait({ timeoutMs: 8 }).catch((error: unknown) => String(error));
    expect(message).toContain('behind 2 submissions, head: fill (command 2 of 2) on toy:0');
  });

  it('fails everything, and whatever comes later, once it is stopped', async () => {
    const { loop, faults, ran, user, paging, flush, fill } = createLoop(({ kind }) =>
      kind === 'fill' ? 'stalled' : undefined,
    );
    const fences = [user.submit([fill]), user.submit([flush])];
    await settle();
    fences.push(paging.submit([flush]));
    const gone = new MirrorError('CLOSED', 'closed');
    loop.stop(gone);
    fences.push(user.submit([flush]));
    expect(fences.map(({ error }) => error)).toEqual([gone, gone, gone, gone]);
    await settle();
    expect([faults.stalled, user.depth, paging.depth, ran.length]).toEqual([0, 0, 0, 1]);
  });
});

describe('MmuTable', () => {
  const mmuOf = (id: number): DeviceMmu => {
    return { id, kind: 'managed', addressBits: 40, faultPageSize: 4096, close: async () => undefined };
  };

  it('tells an MMU that was closed from one that never was', () => {
    const mmus = new MmuTable<DeviceMmu>('toy:0');
    const mmu = mmus.open(mmuOf);
    expect(mmus.get(mmu.id)).toBe(mmu);
    expect([mmus.lookup(0), mmus.lookup(1)]).toEqual([mmu, undefined]);
    expect([mmus.delete(0), mmus.delete(0), mmus.lookup(0)]).toEqual([true, false, 'closed']);
    expect(() => mmus.get(0)).toThrow(expect.objectContaining({ code: 'CLOSED', device: 'toy:0' }));
  });

  it('gives an id out again only when all others had their turn, and never one in use', () => {
    const mmus = new MmuTable<DeviceMmu>('toy:0');
    const kept = mmus.open(mmuOf);
    let reused = 0;
    for (let i = 1; i < 65_536; i++) {
      if (mmus.open(mmuOf).id !== i) reused++;
      mmus.delete(i);
    }
    expect(reused).toBe(0);
    expect([mmus.open(mmuOf).id, mmus.open(mmuOf).id, mmus.get(0)]).toEqual([1, 2, kept]);
  });

  it('answers UNSUPPORTED when every id is in use', () => {
    const mmus = new MmuTable<DeviceMmu>('toy:0');
    for (let i = 0; i < 65_536; i++) mmus.open(mmuOf);
    expect(() => mmus.open(mmuOf)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });
});
