import { CANCEL_CODES, createFaultBatch, FAULT_ATOMIC, FAULT_READ, FAULT_WRITE } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, deepEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

const REASONS = CANCEL_CODES.map((_, index) => index);

export const fault = defineCases(
  { level: 'driver', area: 'fault', needs: ['mmu:managed', 'replayable-faults', 'frames:4'] },
  [
    {
      name: 'read-is-reported',
      rule: 'FaultSource: a faulting access stalls and is reported with its MMU, page, access and queue',
      mend: 'fill all four arrays of the batch; pages count in faultPageSize',
      tags: ['hmm:anon_read'],
      cross: { pageSize: PAGE_SIZES },
      async run(env) {
        const rig = await Rig.open(env);
        const fence = rig.start(rig.readCommand(rig.at(3, 7), new Uint8Array(4)));
        const [found] = await rig.faults();
        deepEqual(found, { mmu: rig.mmu.id, page: 3, access: FAULT_READ, queue: rig.user.id }, 'the reported fault');
        ok(!fence.signaled && !fence.error, 'the fence of a stalled access must stay pending');
      },
    },
    {
      name: 'write-is-reported',
      rule: 'FAULT_WRITE: a store is reported as a store, so that the page comes writable at once',
      mend: 'report FAULT_WRITE for write and fill, FAULT_ATOMIC for atomic accesses',
      tags: ['hmm:anon_write'],
      cross: { by: ['write', 'fill'] },
      async run(env) {
        const rig = await Rig.open(env);
        const address = rig.at(0);
        const fill = { kind: 'fill', mmu: rig.mmu.id, address, bytes: 8, value: 1 } as const;
        rig.start(env.params['by'] === 'fill' ? fill : rig.writeCommand(address, new Uint8Array(8)));
        equal((await rig.faults())[0]?.access, FAULT_WRITE, 'access code');
      },
    },
    {
      name: 'atomic-is-reported',
      rule: 'FAULT_ATOMIC: an atomic read-modify-write',
      mend: 'report FAULT_ATOMIC (or FAULT_WRITE, which needs the same rights) for atomicAdd',
      needs: ['atomics'],
      async run(env) {
        const rig = await Rig.open(env);
        rig.start(rig.atomicCommand(rig.at(0), 1));
        const access = (await rig.faults())[0]?.access;
        ok(
          access === FAULT_ATOMIC || access === FAULT_WRITE,
          `access code ${String(access)} does not ask for the right to write`,
        );
      },
    },
    {
      name: 'served-access-completes',
      rule: 'FaultSource: replayFaults lets a stalled access try again',
      mend: 'look the translation up anew on replay; forget that it was absent',
      tags: ['hmm:anon_read', 'igt:once'],
      cross: { pageSize: PAGE_SIZES },
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(2, pattern(1, 64));
        const into = new Uint8Array(64);
        const fence = rig.start(rig.readCommand(rig.at(0), into));
        await rig.faults();
        await rig.page(rig.mapCommand([0], [2]), rig.replayCommand());
        await rig.wait(fence);
        bytesEqual(into, pattern(1, 64), 'what the stalled read brought');
        equal(rig.device.faults.stalled, 0, 'stalled after the service');
      },
    },
    {
      name: 'unserved-access-faults-again',
      rule: 'FaultSource: an access that is replayed without its page reports again',
      mend: 'clear the pending mark of a page when its faults are replayed',
      tags: ['igt:multi-fault'],
      async run(env) {
        const rig = await Rig.open(env);
        const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
        for (let round = 0; round < 5; round++) {
          equal((await rig.faults())[0]?.page, 0, `page reported in round ${round}`);
          await rig.page(rig.replayCommand());
        }
        ok(!fence.signaled && !fence.error, 'an access without its page must not end');
      },
    },
    {
      name: 'cancel-gives-the-code',
      rule: 'CancelFaultsCommand: fails the accesses with CANCEL_CODES[reason]',
      mend: 'map the reason to its error code; the fence fails with it',
      tags: ['hmm:anon_read_prot'],
      cross: { reason: REASONS },
      async run(env) {
        const rig = await Rig.open(env);
        const reason = Number(env.params['reason']);
        const into = new Uint8Array(8).fill(0x55);
        const fence = rig.start(rig.readCommand(rig.at(0), into));
        await rig.faults();
        await rig.page(rig.cancelCommand([0], reason));
        await rejects(rig.wait(fence), [CANCEL_CODES[reason] ?? ''], 'the cancelled read');
        bytesEqual(into, new Uint8Array(8).fill(0x55), 'a failed read must not return data: its buffer');
      },
    },
    {
      name: 'cancel-only-the-listed',
      rule: 'CancelFaultsCommand: others stay stalled',
      mend: 'cancel by page and MMU; leave every other stalled access alone',
      async run(env) {
        const rig = await Rig.open(env);
        const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
        await rig.faults();
        await rig.page(rig.cancelCommand([1, 2], 0));
        await env.quiet(rig.device);
        ok(!fence.error, 'an access to a page that was not listed must stay stalled');
        await rig.page(rig.mapCommand([0], [0]), rig.replayCommand());
        await rig.wait(fence);
      },
    },
    {
      name: 'cancelled-write-changes-nothing',
      rule: 'WriteCommand: a page’s part takes effect whole or not at all',
      mend: 'check the whole part of a page before storing its first byte',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.load(0, pattern(1, rig.pageSize));
        const fence = rig.start(rig.writeCommand(rig.at(1), pattern(2, 32)));
        await rig.faults();
        await rig.page(rig.cancelCommand([1], 1), rig.mapCommand([1], [0]));
        await rejects(rig.wait(fence), ['ACCESS_DENIED'], 'the cancelled write');
        await env.quiet(rig.device);
        bytesEqual(await rig.unload(0), pattern(1, rig.pageSize), 'the frame mapped after the cancel');
      },
    },
    {
      name: 'fault-page-size',
      rule: 'MmuOptions.faultPageSize: faults are reported in that size',
      mend: 'divide the faulting address by the MMU’s faultPageSize',
      needs: ['page-sizes'],
      async run(env) {
        const sizes = env.claims.limits.pageSizes;
        for (const faultPageSize of sizes) {
          const rig = await Rig.open(env, { faultPageSize });
          equal(rig.mmu.faultPageSize, faultPageSize, 'DeviceMmu.faultPageSize');
          const address = 3 * (sizes.at(-1) ?? 0) + 5;
          rig.start(rig.readCommand(address, new Uint8Array(1)));
          await env.until(() => rig.device.faults.pending > 0, 'a fault is reported');
          const batch = createFaultBatch(4);
          rig.device.faults.drain(batch);
          equal(batch.pages[0], Math.floor(address / faultPageSize), `page in units of ${faultPageSize} bytes`);
        }
      },
    },
    {
      name: 'listener',
      rule: 'FaultSource.listen: called whenever a stall needs service; null removes it; never from inside drain',
      mend: 'call the listener once a fault is in the buffer, also when the buffer was empty for long',
      async run(env) {
        const rig = await Rig.open(env);
        const { faults } = rig.device;
        let draining = false;
        const calls: boolean[] = [];
        faults.listen(() => calls.push(draining));
        rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
        await env.until(() => calls.length > 0, 'the listener is called');
        draining = true;
        rig.drain();
        draining = false;
        ok(!calls.includes(true), 'the listener must not be called from inside drain');
        faults.listen(null);
        const before = calls.length;
        await rig.page(rig.replayCommand());
        await env.until(() => faults.pending > 0, 'the fault is reported again');
        equal(calls.length, before, 'calls of a removed listener');
      },
    },
    {
      name: 'drain-in-parts',
      rule: 'FaultSource.drain: moves up to batch.capacity oldest entries',
      mend: 'stop at the capacity of the batch, keep the rest, and keep the order',
      needs: ['queues', 'faults:2'],
      async run(env) {
        const rig = await Rig.open(env);
        const users = rig.device.queues.filter(({ paging }) => !paging).slice(0, 2);
        for (const [i, queue] of users.entries()) {
          queue.submit([rig.readCommand(rig.at(i), new Uint8Array(4))]);
          await env.until(() => rig.device.faults.pending === i + 1, `${i + 1} faults are pending`);
        }
        const batch = createFaultBatch(1);
        for (const queue of users) {
          equal(rig.device.faults.drain(batch), 1, 'faults drained into a batch of one');
          equal(batch.queues[0], queue.id, 'the oldest fault comes first: its queue');
        }
        equal(rig.device.faults.pending, 0, 'pending after everything was drained');
      },
    },
    {
      name: 'drain-empty',
      rule: 'FaultSource.drain: sets batch.count and returns it',
      mend: 'set count to 0 when there is nothing',
      async run(env) {
        const rig = await Rig.open(env);
        const batch = createFaultBatch(2);
        batch.count = 2;
        equal(rig.device.faults.drain(batch), 0, 'drain of an empty buffer');
        equal(batch.count, 0, 'batch.count');
      },
    },
    {
      name: 'counters',
      rule: 'FaultSource: stalled counts what waits now, retired what ended',
      mend: 'count an access into stalled when it faults and out when it goes on; count it into retired when it ends',
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([1], [1]);
        const before = rig.device.faults.retired;
        await rig.write(rig.at(1), pattern(1, 4));
        ok(rig.device.faults.retired > before, 'retired must grow when an access ends');
        const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
        await rig.faults();
        equal(rig.device.faults.stalled, 1, 'stalled');
        await rig.page(rig.cancelCommand([0], 0));
        await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'the cancelled read');
        equal(rig.device.faults.stalled, 0, 'stalled after the cancel');
      },
    },
    {
      name: 'mapped-access-reports-nothing',
      rule: 'FaultSource: only accesses that cannot be translated are reported',
      mend: 'do not report a page that is present with the rights the access needs',
      tags: ['igt:twice'],
      async run(env) {
        const rig = await Rig.open(env);
        await rig.map([0, 1], [0, 1]);
        for (let i = 0; i < 8; i++) await rig.write(rig.at(i % 2, i), pattern(i, 64));
        equal(rig.device.faults.pending, 0, 'pending faults');
        equal(rig.device.faults.dropped, 0, 'dropped faults');
      },
    },
  ],
);
