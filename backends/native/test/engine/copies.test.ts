import { BIT_DIRTY, type Command, ZERO_FRAME } from '@mirrorspace/core/driver';
import { afterEach, describe, expect, it } from 'vitest';
import { PAGE, Rig } from './rig.js';

let rig: Rig;
afterEach(() => rig.device.close());

/** Host frames in two buffers, of which each starts in the midst of its own. */
function hostOf(shared: readonly boolean[]) {
  const buffers = shared.map((isShared) => {
    const bytes = 64 + 4 * PAGE;
    return new Uint8Array(isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), 64);
  });
  return {
    pageSize: PAGE,
    bufferOf: (frame: number) => buffers[frame >> 2]!,
    offsetOf: (frame: number) => (frame & 3) * PAGE,
    bytes: (frame: number) => buffers[frame >> 2]!.subarray((frame & 3) * PAGE, ((frame & 3) + 1) * PAGE),
  };
}

describe.each([
  ['shared', [true, true]],
  ['plain', [false, false]],
  ['half shared, half plain', [true, false]],
])('copies of host frames in %s memory', (_name, shared) => {
  it('move frames in and out, zeros in, and only what is dirty', async () => {
    rig = await Rig.open();
    const host = hostOf(shared);
    for (let frame = 0; frame < 8; frame++) host.bytes(frame).fill(frame + 1);
    const copy = (kind: 'copyIn' | 'copyOut', hostFrames: number[], frames: number[], when?: Uint8Array) =>
      ({
        kind,
        pageSize: PAGE,
        count: frames.length,
        frames: Uint32Array.from(frames),
        hostFrames: Uint32Array.from(hostFrames),
        host,
        ...(when && { when }),
      }) as Command;
    const bits = new Uint8Array(2);
    await rig.page(copy('copyIn', [1, 5, ZERO_FRAME], [0, 1, 2]), rig.mapping(0, 0), rig.mapping(1, 1));
    const write = { kind: 'write', mmu: rig.mmu.id, address: rig.at(1), from: Uint8Array.of(99) } as const;
    await rig.device.queues[1]!.submit([write]).wait();
    await rig.page(
      { kind: 'unmap', ...rig.list([0, 1]), bits },
      rig.flush,
      copy('copyOut', [6, 2], [0, 1], bits),
      copy('copyOut', [7], [2]),
    );
    expect(bits[0]! & BIT_DIRTY).toBe(0);
    expect(host.bytes(6)[0]).toBe(7);
    expect([...host.bytes(2).subarray(0, 2), host.bytes(2)[PAGE - 1]]).toEqual([99, 6, 6]);
    expect(host.bytes(7).every((byte) => byte === 0)).toBe(true);
    expect(host.bytes(1)[PAGE - 1]).toBe(2);
  });
});
