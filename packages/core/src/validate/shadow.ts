import { PTE_WRITE } from '../driver/access.js';
import type { Submission } from './submission.js';

/** An entry of a device page table, as the commands so far make it. Pages and frames count in the device's smallest page size. */
export interface Entry {
  readonly mmu: number;
  readonly page: number;
  readonly frame: number;
  readonly access: number;
  /** Who made it so. */
  readonly by: Submission;
  /** A cached translation may have left it dirty, or it was writable at some time since it was mapped. */
  readonly mayBeDirty: boolean;
  /** An older translation with fewer rights may be cached, so a fault proves nothing. */
  readonly mayFault: boolean;
  /** Faults reported although it was there. */
  spurious: number;
}

/** A translation that is no longer in the table but may be cached until it is flushed. */
export interface Stale {
  readonly mmu: number;
  readonly page: number;
  readonly frame: number;
  readonly access: number;
  /** Who took it from the table. */
  readonly by: Submission;
  flushedBy: Submission | undefined;
}

/** What is known of a frame. */
export interface FrameState {
  entries: Entry[];
  stale: Stale[];
  /** Last `copyIn`. */
  writer: Submission | undefined;
  /** `copyOut`s since. */
  readers: Submission[];
}

/** One MMU's table. */
export interface Table {
  readonly mmu: number;
  readonly entries: Map<number, Entry>;
  readonly stale: Map<number, Stale[]>;
  /** Pages that a failed submission may or may not have changed. */
  readonly unknown: Set<number>;
}

/** Undoes what was noted for a submission that is then refused; run in reverse order. */
export type Undo = (() => void)[];

/** The page tables and frames of a device in submission order: bounded by what is mapped or was not reused yet. */
export class Shadow {
  readonly tables = new Map<number, Table>();
  private readonly frames = new Map<number, FrameState>();

  open(mmu: number): void {
    this.tables.set(mmu, { mmu, entries: new Map(), stale: new Map(), unknown: new Set() });
  }

  /** Forgets an MMU: its table and every cached translation are gone. */
  close(mmu: number): void {
    this.tables.delete(mmu);
    for (const [frame, state] of this.frames) {
      state.entries = state.entries.filter((entry) => entry.mmu !== mmu);
      state.stale = state.stale.filter((stale) => stale.mmu !== mmu);
      if (idle(state)) this.frames.delete(frame);
    }
  }

  frame(frame: number): FrameState {
    let state = this.frames.get(frame);
    if (state === undefined) {
      state = { entries: [], stale: [], writer: undefined, readers: [] };
      this.frames.set(frame, state);
    }
    return state;
  }

  /** Puts `entry` (or nothing) where `page` was mapped. What was there may stay cached, and so becomes stale, unless it is the same. */
  replace(
    table: Table,
    page: number,
    entry: Omit<Entry, 'mayBeDirty' | 'mayFault' | 'spurious'> | undefined,
    by: Submission,
    undo: Undo,
  ): void {
    const old = table.entries.get(page);
    const unflushed = (table.stale.get(page) ?? []).filter((stale) => stale.flushedBy === undefined);
    const kept = old !== undefined && entry !== undefined && old.frame === entry.frame;
    if (old !== undefined) {
      this.drop(table, old, undo);
      if (!kept || old.access !== entry.access) this.addStale(table, old, by, undo);
    }
    if (table.unknown.delete(page)) undo.push(() => table.unknown.add(page));
    if (entry === undefined) return;
    const cached = old === undefined ? unflushed : [...unflushed, old];
    const made: Entry = {
      ...entry,
      mayBeDirty: (entry.access & PTE_WRITE) !== 0 || cached.some((one) => (one.access & PTE_WRITE) !== 0),
      mayFault: cached.some((one) => (entry.access & ~one.access) !== 0),
      spurious: 0,
    };
    table.entries.set(page, made);
    const state = this.frame(entry.frame);
    state.entries.push(made);
    undo.push(() => {
      table.entries.delete(page);
      state.entries = state.entries.filter((other) => other !== made);
    });
  }

  /** Notes that cached translations of these pages (all, when absent) are gone once `by` ran. Returns them. */
  flush(table: Table, pages: Iterable<number> | undefined, by: Submission, undo: Undo): Stale[] {
    const flushed: Stale[] = [];
    for (const page of pages ?? [...table.stale.keys()]) {
      const stales = table.stale.get(page) ?? [];
      const ordered = stales.filter((stale) => by.follows(stale.by));
      const rest = stales.filter((stale) => !by.follows(stale.by));
      if (ordered.length === 0) continue;
      for (const stale of ordered) {
        const before = stale.flushedBy;
        stale.flushedBy = by;
        undo.push(() => (stale.flushedBy = before));
        flushed.push(stale);
      }
      if (rest.length === 0) table.stale.delete(page);
      else table.stale.set(page, rest);
      undo.push(() => table.stale.set(page, stales));
    }
    return flushed;
  }

  /** Takes a page's entry, if any, for possibly there and possibly not. */
  doubt(table: Table, page: number, by: Submission): void {
    const entry = table.entries.get(page);
    if (entry !== undefined && entry.by !== by) return;
    if (entry !== undefined) {
      this.drop(table, entry, []);
      this.addStale(table, entry, by, []);
    }
    table.unknown.add(page);
  }

  /** Takes back that a translation was flushed. */
  unflush(stale: Stale, by: Submission): void {
    const table = this.tables.get(stale.mmu);
    if (table === undefined || stale.flushedBy !== by) return;
    stale.flushedBy = undefined;
    table.stale.set(stale.page, [...(table.stale.get(stale.page) ?? []), stale]);
  }

  private drop(table: Table, entry: Entry, undo: Undo): void {
    const state = this.frame(entry.frame);
    table.entries.delete(entry.page);
    state.entries = state.entries.filter((other) => other !== entry);
    undo.push(() => {
      table.entries.set(entry.page, entry);
      state.entries.push(entry);
    });
  }

  private addStale(table: Table, old: Entry, by: Submission, undo: Undo): void {
    const { mmu, page, frame, access } = old;
    const stale: Stale = { mmu, page, frame, access, by, flushedBy: undefined };
    const state = this.frame(frame);
    const before = table.stale.get(page);
    state.stale.push(stale);
    table.stale.set(page, [...(before ?? []), stale]);
    undo.push(() => {
      state.stale = state.stale.filter((other) => other !== stale);
      if (before === undefined) table.stale.delete(page);
      else table.stale.set(page, before);
    });
  }
}

function idle(state: FrameState): boolean {
  return (
    state.entries.length === 0 && state.stale.length === 0 && state.writer === undefined && state.readers.length === 0
  );
}
