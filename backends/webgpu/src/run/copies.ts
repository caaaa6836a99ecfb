import type { CopyInCommand, CopyOutCommand } from '@mirrorspace/core/driver';
import { BIT_DIRTY, MirrorError, ZERO_FRAME } from '@mirrorspace/core/driver';
import type { HostFrames } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Stream } from '../gpu/stream.js';

/** Most bytes read back at a time. */
const MOST_READ_BACK = 32 * 2 ** 20;

/** Copies host frames to frames: what lies side by side on both sides goes in one write. */
export function copyIn(stream: Stream, pool: FramePool, command: CopyInCommand): void {
  const { frames, hostFrames, count, pageSize, host } = command;
  // Before anything is copied: a command that names a host frame without bytes changes nothing.
  for (let i = 0; i < count; i++) if (hostFrames[i] !== ZERO_FRAME) bytesOf(host, hostFrames[i]!);
  for (let from = 0; from < count;) {
    const at = pool.at(frames[from]!, pageSize);
    const target = pool.bufferAt(at);
    let to = from + 1;
    if (hostFrames[from] === ZERO_FRAME) {
      while (
        to < count &&
        hostFrames[to] === ZERO_FRAME &&
        follows(frames, from, to) &&
        pool.bufferAt(pool.at(frames[to]!, pageSize)) === target
      )
        to++;
      stream.encoder.clearBuffer(target, pool.offsetAt(at), (to - from) * pageSize);
    } else {
      const source = bytesOf(host, hostFrames[from]!);
      while (
        to < count &&
        hostFrames[to] !== ZERO_FRAME &&
        follows(frames, from, to) &&
        pool.bufferAt(pool.at(frames[to]!, pageSize)) === target &&
        host.bufferOf(hostFrames[to]!) === source.buffer &&
        host.offsetOf(hostFrames[to]!) === source.offset + (to - from) * pageSize
      )
        to++;
      stream.write(target, pool.offsetAt(at), source.buffer, source.offset, (to - from) * pageSize);
    }
    from = to;
  }
}

/** Copies frames to host frames, those that `when` does not leave out. */
export async function copyOut(stream: Stream, pool: FramePool, command: CopyOutCommand): Promise<void> {
  const { count, pageSize, when } = command;
  const listed: number[] = [];
  for (let i = 0; i < count; i++) {
    if (when !== undefined && (when[i]! & BIT_DIRTY) === 0) continue;
    bytesOf(command.host, command.hostFrames[i]!);
    listed.push(i);
  }
  const most = Math.max(1, MOST_READ_BACK / pageSize);
  for (let from = 0; from < listed.length; from += most) {
    const part = listed.slice(from, from + most);
    const copy = (staging: GPUBuffer) =>
      part.forEach((i, place) => {
        const at = pool.at(command.frames[i]!, pageSize);
        stream.encoder.copyBufferToBuffer(pool.bufferAt(at), pool.offsetAt(at), staging, place * pageSize, pageSize);
      });
    await stream.readBack(part.length * pageSize, copy, (bytes) =>
      part.forEach((i, place) => {
        const { buffer, offset } = bytesOf(command.host, command.hostFrames[i]!);
        buffer.set(bytes.subarray(place * pageSize, (place + 1) * pageSize), offset);
      }),
    );
  }
}

function follows(frames: Uint32Array, from: number, to: number): boolean {
  return frames[to] === frames[from]! + to - from;
}

/** Where a host frame's bytes are, after a look whether they are there. @throws MirrorError `INVALID_ARGUMENT` */
function bytesOf(host: HostFrames, frame: number): { buffer: Uint8Array; offset: number } {
  const buffer = host.bufferOf(frame);
  const offset = host.offsetOf(frame);
  if (buffer !== undefined && offset >= 0 && offset + host.pageSize <= buffer.length) return { buffer, offset };
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `host frame ${frame} has no ${host.pageSize} bytes at offset ${offset} of its buffer`,
  );
}
