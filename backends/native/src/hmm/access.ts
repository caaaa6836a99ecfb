import { accessBytes, type PlainAccess } from '@mirrorspace/core/driver';
import { HMM_PAGE } from './abi.js';
import type { HmmFile } from './requests.js';

/**
 * Does what a command says of virtual bytes. The device reads and writes whole pages. Of a page that is to be written in part, the part alone is
 * stored: to read the page, and write it whole, would undo what others store beside it meanwhile.
 */
export async function access(file: HmmFile, command: Exclude<PlainAccess, { kind: 'atomicAdd' }>): Promise<void> {
  const { address } = command;
  const end = address + accessBytes(command);
  if (command.kind === 'read') {
    const start = Math.floor(address / HMM_PAGE) * HMM_PAGE;
    const all = new Uint8Array(Math.ceil((end - start) / HMM_PAGE) * HMM_PAGE);
    if (end > address) await file.read(start, all.length / HMM_PAGE, (piece, page) => all.set(piece, page * HMM_PAGE));
    file.checkLive();
    command.into.set(all.subarray(address - start, end - start));
    return;
  }
  const bytes = (from: number, to: number) =>
    command.kind === 'fill'
      ? new Uint8Array(to - from).fill(command.value)
      : command.from.subarray(from - address, to - address);
  const first = Math.ceil(address / HMM_PAGE) * HMM_PAGE;
  const last = Math.floor(end / HMM_PAGE) * HMM_PAGE;
  if (address < Math.min(first, end)) await file.store(address, bytes(address, Math.min(first, end)));
  if (first < last)
    await file.write(first, (last - first) / HMM_PAGE, (piece, page) => {
      const from = first + page * HMM_PAGE;
      piece.set(bytes(from, from + piece.length));
    });
  if (last >= first && last < end) await file.store(last, bytes(last, end));
}
