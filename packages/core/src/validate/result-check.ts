import { BIT_ACCESSED, BIT_DIRTY } from '../driver/access.js';
import type { Command, HarvestCommand, ProtectCommand, UnmapCommand } from '../driver/command.js';
import type { Reporter } from './report.js';
import type { Submission } from './submission.js';
import type { TableCheck } from './table-check.js';
import type { Timelines } from './timelines.js';

const ANY_BITS = BIT_ACCESSED | BIT_DIRTY;

type Array = Uint8Array | Uint32Array | Float64Array;

/** Checks what commands leave behind: bits, read data, and the arrays that were lent to the device. */
export class ResultCheck {
  private readonly reporter: Reporter;
  private readonly timelines: Timelines;
  private readonly tables: TableCheck;
  private readonly deep: boolean;

  constructor(reporter: Reporter, timelines: Timelines, tables: TableCheck, deep: boolean) {
    this.reporter = reporter;
    this.timelines = timelines;
    this.tables = tables;
    this.deep = deep;
  }

  /** Prepares the checks of one command, before it takes effect in the shadow tables. `last`: nothing runs after it. */
  command(command: Command, where: string, by: Submission, last: boolean): void {
    for (const [name, array, count] of inputs(command)) this.watch(name, array, count, where, by);
    switch (command.kind) {
      case 'unmap':
      case 'protect':
      case 'harvest':
        if (command.bits !== undefined) this.bits(command, command.bits, where, by);
        return;
      case 'read':
        if (last) this.untouched('into', command.into, where, by);
        return;
      case 'atomicAdd':
        if (last) this.untouched('previous', command.previous, where, by);
        return;
      default:
        return;
    }
  }

  private bits(
    command: UnmapCommand | ProtectCommand | HarvestCommand,
    bits: Uint8Array,
    where: string,
    by: Submission,
  ): void {
    const allowed = new Uint8Array(command.count);
    for (const [table, page, index] of this.tables.pages(command)) {
      const entry = table.entries.get(page);
      let here = 0;
      if (table.unknown.has(page) || (entry !== undefined && !by.follows(entry.by))) here = ANY_BITS;
      else if (entry !== undefined) here = entry.mayBeDirty ? ANY_BITS : BIT_ACCESSED;
      allowed[index] = (allowed[index] ?? 0) | here;
    }
    const { failures } = this.timelines;
    by.checks.push((signaled) => {
      if (!signaled || failures !== this.timelines.failures) return;
      const wrong = allowed.findIndex((mask, index) => ((bits[index] ?? 0) & ~mask) !== 0);
      if (wrong < 0) return;
      const page = command.pages[wrong] ?? 0;
      const was = allowed[wrong] === 0 ? 'absent' : 'read-only';
      this.reporter.report(
        'backend',
        'bits',
        `${where} reports bits ${bits[wrong]} for page ${page} of MMU ${command.mmu}, whose entry is ${was}. ` +
          'Absent entries give 0, and only writable ones BIT_DIRTY',
      );
    });
  }

  private untouched(name: string, array: Uint8Array | Uint32Array, where: string, by: Submission): void {
    const before = array.slice();
    by.checks.push((signaled, error) => {
      if (signaled || same(array, before, before.length)) return;
      this.reporter.report(
        'backend',
        'result',
        `${where} failed with ${error?.code} and yet wrote \`${name}\`. A failed access returns no data: write it only when all of it succeeded`,
      );
    });
  }

  /** Cheaply, the first and last elements of a lent array; in deep mode all of them. */
  private watch(name: string, array: Array, count: number, where: string, by: Submission): void {
    if (count === 0) return;
    const whole = this.deep ? array.slice(0, count) : undefined;
    const [first, last] = [array[0], array[count - 1]];
    by.checks.push(() => {
      const kept = whole === undefined ? array[0] === first && array[count - 1] === last : same(array, whole, count);
      if (kept) return;
      this.reporter.report(
        'core/caller',
        'array',
        `\`${name}\` of ${where} changed before its fence settled. Arrays belong to the command until then: use another one, or wait`,
      );
    });
  }
}

function same(array: Array, before: Array, count: number): boolean {
  if (array.length < count) return false;
  for (let i = 0; i < count; i++) if (array[i] !== before[i]) return false;
  return true;
}

function* inputs(command: Command): Iterable<[name: string, array: Array, count: number]> {
  if ('pages' in command && command.pages !== undefined) yield ['pages', command.pages, command.count ?? 0];
  if ('frames' in command) yield ['frames', command.frames, command.count];
  if ('access' in command) yield ['access', command.access, command.count];
  if ('hostFrames' in command) yield ['hostFrames', command.hostFrames, command.count];
  if ('reasons' in command) yield ['reasons', command.reasons, command.count];
  if ('from' in command) yield ['from', command.from, command.from.length];
}
