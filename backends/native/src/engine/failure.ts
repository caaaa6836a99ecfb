import { cancelledAccess, CANCEL_NOT_MAPPED, MirrorError } from '@mirrorspace/core/driver';
import { LANE, STATUS } from './words.js';
import type { Shared } from './shared.js';

/** Why the last segment of a lane failed, as its fence says it. */
export function failureOf(device: string, shared: Shared, lane: number, closed: () => MirrorError): MirrorError {
  const at = shared.layout.lane(lane);
  const address = shared.number(at, LANE.address);
  const detail = shared.load(at, LANE.detail);
  switch (shared.load(at, LANE.status)) {
    case STATUS.cancelled:
      return cancelledAccess(device, address, detail);
    case STATUS.beyond:
      return cancelledAccess(device, address, CANCEL_NOT_MAPPED);
    case STATUS.overlap:
      return new MirrorError(
        'INVALID_ARGUMENT',
        `map: an entry of another size covers part of what is to be mapped at 0x${address.toString(16)} on ${device}; unmap it first.`,
        { device, address },
      );
    case STATUS.full:
      return new MirrorError(
        'OUT_OF_DEVICE_MEMORY',
        `the page tables of ${device} have no room for pages so far apart; unmap some, or open it with more memory.`,
        { device },
      );
    case STATUS.program:
      return new MirrorError('PROGRAM', `A work unit of a launch on ${device} failed: ${messageOf(shared, detail)}.`, {
        device,
        cause: new Error(messageOf(shared, detail)),
      });
    default:
      return closed();
  }
}

function messageOf(shared: Shared, slot: number): string {
  const at = shared.layout.message(slot);
  // Shared bytes cannot be decoded.
  return new TextDecoder().decode(shared.bytes.slice(at + 4, at + 4 + shared.words[at >>> 2]!));
}
