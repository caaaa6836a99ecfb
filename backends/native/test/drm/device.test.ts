import { type HostFrames, MirrorError } from '@mirrorspace/core/driver';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ioctl, IoctlPointees, IoctlResult } from '../../src/abi/ioctl.js';
import type { Fields, StructInput } from '../../src/abi/struct.js';
import type { DrmRequests } from '../../src/drm/file.js';
import { DrmDevice } from '../../src/drm/device.js';
import { Timeline } from '../../src/drm/timeline.js';
import { addon, type Descriptor } from '../../src/index.js';

const PAGE = 4096;

/** What the kernel answers for a device that machines without one can have: its buffer is shared memory, its timelines are numbers. */
class Kernel implements DrmRequests {
  readonly device = 'drm:0';
  readonly descriptor: Descriptor;
  readonly reached = [0];
  /** Somebody else works on the buffer. */
  busy = false;
  /** What waits for points end with; they end in the next turn. */
  waits: 'reached' | 'ETIME' | 'never' = 'ETIME';
  /** Somebody unplugged it. */
  unplugged = false;
  /** Files of the buffer that were given out, and closed. */
  readonly files = { made: 0, closed: 0 };

  /** @param path - What is mapped in place of the buffer. */
  constructor(path = '/dev/zero') {
    this.descriptor = addon().Descriptor.open(path, undefined, [{ request: 0x5401 }]);
  }

  readonly close = () => this.descriptor.close();
  readonly drop = () => undefined;
  readonly driver = () => 'fake';
  readonly refused = (error: unknown) => error as MirrorError;

  ask<F extends Fields>(
    { name, struct }: Ioctl<F>,
    value: StructInput<F> = {},
    pointees: IoctlPointees = {},
  ): IoctlResult<F> {
    if (this.unplugged) throw new MirrorError('DEVICE_LOST', `${name}: ENODEV`);
    if (struct === undefined) throw new TypeError(`${name} has no struct`);
    const bytes = struct.encode(value);
    const answer = (field: string, number: number) =>
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(struct.offsets[field]!, number, true);
    const handles = arrayOf(pointees, 'handles');
    const points = arrayOf(pointees, 'points');
    const at = handles instanceof Uint32Array ? handles[0]! : 0;
    if (name === 'DRM_IOCTL_MODE_CREATE_DUMB') {
      answer('handle', 1);
      answer('pitch', PAGE);
      answer('size', 1 << 30);
    } else if (name === 'DRM_IOCTL_SYNCOBJ_CREATE') answer('handle', this.reached.push(0) - 1);
    else if (points instanceof BigUint64Array) {
      if (name === 'DRM_IOCTL_SYNCOBJ_QUERY') points[0] = BigInt(this.reached[at]!);
      if (name === 'DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL') this.reached[at] = Number(points[0]);
    }
    const descriptor = name === 'DRM_IOCTL_PRIME_HANDLE_TO_FD' ? this.share() : undefined;
    return { result: 0, value: struct.decode(bytes), descriptor };
  }

  readonly start: DrmRequests['start'] = async (request, value) => {
    await setImmediate();
    if (this.waits === 'never') await new Promise(() => undefined);
    if (this.waits === 'ETIME') throw Object.assign(new Error('ioctl: ETIME'), { code: 'ETIME' });
    return this.ask(request, value);
  };

  /** A file of the buffer, which tells whether somebody works on it. */
  private share(): Descriptor {
    const file = addon().Descriptor.open('/dev/null');
    const ready = () => (this.busy ? 0 : 5);
    const close = file.close.bind(file);
    this.files.made++;
    vi.spyOn(file, 'look').mockImplementation(ready);
    vi.spyOn(file, 'poll').mockImplementation(async () => {
      await setImmediate();
      return ready();
    });
    vi.spyOn(file, 'close').mockImplementation(() => {
      this.files.closed++;
      close();
    });
    return file;
  }
}

/** The array that a request points to by one of its fields. */
function arrayOf(pointees: IoctlPointees, field: string): unknown {
  const pointee = pointees[field];
  return Array.isArray(pointee) ? (pointee as readonly unknown[])[0] : undefined;
}

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

function opened() {
  const kernel = new Kernel();
  let released = false;
  const release = () => void (released = true);
  const device = new DrmDevice({ name: 'drm:0', file: kernel, path: '/dev/dri/card9', memory: 8 * PAGE, release });
  ends.push(() => (kernel.busy = false));
  const bytes = new Uint8Array(PAGE).fill(7);
  const host: HostFrames = { pageSize: PAGE, bufferOf: () => bytes, offsetOf: () => 0 };
  const lists = { frames: Uint32Array.of(0), hostFrames: Uint32Array.of(0) };
  const copyOut = { kind: 'copyOut', pageSize: PAGE, count: 1, host, ...lists } as const;
  return { kernel, device, bytes, copyOut, released: () => released };
}

describe('a DRM device that is closed', () => {
  it('waits for nobody else’s work on its buffer, and stores nothing when that ends', async () => {
    const { kernel, device, bytes, copyOut, released } = opened();
    kernel.busy = true;
    const fence = device.queues[0].submit([copyOut]);
    // It is under way.
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    const closed = device.close();
    await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    await Promise.race([closed, setTimeout(5000)]);
    expect([released(), bytes[0]]).toEqual([true, 7]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 8])('leaves nothing that stalls, %s steps after a fault began', async (steps) => {
    const { device, released } = opened();
    const mmu = await device.createMmu({ addressBits: 47 });
    const fill = { kind: 'fill', mmu: mmu.id, address: 0, bytes: 1, value: 1 } as const;
    const fence = device.queues[1].submit([fill]);
    for (let step = 0; step < steps; step++) await Promise.resolve();
    const closed = device.close();
    await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    await Promise.race([closed, setTimeout(5000)]);
    expect([released(), device.faults.stalled]).toEqual([true, 0]);
  });
});

it('a point that the kernel waited for is reached, though a query tells of none', async () => {
  const kernel = new Kernel();
  const timeline = new Timeline(kernel);
  ends.push(() => timeline.close());
  const [low, high] = [timeline.at(2), timeline.at(3)];
  kernel.waits = 'reached';
  await low.wait({ timeoutMs: 1000 });
  kernel.waits = 'ETIME';
  expect(high.signaled).toBe(false);
  kernel.reached[1] = 3;
  await high.wait({ timeoutMs: 1000 });
});

it('a timeline whose device is unplugged while somebody waits fails its fences, and ends no process', async () => {
  const kernel = new Kernel();
  kernel.waits = 'never';
  const timeline = new Timeline(kernel);
  ends.push(() => timeline.close());
  const [first, second] = [timeline.at(1), timeline.at(2)];
  const waits = [first, second].map((fence) =>
    expect(fence.wait({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'DEVICE_LOST' }),
  );
  kernel.unplugged = true;
  await Promise.all(waits);
});

it('a device whose buffer cannot be mapped leaves no file that keeps it', () => {
  const kernel = new Kernel('/dev/null');
  const setup = { name: 'drm:0', file: kernel, path: '/dev/dri/card9', memory: 8 * PAGE, release: () => undefined };
  expect(() => new DrmDevice(setup)).toThrow(expect.objectContaining({ code: 'ENODEV' }) as Error);
  expect(kernel.files).toEqual({ made: 1, closed: 1 });
});
