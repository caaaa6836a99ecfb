import type { CopyInCommand, CopyOutCommand } from '@mirrorspace/core/driver';
import { BIT_DIRTY, MirrorError, ZERO_FRAME } from '@mirrorspace/core/driver';
import type { HostFrames } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Stream } from '../gpu/stream.js';
import type { Uploads } from '../gpu/uploads.js';

/** Most bytes read back at a time. */
const MOST_READ_BACK = 32 * 2 ** 20;

/** Copies host frames to frames: what lies side by side on both sides goes in one piece. */
export function copyIn(
  uploads: Uploads,
  stream: Stream,
  pool: FramePool,
  command: CopyInCommand,
): Promise<void> | void {
  const { frames, hostFrames, count, pageSize, host } = command;
  // Before anything is copied: a command that names a host frame without bytes changes nothing.
  for (let i = 0; i < count; i++) if (hostFrames[i] !== ZERO_FRAME) checkBytes(host, hostFrames[i]!);
  const list = uploads.begin();
  for (let from = 0; from < count;) {
    const at = pool.at(frames[from]!, pageSize);
    const target = pool.bufferAt(at);
    const fresh = hostFrames[from] === ZERO_FRAME;
    const first = hostFrames[from]!;
    let to = from + 1;
    while (to < count && follows(frames, from, to) && pool.bufferAt(pool.at(frames[to]!, pageSize)) === target) {
      if ((hostFrames[to] === ZERO_FRAME) !== fresh) break;
      if (!fresh && !isBehind(host, hostFrames[to]!, first, to - from)) break;
      to++;
    }
    const bytes = (to - from) * pageSize;
    if (fresh) stream.encoder.clearBuffer(target, pool.offsetAt(at), bytes);
    else list.add(target, pool.offsetAt(at), host.bufferOf(first), host.offsetOf(first), bytes);
    from = to;
  }
  return uploads.upload();
}

/** Whether the bytes of a host frame lie `pages` frames behind those of another one. */
function isBehind(host: HostFrames, frame: number, first: number, pages: number): boolean {
  return (
    host.bufferOf(frame) === host.bufferOf(first) &&
    host.offsetOf(frame) === host.offsetOf(first) + pages * host.pageSize
  );
}

/** Copies frames to host frames, those that `when` does not leave out. */
export async function copyOut(stream: Stream, pool: FramePool, command: CopyOutCommand): Promise<void> {
  const { count, pageSize, when } = command;
  const listed: number[] = [];
  for (let i = 0; i < count; i++) {
    if (when !== undefined && (when[i]! & BIT_DIRTY) === 0) continue;
    checkBytes(command.host, command.hostFrames[i]!);
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
        const { host, hostFrames } = command;
        const to = host.bufferOf(hostFrames[i]!);
        to.set(bytes.subarray(place * pageSize, (place + 1) * pageSize), host.offsetOf(hostFrames[i]!));
      }),
    );
  }
}

function follows(frames: Uint32Array, from: number, to: number): boolean {
  return frames[to] === frames[from]! + to - from;
}

/** Whether a host frame has bytes. @throws MirrorError `INVALID_ARGUMENT` */
function checkBytes(host: HostFrames, frame: number): void {
  const buffer = host.bufferOf(frame) as Uint8Array | undefined;
  const offset = host.offsetOf(frame);
  if (buffer !== undefined && offset >= 0 && offset + host.pageSize <= buffer.length) return;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `host frame ${frame} has no ${host.pageSize} bytes at offset ${offset} of its buffer`,
  );
}
