import type { CommandQueue, Device, DeviceMmu, HostFrames, UnitContext, UnitId } from '@mirrorspace/core/driver';
import { createFaultBatch, PTE_READ, PTE_WRITE } from '@mirrorspace/core/driver';
import { memory, type MemoryOptions } from '../src/index.js';

export const PAGE = 4096;
export const RW = PTE_READ | PTE_WRITE;
export const RO = PTE_READ;

/** An open device with an MMU and its queues, and short forms of commands. */
export class Rig {
  readonly device: Device;
  readonly mmu: DeviceMmu;
  readonly user: CommandQueue;
  readonly second: CommandQueue;
  readonly paging: CommandQueue;

  constructor(device: Device, mmu: DeviceMmu) {
    this.device = device;
    this.mmu = mmu;
    const users = device.queues.filter((queue) => !queue.paging);
    this.user = users[0]!;
    this.second = users[1] ?? users[0]!;
    this.paging = device.queues.find((queue) => queue.paging)!;
  }

  static async open(options: MemoryOptions = {}): Promise<Rig> {
    const device = await memory.open(options);
    return new Rig(device, await device.createMmu({ addressBits: Math.min(47, options.addressBits ?? 47) }));
  }

  map(pages: number[], frames: number[], access = RW, pageSize = PAGE) {
    return {
      kind: 'map',
      ...this.list(pages, pageSize),
      frames: Uint32Array.from(frames),
      access: new Uint8Array(pages.length).fill(access),
    } as const;
  }

  unmap(pages: number[], pageSize = PAGE) {
    return { kind: 'unmap', ...this.list(pages, pageSize), bits: new Uint8Array(pages.length).fill(0xff) } as const;
  }

  harvest(pages: number[], pageSize = PAGE) {
    return { kind: 'harvest', ...this.list(pages, pageSize), bits: new Uint8Array(pages.length).fill(0xff) } as const;
  }

  protect(pages: number[], access: number) {
    return {
      kind: 'protect',
      ...this.list(pages, PAGE),
      access: new Uint8Array(pages.length).fill(access),
      bits: new Uint8Array(pages.length),
    } as const;
  }

  flush(pages?: number[], pageSize = PAGE) {
    return { kind: 'flushTlb', mmu: this.mmu.id, ...(pages === undefined ? {} : this.list(pages, pageSize)) } as const;
  }

  replay(window?: number) {
    return { kind: 'replayFaults', mmu: this.mmu.id, ...(window === undefined ? {} : { window }) } as const;
  }

  cancel(pages: number[], reason: number) {
    return {
      kind: 'cancelFaults',
      ...this.list(pages, PAGE),
      reasons: new Uint8Array(pages.length).fill(reason),
    } as const;
  }

  read(address: number, bytes: number) {
    return { kind: 'read', mmu: this.mmu.id, address, into: new Uint8Array(bytes) } as const;
  }

  write(address: number, from: Uint8Array) {
    return { kind: 'write', mmu: this.mmu.id, address, from } as const;
  }

  fill(address: number, bytes: number, value: number) {
    return { kind: 'fill', mmu: this.mmu.id, address, bytes, value } as const;
  }

  add(address: number, value: number) {
    return { kind: 'atomicAdd', mmu: this.mmu.id, address, value, previous: new Uint32Array(1) } as const;
  }

  launch(run: (ctx: UnitContext, id: UnitId) => unknown, units = 1) {
    return {
      kind: 'launch',
      mmu: this.mmu.id,
      program: { language: 'js', run },
      grid: [units, 1, 1] as const,
      args: [],
    } as const;
  }

  /** Drains all pending faults as `[page, access]`. */
  faults(): [number, number][] {
    const batch = createFaultBatch(1024);
    this.device.faults.drain(batch);
    return Array.from({ length: batch.count }, (_, i) => [batch.pages[i]!, batch.access[i]!]);
  }

  list(pages: number[], pageSize: number) {
    return { mmu: this.mmu.id, pageSize, count: pages.length, pages: Float64Array.from(pages) };
  }
}

/** Host memory of `count` frames in one buffer. */
export function hostFrames(count: number, pageSize = PAGE): HostFrames & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(count * pageSize);
  return { pageSize, bytes, bufferOf: () => bytes, offsetOf: (frame) => frame * pageSize };
}

export function copyIn(host: HostFrames, hostFrames: number[], frames: number[]) {
  return {
    kind: 'copyIn',
    pageSize: host.pageSize,
    count: frames.length,
    host,
    hostFrames: Uint32Array.from(hostFrames),
    frames: Uint32Array.from(frames),
  } as const;
}

export function copyOut(host: HostFrames, hostFrames: number[], frames: number[], when?: Uint8Array) {
  return {
    ...copyIn(host, hostFrames, frames),
    kind: 'copyOut',
    ...(when === undefined ? {} : { when }),
  } as const;
}
