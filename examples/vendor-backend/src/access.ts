import type { FillCommand, ReadCommand, WriteCommand } from '@mirrorspace/core/driver';
import { PAGE_SIZE, type PageTable, translate } from './page-table.js';

/** An access to virtual bytes. */
export type AccessCommand = ReadCommand | WriteCommand | FillCommand;

/**
 * Runs an access page by page. Yields the page it faults on, and tries that page again when it is resumed: what was done
 * before stays done. What a read collected reaches the caller only when the whole access succeeded.
 */
export function* runAccess(command: AccessCommand, table: PageTable, memory: Uint8Array): Generator<number, undefined> {
  const bytes = lengthOf(command);
  const collected = new Uint8Array(command.kind === 'read' ? bytes : 0);
  let done = 0;
  while (done < bytes) {
    const address = command.address + done;
    const page = Math.floor(address / PAGE_SIZE);
    const frame = translate(table, page, command.kind !== 'read');
    if (frame === undefined) {
      yield page;
      continue;
    }
    const offset = address - page * PAGE_SIZE;
    const length = Math.min(bytes - done, PAGE_SIZE - offset);
    const part = memory.subarray(frame * PAGE_SIZE + offset, frame * PAGE_SIZE + offset + length);
    if (command.kind === 'read') collected.set(part, done);
    else if (command.kind === 'write') part.set(command.from.subarray(done, done + length));
    else part.fill(command.value);
    done += length;
  }
  if (command.kind === 'read') command.into.set(collected);
  return undefined;
}

function lengthOf(command: AccessCommand): number {
  if (command.kind === 'fill') return command.bytes;
  return (command.kind === 'read' ? command.into : command.from).length;
}
