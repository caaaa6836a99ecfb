import type { CopyInCommand, CopyOutCommand, HostFrames } from '@mirrorspace/core/driver';
import { BIT_DIRTY, MirrorError, ZERO_FRAME } from '@mirrorspace/core/driver';

/*
 * Host frames may lie in any ArrayBuffer, and one can be detached or moved at any time, so no other thread may reach into it. As drivers do with
 * host memory that is not pinned, it is copied by the host.
 */

/** Copies host frames, or zeros, into device frames. @throws MirrorError `INVALID_ARGUMENT` */
export function copyIn(device: string, pool: Uint8Array, command: CopyInCommand): void {
  const { frames, hostFrames, count, pageSize, host } = command;
  for (let i = 0; i < count; i++) {
    const to = frames[i]! * pageSize;
    const frame = hostFrames[i]!;
    if (frame === ZERO_FRAME) pool.fill(0, to, to + pageSize);
    else pool.set(bytesOf(device, host, frame), to);
  }
}

/** Copies device frames to host frames. @throws MirrorError `INVALID_ARGUMENT` */
export function copyOut(device: string, pool: Uint8Array, command: CopyOutCommand): void {
  const { frames, hostFrames, count, pageSize, host, when } = command;
  for (let i = 0; i < count; i++) {
    if (when !== undefined && (when[i]! & BIT_DIRTY) === 0) continue;
    const from = frames[i]! * pageSize;
    bytesOf(device, host, hostFrames[i]!).set(pool.subarray(from, from + pageSize));
  }
}

/** The bytes of a host frame, after a look whether they are really there. */
function bytesOf(device: string, host: HostFrames, frame: number): Uint8Array {
  const buffer = host.bufferOf(frame);
  const offset = host.offsetOf(frame);
  if (buffer !== undefined && offset >= 0 && offset + host.pageSize <= buffer.length)
    return buffer.subarray(offset, offset + host.pageSize);
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `Host frame ${frame} has no ${host.pageSize} bytes at offset ${offset} of its buffer.`,
    { device },
  );
}
