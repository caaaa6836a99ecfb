import { BIT_DIRTY, type Command, type HostFrames } from '../driver/index.js';
import { PageMoves } from './page-moves.js';

/** The changes that one submission makes in one mirror, collected synchronously and then sent as commands. */
export class PagingBatch {
  /** Entries that are removed; nothing comes home by them. */
  readonly drop = new PageMoves();
  /** Copies that leave and that nobody asked for: entry removed, and its bits say whether anybody used it. */
  readonly look = new PageMoves();
  /** Owned pages that leave: entry removed, content home if it is dirty. */
  readonly leave = new PageMoves();
  /** Owned pages that stay readable: entry made read-only, content home if it is dirty. */
  readonly clean = new PageMoves();
  /** Owned pages that come home whatever the bits say; their entries are in `drop`. */
  readonly force = new PageMoves();
  /** Pages that are copied in. */
  readonly copies = new PageMoves();
  /** Entries that are made. */
  readonly maps = new PageMoves();
  /** Entries that replaced others: what is cached of the old ones goes. */
  readonly refresh = new PageMoves();
  /** Faults that are cancelled; codes are reasons. */
  readonly cancels = new PageMoves();
  /** Pages whose content came home, once the departures are settled. */
  home = 0;
  /** Stalled accesses try again. */
  replay = false;

  /** Whether it does nothing but remove entries of which nothing comes home. */
  get isDropOnly(): boolean {
    const { look, leave, clean, force, copies, maps, refresh, cancels } = this;
    const others = [look, leave, clean, force, copies, maps, refresh, cancels];
    return !this.replay && others.every((list) => list.length === 0);
  }

  /** Forgets everything and keeps the room. */
  clear(): void {
    for (const list of [
      this.drop,
      this.look,
      this.leave,
      this.clean,
      this.force,
      this.copies,
      this.maps,
      this.refresh,
      this.cancels,
    ])
      list.clear();
    this.home = 0;
    this.replay = false;
  }
}

/** What the commands of a batch need to know. */
export interface BatchTarget {
  readonly mmu: number;
  readonly pageSize: number;
  readonly host: HostFrames;
  /** Most pages a command. */
  readonly limit: number;
}

/** Appends the commands by which the device loses its entries, in its table and then in its TLB (R1). */
export function takeEntries(batch: PagingBatch, target: BatchTarget, out: Command[]): void {
  // The device puts bits where `bringHome` looks for them.
  batch.leave.reserve(batch.leave.length + batch.force.length);
  chunks(batch.drop, target, (part) => out.push({ kind: 'unmap', ...listOf(part, target) }));
  for (const list of [batch.look, batch.leave])
    chunks(list, target, (part) => out.push({ kind: 'unmap', ...listOf(part, target), bits: part.bits }));
  chunks(batch.clean, target, (part) =>
    out.push({ kind: 'protect', ...listOf(part, target), access: part.codes, bits: part.bits }),
  );
  for (const list of [batch.drop, batch.look, batch.leave, batch.clean]) {
    chunks(list, target, (part) => out.push({ kind: 'flushTlb', ...listOf(part, target) }));
  }
}

/** Appends the commands that bring contents home. A page may have lost entries in several mirrors: those of all batches come first. */
export function bringHome(batch: PagingBatch, target: BatchTarget, out: Command[]): void {
  const { host, pageSize } = target;
  const { leave, force, clean } = batch;
  const copyIfDirty = ({ count, frames, hosts, bits }: Part) =>
    void out.push({ kind: 'copyOut', pageSize, count, host, frames, hostFrames: hosts, when: bits });
  if (leave.length > 0) {
    // Together, so that neighbours come home in one transfer.
    leave.writeBehind(force, BIT_DIRTY);
    chunks(leave, target, copyIfDirty, leave.length + force.length);
  } else {
    chunks(force, target, ({ count, frames, hosts }) =>
      out.push({ kind: 'copyOut', pageSize, count, host, frames, hostFrames: hosts }),
    );
  }
  chunks(clean, target, copyIfDirty);
}

/** Appends the commands that bring pages to the device and let stalled accesses go on. */
export function bringIn(batch: PagingBatch, target: BatchTarget, window: number | undefined, out: Command[]): void {
  const { host, pageSize, mmu } = target;
  chunks(batch.copies, target, ({ count, frames, hosts }) =>
    out.push({ kind: 'copyIn', pageSize, count, host, hostFrames: hosts, frames }),
  );
  chunks(batch.maps, target, (part) =>
    out.push({ kind: 'map', ...listOf(part, target), frames: part.frames, access: part.codes }),
  );
  chunks(batch.refresh, target, (part) => out.push({ kind: 'flushTlb', ...listOf(part, target) }));
  chunks(batch.cancels, target, (part) =>
    out.push({ kind: 'cancelFaults', ...listOf(part, target), reasons: part.codes }),
  );
  if (batch.replay)
    out.push(window === undefined ? { kind: 'replayFaults', mmu } : { kind: 'replayFaults', mmu, window });
}

interface Part {
  readonly count: number;
  readonly pages: Float64Array;
  readonly frames: Uint32Array;
  readonly hosts: Uint32Array;
  readonly codes: Uint8Array;
  readonly bits: Uint8Array;
}

function listOf(
  part: Part,
  target: BatchTarget,
): { mmu: number; pageSize: number; count: number; pages: Float64Array } {
  return { mmu: target.mmu, pageSize: target.pageSize, count: part.count, pages: part.pages };
}

/** Hands a list on in parts that a command can hold: almost always the whole list, without a copy. */
function chunks(list: PageMoves, target: BatchTarget, use: (part: Part) => void, length = list.length): void {
  const { pages, frames, hosts, codes, bits } = list;
  if (length === 0) return;
  if (length <= target.limit) {
    use({ count: length, pages, frames, hosts, codes, bits });
    return;
  }
  for (let from = 0; from < length; from += target.limit) {
    const to = Math.min(length, from + target.limit);
    use({
      count: to - from,
      pages: pages.subarray(from, to),
      frames: frames.subarray(from, to),
      hosts: hosts.subarray(from, to),
      codes: codes.subarray(from, to),
      bits: bits.subarray(from, to),
    });
  }
}
