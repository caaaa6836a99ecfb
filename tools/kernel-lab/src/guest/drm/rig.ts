import { addon, IoctlDevice, iow, iowr, type Mapping, struct, u32 } from '@mirrorspace/native';
import type { Descriptor } from '@mirrorspace/native';
import type { DeviceMmu, HostFrames } from '@mirrorspace/core/driver';
import { DRM, drm, type DrmDevice } from '@mirrorspace/native/drm';
import assert from 'node:assert/strict';

export const PAGE = 4096;
/** Bytes of device memory in these tests: 64 frames. */
export const MEMORY = 64 * PAGE;

/** The device node of a driver, by what the system says of it. */
export function nodeOf(driver: string, folder = 'card'): string {
  for (let number = 0; number < 8; number++) {
    const path = `/dev/dri/${folder}${folder === 'card' ? number : 128 + number}`;
    try {
      const file = new IoctlDevice(path, Object.values(DRM));
      const name = new Uint8Array(32);
      const { value } = file.call(DRM.version, { name_len: name.length }, { name: [name, 0] });
      file.close();
      if (new TextDecoder().decode(name.subarray(0, value.name_len)) === driver) return path;
    } catch {
      continue;
    }
  }
  return assert.fail(`no ${folder} of ${driver}`);
}

/** Host memory of a test: frames in one array. */
export class Host implements HostFrames {
  readonly pageSize = PAGE;
  readonly bytes: Uint8Array;

  constructor(frames: number) {
    this.bytes = new Uint8Array(frames * PAGE);
  }

  bufferOf(): Uint8Array {
    return this.bytes;
  }

  offsetOf(frame: number): number {
    return frame * PAGE;
  }

  /** One frame, each byte by where it is. */
  fill(frame: number, seed: number): void {
    for (let i = 0; i < PAGE; i++) this.bytes[frame * PAGE + i] = (seed + i * 7) % 251;
  }
}

/** What `Host.fill` makes. */
export function pattern(seed: number): Uint8Array {
  return Uint8Array.from({ length: PAGE }, (_, i) => (seed + i * 7) % 251);
}

/** An open device with commands in short. */
export async function opened(): Promise<{
  device: DrmDevice;
  mmu: DeviceMmu;
  host: Host;
  copyIn: (frame: number, hostFrame: number) => Promise<void>;
  copyOut: (frame: number, hostFrame: number) => Promise<void>;
}> {
  const device = (await drm.open({ memory: MEMORY })) as DrmDevice;
  const host = new Host(8);
  const copy = (kind: 'copyIn' | 'copyOut') => async (frame: number, hostFrame: number) => {
    const lists = { frames: Uint32Array.of(frame), hostFrames: Uint32Array.of(hostFrame) };
    await device.queues[0].submit([{ kind, pageSize: PAGE, count: 1, host, ...lists }]).wait();
  };
  const mmu = await device.createMmu({ addressBits: 47 });
  return { device, mmu, host, copyIn: copy('copyIn'), copyOut: copy('copyOut') };
}

/** Maps pages of an MMU to frames, writable. */
export async function mapped(device: DrmDevice, mmu: DeviceMmu, page: number, ...frames: number[]): Promise<void> {
  const { length: count } = frames;
  const pages = Float64Array.from(frames, (_, i) => page + i);
  const lists = { pages, frames: Uint32Array.from(frames), access: new Uint8Array(count).fill(3) };
  await device.queues[0].submit([{ kind: 'map', mmu: mmu.id, pageSize: PAGE, count, ...lists }]).wait();
}

/** Somebody else's open node of the device: what is shared is seen there. */
export class Other {
  readonly file: IoctlDevice;

  constructor(path = nodeOf('virtio_gpu')) {
    this.file = new IoctlDevice(path, Object.values(DRM));
  }

  /** The buffer, by the handle that it has here. */
  importBuffer(shared: Descriptor): number {
    return this.file.call(DRM.importBuffer, {}, { fd: shared }).value.handle;
  }

  /** Maps a buffer, as this node sees it. */
  map(handle: number): { mapping: Mapping; bytes: Uint8Array } {
    const { offset } = this.file.call(DRM.mapDumb, { handle }).value;
    return viewOf(this.file.descriptor, offset);
  }

  /** The timeline, by the handle that it has here. */
  importTimeline(shared: Descriptor): number {
    return this.file.call(DRM.importTimeline, {}, { fd: shared }).value.handle;
  }

  /** Where a timeline is. */
  reached(handle: number): number {
    const points = new BigUint64Array(1);
    const pointees = { handles: [Uint32Array.of(handle), 0], points: [points, 0] } as const;
    this.file.call(DRM.query, { count_handles: 1 }, pointees);
    return Number(points[0]);
  }

  /** Waits in the kernel for a point; `false` where it was not reached in time. */
  async waitFor(handle: number, point: number, ms: number): Promise<boolean> {
    const memory = addon().Mapping.reserve(PAGE);
    const buffer = memory.arrayBuffer(0, 16);
    new Uint32Array(buffer, 0, 1)[0] = handle;
    new BigUint64Array(buffer, 8, 1)[0] = BigInt(point);
    const until = process.hrtime.bigint() + BigInt(ms) * 1_000_000n;
    const request = { count_handles: 1, flags: 2, timeout_nsec: until };
    try {
      await this.file.start(DRM.waitForPoint, request, { handles: [memory, 0], points: [memory, 8] });
      return true;
    } catch (error) {
      assert.equal((error as { code: string }).code, 'ETIME');
      return false;
    } finally {
      memory.unmap();
    }
  }

  close(): void {
    this.file.close();
  }
}

/** Maps what a driver's file has. */
export function viewOf(file: Descriptor, offset = 0): { mapping: Mapping; bytes: Uint8Array } {
  const mapping = addon().Mapping.map(file, offset, MEMORY);
  return { mapping, bytes: new Uint8Array(mapping.arrayBuffer(0, MEMORY)) };
}

/** What the driver vgem has beside what all have: `drm/vgem_drm.h`. */
const VGEM = {
  attach: iowr('DRM_IOCTL_VGEM_FENCE_ATTACH', 'd', 0x41, struct({ handle: u32, flags: u32, out_fence: u32, pad: u32 })),
  signal: iow('DRM_IOCTL_VGEM_FENCE_SIGNAL', 'd', 0x42, struct({ fence: u32, flags: u32 })),
  importBuffer: DRM.importBuffer,
} as const;

/** Another driver: it says when its work on a buffer is done. */
export class Vgem {
  private readonly file = new IoctlDevice(nodeOf('vgem'), Object.values(VGEM));

  /** Begins to write to a buffer; the result ends that. */
  writes(shared: Descriptor): () => void {
    const { handle } = this.file.call(VGEM.importBuffer, {}, { fd: shared }).value;
    const { out_fence: fence } = this.file.call(VGEM.attach, { handle, flags: 1 }).value;
    return () => void this.file.call(VGEM.signal, { fence });
  }

  close(): void {
    this.file.close();
  }
}
