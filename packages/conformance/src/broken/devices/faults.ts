import { FAULT_READ, FAULT_WRITE } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refaulting, retelling } from '../wrap.js';

/** Fault buffers that forget, invent or misreport. */
export const faults: readonly BrokenDevice[] = [
  {
    name: 'faults/forgotten-on-overflow',
    breaks: 'a fault that found the buffer full is never reported again',
    rules: ['FaultSource: when the buffer is full'],
    options: { faultBuffer: 4 },
    wrap(device) {
      const held = new Set<number>();
      return refaulting(device, (source) => ({
        drain(batch) {
          const full = source.dropped > 0;
          const count = source.drain(batch);
          batch.count = 0;
          for (let i = 0; i < count; i++) {
            const page = batch.pages[i]!;
            if (held.size >= 4 && full && !held.has(page)) continue;
            held.add(page);
            const to = batch.count++;
            for (const list of [batch.mmus, batch.pages, batch.access, batch.queues]) list[to] = list[i]!;
          }
          return batch.count;
        },
      }));
    },
  },
  {
    name: 'faults/dropped-not-counted',
    breaks: 'faults that found the buffer full are not counted in `dropped`',
    rules: ['FaultSource: when the buffer is full'],
    options: { faultBuffer: 4 },
    wrap: (device) => refaulting(device, () => ({ dropped: 0 })),
  },
  {
    name: 'faults/wrong-page',
    breaks: 'faults name the page behind the one that is missing',
    rules: ['FaultSource: a faulting access stalls and is reported'],
    wrap: (device) => retelling(device, (batch, i) => void batch.pages[i]!++),
  },
  {
    name: 'faults/load-told-as-store',
    breaks: 'loads are reported as stores',
    rules: ['FaultSource: a faulting access stalls and is reported'],
    wrap: (device) =>
      retelling(device, (batch, i) => {
        if (batch.access[i] === FAULT_READ) batch.access[i] = FAULT_WRITE;
      }),
  },
  {
    name: 'faults/store-told-as-load',
    breaks: 'stores are reported as loads',
    rules: ['FAULT_WRITE'],
    wrap: (device) =>
      retelling(device, (batch, i) => {
        if (batch.access[i] === FAULT_WRITE) batch.access[i] = FAULT_READ;
      }),
  },
  {
    name: 'faults/atomic-told-as-load',
    breaks: 'atomic accesses are reported as loads',
    rules: ['FAULT_ATOMIC'],
    wrap: (device) =>
      retelling(device, (batch, i) => {
        if (batch.access[i]! > FAULT_WRITE) batch.access[i] = FAULT_READ;
      }),
  },
  {
    name: 'faults/wrong-mmu',
    breaks: 'faults name another MMU',
    rules: ['FaultSource: a faulting access stalls and is reported'],
    wrap: (device) => retelling(device, (batch, i) => void batch.mmus[i]!++),
  },
  {
    name: 'faults/wrong-queue',
    breaks: 'faults name another queue',
    rules: ['FaultSource: a faulting access stalls and is reported'],
    wrap: (device) => retelling(device, (batch, i) => void batch.queues[i]!++),
  },
  {
    name: 'faults/smallest-page-always',
    breaks: 'faults are reported in the smallest page size, whatever the MMU was opened with',
    rules: ['faultPageSize'],
    wrap: (device) =>
      override(device, {
        async createMmu({ faultPageSize, ...options }) {
          const mmu = await device.createMmu(options);
          return override(mmu, { faultPageSize: faultPageSize ?? mmu.faultPageSize });
        },
      }),
  },
  {
    name: 'faults/drain-loses-the-rest',
    breaks: 'what does not fit into the batch of a drain is gone',
    rules: ['FaultSource.drain'],
    wrap: (device) =>
      refaulting(device, (source) => ({
        drain(batch) {
          const count = source.drain(batch);
          const rest = { ...batch, pages: new Float64Array(batch.capacity), mmus: new Uint16Array(batch.capacity) };
          while (
            source.drain({ ...rest, access: new Uint8Array(batch.capacity), queues: new Uint16Array(batch.capacity) }) >
            0
          );
          return count;
        },
      })),
  },
  {
    name: 'faults/newest-first',
    breaks: 'a drain gives the newest fault first',
    rules: ['FaultSource.drain'],
    wrap: (device) =>
      refaulting(device, (source) => {
        const waiting: { mmu: number; page: number; access: number; queue: number }[] = [];
        return {
          get pending(): number {
            return source.pending + waiting.length;
          },
          drain(batch) {
            const whole = {
              ...batch,
              pages: new Float64Array(source.capacity),
              mmus: new Uint16Array(source.capacity),
            };
            const all = {
              ...whole,
              capacity: source.capacity,
              access: new Uint8Array(source.capacity),
              queues: new Uint16Array(source.capacity),
            };
            for (let i = 0, count = source.drain(all); i < count; i++) {
              waiting.push({ mmu: all.mmus[i]!, page: all.pages[i]!, access: all.access[i]!, queue: all.queues[i]! });
            }
            for (batch.count = 0; batch.count < batch.capacity && waiting.length > 0; batch.count++) {
              const { mmu, page, access, queue } = waiting.pop()!;
              batch.mmus[batch.count] = mmu;
              batch.pages[batch.count] = page;
              batch.access[batch.count] = access;
              batch.queues[batch.count] = queue;
            }
            return batch.count;
          },
        };
      }),
  },
  {
    name: 'faults/listener-not-called',
    breaks: 'nobody is told of a stall',
    rules: ['FaultSource.listen'],
    wrap: (device) => refaulting(device, () => ({ listen: () => undefined })),
  },
  {
    name: 'faults/listener-called-in-drain',
    breaks: 'the listener is called from inside drain',
    rules: ['FaultSource.listen'],
    wrap: (device) =>
      refaulting(device, (source) => {
        let heard: (() => void) | null = null;
        return {
          listen(listener) {
            heard = listener;
            source.listen(listener);
          },
          drain(batch) {
            heard?.();
            return source.drain(batch);
          },
        };
      }),
  },
  {
    name: 'faults/retired-runs-backwards',
    breaks: 'the heartbeat falls back now and then',
    rules: ['FaultSource.retired'],
    wrap: (device) =>
      refaulting(device, (source) => ({
        get retired(): number {
          return source.retired % 5;
        },
      })),
  },
  {
    name: 'faults/stalled-not-counted',
    breaks: 'stalled accesses are not counted',
    rules: ['FaultSource: stalled counts'],
    wrap: (device) => refaulting(device, () => ({ stalled: 0 })),
  },
];
