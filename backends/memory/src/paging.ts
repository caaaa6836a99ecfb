import type {
  CopyInCommand,
  CopyOutCommand,
  DiscardCommand,
  FlushTlbCommand,
  HarvestCommand,
  HostFrames,
  MapCommand,
  ProtectCommand,
  UnmapCommand,
} from '@mirrorspace/core/driver';
import { BIT_DIRTY, MirrorError, PTE_READ, PTE_SHARED, PTE_WRITE, ZERO_FRAME } from '@mirrorspace/core/driver';
import { type FramePool, POISON } from './frames.js';
import type { Mmu } from './mmu.js';
import { ENTRY_ACCESSED, ENTRY_DIRTY, FRAME_SHIFT, NO_SLOT } from './table.js';

const ACCESS_BITS = PTE_READ | PTE_WRITE | PTE_SHARED;
/** Where what is read ahead goes: the engine leaves out a read whose result goes nowhere. */
const readAhead = new Uint32Array(1);
const HARVESTED = ENTRY_ACCESSED | ENTRY_DIRTY;

/** What paging commands act on. */
export interface PagingTarget {
  readonly name: string;
  readonly pool: FramePool;
  /** Fill discarded frames with POISON. */
  readonly poison: boolean;
}

export function map(target: PagingTarget, mmu: Mmu, command: MapCommand): void {
  const { pages, frames, access, count, pageSize } = command;
  if (mmu.table.hasOthers(pageSize)) refuseOverlap(target, mmu, command);
  const level = mmu.table.level(pageSize);
  readAhead[0] = level.readAhead(pages, count);
  for (let i = 0; i < count; i++) {
    const slot = level.ensureSlot(pages[i]!);
    const old = level.entries[slot]!;
    if (old === 0) level.count++;
    level.entries[slot] = (frames[i]! << FRAME_SHIFT) | access[i]!;
  }
}

/** What an access to a page that two entries of different sizes cover would reach is anybody's guess. */
function refuseOverlap(target: PagingTarget, mmu: Mmu, command: MapCommand): void {
  for (let i = 0; i < command.count; i++) {
    if (!mmu.table.overlaps(command.pages[i]!, command.pageSize)) continue;
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `map: an entry of another size covers part of page ${command.pages[i]} of ${command.pageSize} bytes on ${target.name}; unmap it first.`,
      { device: target.name, address: command.pages[i]! * command.pageSize },
    );
  }
}

export function unmap(mmu: Mmu, command: UnmapCommand): void {
  const { pages, count, pageSize, bits } = command;
  const level = mmu.table.level(pageSize);
  const { entries } = level;
  readAhead[0] = level.readAhead(pages, count);
  for (let i = 0; i < count; i++) {
    const slot = level.slotOf(pages[i]!);
    const entry = slot === NO_SLOT ? 0 : entries[slot]!;
    if (bits !== undefined) bits[i] = mmu.report(entry);
    if (entry === 0) continue;
    entries[slot] = 0;
    level.count--;
  }
}

export function protect(mmu: Mmu, command: ProtectCommand): void {
  const { pages, access, count, pageSize, bits } = command;
  const level = mmu.table.level(pageSize);
  const { entries } = level;
  const ratio = pageSize / mmu.pageBytes;
  const kept = bits === undefined ? ~ACCESS_BITS : ~(ACCESS_BITS | HARVESTED);
  for (let i = 0; i < count; i++) {
    const slot = level.slotOf(pages[i]!);
    const entry = slot === NO_SLOT ? 0 : entries[slot]!;
    if (bits !== undefined) bits[i] = mmu.report(entry);
    if (entry === 0) continue;
    entries[slot] = (entry & kept) | access[i]!;
    if (bits !== undefined) mmu.tlb.forgetBits(pages[i]! * ratio, ratio);
  }
}

export function harvest(mmu: Mmu, command: HarvestCommand): void {
  const { pages, count, pageSize, bits } = command;
  const level = mmu.table.level(pageSize);
  const { entries } = level;
  const ratio = pageSize / mmu.pageBytes;
  for (let i = 0; i < count; i++) {
    const slot = level.slotOf(pages[i]!);
    const entry = slot === NO_SLOT ? 0 : entries[slot]!;
    bits[i] = mmu.report(entry);
    if ((entry & HARVESTED) === 0) continue;
    entries[slot] = entry & ~HARVESTED;
    mmu.tlb.forgetBits(pages[i]! * ratio, ratio);
  }
}

export function flushTlb(mmu: Mmu, command: FlushTlbCommand): void {
  const { pages, count, pageSize } = command;
  const { tlb } = mmu;
  if (pages === undefined || count === undefined || pageSize === undefined) {
    tlb.flushAll();
    return;
  }
  const ratio = pageSize / mmu.pageBytes;
  for (let i = 0; i < count; i++) tlb.flush(pages[i]! * ratio, ratio);
}

export function copyIn(target: PagingTarget, command: CopyInCommand): void {
  const { frames, hostFrames, count, pageSize, host } = command;
  const { pool } = target;
  const ratio = pageSize / pool.frameBytes;
  for (let i = 0; i < count; i++) {
    // On its way while this page is copied.
    if (i + 1 < count) readAhead[0] = firstBytes(pool, host, frames[i + 1]! * ratio, hostFrames[i + 1]!);
    const frame = frames[i]! * ratio;
    const hostFrame = hostFrames[i]!;
    if (hostFrame === ZERO_FRAME) pool.fill(frame, 0, pageSize, 0);
    else {
      const from = host.offsetOf(hostFrame);
      const buffer = hostBytes(target, host, hostFrame, from);
      pool.writable(frame).u8.set(buffer.subarray(from, from + pageSize), pool.offsetOf(frame));
    }
  }
}

/** The first bytes of a frame and of what is to be copied there. */
function firstBytes(pool: FramePool, host: HostFrames, frame: number, hostFrame: number): number {
  const there = pool.slabs[frame >>> pool.slabShift]!.u8[pool.offsetOf(frame)]!;
  return hostFrame === ZERO_FRAME ? there : there | (host.bufferOf(hostFrame)?.[host.offsetOf(hostFrame)] ?? 0);
}

export function copyOut(target: PagingTarget, command: CopyOutCommand): void {
  const { frames, hostFrames, count, pageSize, host, when } = command;
  const { pool } = target;
  const ratio = pageSize / pool.frameBytes;
  for (let i = 0; i < count; i++) {
    if (when !== undefined && (when[i]! & BIT_DIRTY) === 0) continue;
    const frame = frames[i]! * ratio;
    const to = host.offsetOf(hostFrames[i]!);
    const buffer = hostBytes(target, host, hostFrames[i]!, to);
    const from = pool.offsetOf(frame);
    buffer.set(pool.slabs[frame >>> pool.slabShift]!.u8.subarray(from, from + pageSize), to);
  }
}

/** Nobody needs these frames' content: poisoned, so that a read of them shows, or without storage again where that is possible. */
export function discard(target: PagingTarget, command: DiscardCommand): void {
  const { frames, count, pageSize } = command;
  const ratio = pageSize / target.pool.frameBytes;
  for (let i = 0; i < count; i++) target.pool.fill(frames[i]! * ratio, 0, pageSize, target.poison ? POISON : 0);
}

/** The buffer that holds a host frame, after a look whether it really does. */
function hostBytes(target: PagingTarget, host: HostFrames, frame: number, offset: number): Uint8Array {
  const buffer = host.bufferOf(frame);
  if (buffer !== undefined && offset >= 0 && offset + host.pageSize <= buffer.length) return buffer;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `Host frame ${frame} has no ${host.pageSize} bytes at offset ${offset} of its buffer.`,
    {
      device: target.name,
    },
  );
}
