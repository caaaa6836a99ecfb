import { BIT_DIRTY, ZERO_FRAME } from '@mirrorspace/core/driver';
import type { CopyInCommand, CopyOutCommand } from '@mirrorspace/core/driver';

/** Moves pages between host memory and frames. */
export function copyFrames(memory: Uint8Array, command: CopyInCommand | CopyOutCommand): void {
  const { count, pageSize, hostFrames, frames } = command;
  for (let i = 0; i < count; i++) {
    const at = frames[i]! * pageSize;
    const frame = memory.subarray(at, at + pageSize);
    const home = hostFrames[i]!;
    if (home === ZERO_FRAME) frame.fill(0);
    else if (command.kind === 'copyIn') frame.set(bytesOf(command, home));
    else if (command.when === undefined || (command.when[i]! & BIT_DIRTY) !== 0) bytesOf(command, home).set(frame);
  }
}

function bytesOf({ host }: CopyInCommand | CopyOutCommand, frame: number): Uint8Array {
  const offset = host.offsetOf(frame);
  return host.bufferOf(frame).subarray(offset, offset + host.pageSize);
}
