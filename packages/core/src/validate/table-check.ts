import type {
  Command,
  CopyInCommand,
  CopyOutCommand,
  DiscardCommand,
  FlushTlbCommand,
  MapCommand,
  PageList,
  ProtectCommand,
} from '../driver/command.js';
import { FrameCheck } from './frame-check.js';
import type { Reporter } from './report.js';
import type { Shadow, Stale, Table, Undo } from './shadow.js';
import type { Submission } from './submission.js';

/** What a submission does to tables and frames; counted in the smallest page size. */
export interface Effects {
  readonly touched: { readonly table: Table; readonly page: number }[];
  readonly flushed: Stale[];
  /** Frames that got new contents or a new entry. */
  readonly used: Set<number>;
  /** Frames whose contents no longer matter. */
  readonly discarded: Set<number>;
}

/** Follows what commands do to page tables and frames, in submission order. */
export class TableCheck {
  private readonly shadow: Shadow;
  private readonly reporter: Reporter;
  private readonly frames: FrameCheck;
  private readonly unit: number;

  /** `unit`: the device's smallest page size in bytes. */
  constructor(shadow: Shadow, reporter: Reporter, unit: number) {
    this.shadow = shadow;
    this.reporter = reporter;
    this.frames = new FrameCheck(shadow, reporter);
    this.unit = unit;
  }

  /**
   * Notes one command of a submission.
   * @throws MirrorError `CONTRACT_VIOLATION`; run `undo` backwards then
   */
  command(command: Command, where: string, by: Submission, effects: Effects, undo: Undo): void {
    switch (command.kind) {
      case 'map':
        return this.map(command, where, by, effects, undo);
      case 'unmap':
        for (const [table, page] of this.pages(command)) {
          this.change(table, page, where, by, effects);
          this.shadow.replace(table, page, undefined, by, undo);
        }
        return;
      case 'protect':
        return this.protect(command, where, by, effects, undo);
      case 'flushTlb':
        return this.flush(command, by, effects, undo);
      case 'copyIn':
      case 'copyOut':
      case 'discard':
        return this.copy(command, where, by, effects, undo);
      default:
        return;
    }
  }

  /** A submission failed, and how far it came is not known: neither is what it was to do. */
  failed(by: Submission, effects: Effects): void {
    for (const { table, page } of effects.touched) this.shadow.doubt(table, page, by);
    for (const stale of effects.flushed) this.shadow.unflush(stale, by);
    for (const frame of effects.used) {
      const state = this.shadow.frame(frame);
      if (state.writer === by) state.writer = undefined;
    }
  }

  /** Pages of a list in the smallest size, with the index they have in the list. Nothing for an MMU that is gone. */
  *pages(
    list: PageList | (FlushTlbCommand & { readonly pages: Float64Array }),
  ): Iterable<[table: Table, page: number, index: number, part: number]> {
    const table = this.shadow.tables.get(list.mmu);
    if (table === undefined) return;
    const parts = (list.pageSize ?? this.unit) / this.unit;
    for (let index = 0; index < (list.count ?? list.pages.length); index++) {
      const first = (list.pages[index] ?? 0) * parts;
      for (let part = 0; part < parts; part++) yield [table, first + part, index, part];
    }
  }

  private map(command: MapCommand, where: string, by: Submission, effects: Effects, undo: Undo): void {
    const parts = command.pageSize / this.unit;
    for (const [table, page, index, part] of this.pages(command)) {
      const frame = (command.frames[index] ?? 0) * parts + part;
      const access = command.access[index] ?? 0;
      this.change(table, page, where, by, effects);
      this.frames.claim(frame, table, page, access, where, by);
      this.shadow.replace(table, page, { mmu: table.mmu, page, frame, access, by }, by, undo);
      effects.used.add(frame);
    }
  }

  private protect(command: ProtectCommand, where: string, by: Submission, effects: Effects, undo: Undo): void {
    for (const [table, page, index] of this.pages(command)) {
      const old = table.entries.get(page);
      const access = command.access[index] ?? 0;
      if (old === undefined) continue;
      this.change(table, page, where, by, effects);
      if (old.access === access) continue;
      this.shadow.replace(table, page, { mmu: old.mmu, page, frame: old.frame, access, by }, by, undo);
    }
  }

  private flush(command: FlushTlbCommand, by: Submission, effects: Effects, undo: Undo): void {
    const table = this.shadow.tables.get(command.mmu);
    if (table === undefined) return;
    const { pages } = command;
    const listed = pages === undefined ? undefined : Array.from(this.pages({ ...command, pages }), ([, page]) => page);
    for (const stale of this.shadow.flush(table, listed, by, undo)) effects.flushed.push(stale);
  }

  private copy(
    command: CopyInCommand | CopyOutCommand | DiscardCommand,
    where: string,
    by: Submission,
    effects: Effects,
    undo: Undo,
  ): void {
    const parts = command.pageSize / this.unit;
    const into = command.kind !== 'copyOut';
    const discard = command.kind === 'discard';
    for (let at = 0; at < command.count * parts; at++) {
      const frame = (command.frames[Math.floor(at / parts)] ?? 0) * parts + (at % parts);
      const state = this.shadow.frame(frame);
      const { writer, readers } = state;
      // What is discarded may be torn.
      if (!discard) this.frames.quiet(frame, into, where, by);
      this.frames.ordered(writer, frame, where, by);
      if (into) {
        for (const reader of readers) this.frames.ordered(reader, frame, where, by);
        state.writer = by;
        state.readers = [];
        effects.used.add(frame);
        if (discard) effects.discarded.add(frame);
        else effects.discarded.delete(frame);
      } else {
        state.readers = [...readers.filter((reader) => !by.follows(reader)), by];
      }
      undo.push(() => {
        state.writer = writer;
        state.readers = readers;
      });
    }
  }

  /** Changes of one entry must be ordered among each other. */
  private change(table: Table, page: number, where: string, by: Submission, effects: Effects): void {
    const earlier = table.entries.get(page)?.by;
    effects.touched.push({ table, page });
    if (earlier === undefined || by.follows(earlier)) return;
    this.reporter.refuse(
      'order',
      `${where} changes page ${page} of MMU ${table.mmu} while ${earlier}, which changes it too, may run at the same time. ` +
        'Pass its fence in `after`, or use one queue',
    );
  }
}
