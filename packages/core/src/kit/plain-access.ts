import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE } from '../driver/access.js';
import type { AtomicAddCommand, FillCommand, ReadCommand, WriteCommand } from '../driver/command.js';

/** Commands that access virtual bytes without a program. */
export type PlainAccess = ReadCommand | WriteCommand | FillCommand | AtomicAddCommand;

/** Bytes that an access covers. */
export function accessBytes(command: PlainAccess): number {
  switch (command.kind) {
    case 'read':
      return command.into.length;
    case 'write':
      return command.from.length;
    case 'fill':
      return command.bytes;
    case 'atomicAdd':
      return 4;
  }
}

/** The `FAULT_*` code of an access. */
export function accessFault(command: PlainAccess): number {
  if (command.kind === 'read') return FAULT_READ;
  return command.kind === 'atomicAdd' ? FAULT_ATOMIC : FAULT_WRITE;
}
