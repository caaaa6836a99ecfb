import {
  agree,
  agreeOnBytes,
  agreeOnCount,
  hasAliases,
  pattern,
  type Place,
  type Scene,
  type Span,
  spanOf,
} from './scene.js';
import { outcomeOf } from './world.js';

/** The CPU reads, writes, discards, writes back, or waits for devices to know. */
export interface CpuOperation {
  readonly kind: 'cpuRead' | 'cpuWrite' | 'dontNeed' | 'sync' | 'flush';
  readonly place: Place;
  readonly seed: number;
}

/** The CPU holds a range and, if it may, writes into it. */
export interface HoldOperation {
  readonly kind: 'hold';
  readonly place: Place;
  readonly mode: 'read' | 'write';
  readonly discard: boolean;
  readonly seed: number;
}

export async function cpu(scene: Scene, op: CpuOperation): Promise<void> {
  const { member, plain, start, bytes } = spanOf(scene, op.place);
  const { space } = member;
  const range = plain.widen(start, bytes);
  if (op.kind === 'cpuRead') {
    const data = agree(
      'read',
      await outcomeOf(() => space.read(start, bytes)),
      plain.refused(range.start, range.end, false)?.code,
    );
    if (data !== undefined) agreeOnBytes('read', start, data, plain.read(start, bytes));
  } else if (op.kind === 'cpuWrite') {
    const data = pattern(op.seed, bytes);
    const refused = plain.refused(range.start, range.end, true);
    // Where host memory has a budget the range is claimed in parts: whether a copy is made before what it is a copy of is written is open.
    const inParts = scene.world.config.budget !== undefined;
    if (inParts && refused === undefined && copiesWhatItWrites({ plain, start, bytes })) return;
    agree('write', await outcomeOf(() => space.write(start, data)), refused?.code);
    if (refused !== undefined) return;
    plain.claim(start, bytes);
    plain.write(start, data);
  } else if (op.kind === 'dontNeed') {
    const hole = plain.hole(range.start, range.end);
    agree('dontNeed', await outcomeOf(() => space.dontNeed(start, bytes)), hole);
    if (hole === undefined) plain.discard(range.start, range.end);
  } else if (op.kind === 'sync') {
    const hole = plain.hole(range.start, range.end);
    const written = agree('sync', await outcomeOf(() => space.sync(start, bytes)), hole);
    if (written === undefined) return;
    agreeOnCount('sync', written, (range.end - range.start) / plain.pageSize);
    checkSynced(scene, { plain, start, bytes });
  } else await space.flush();
}

/** Whether a write goes to a page through a shared mapping, and through a private one that has no copy of it yet. */
function copiesWhatItWrites({ plain, start, bytes }: Omit<Span, 'member'>): boolean {
  const range = plain.widen(start, bytes);
  const cells = (shared: boolean) =>
    plain.overlapping(range.start, range.end).flatMap((region) => {
      if (region.shared !== shared || region.object === undefined) return [];
      const from = Math.max(range.start, region.start);
      const count = (Math.min(range.end, region.end) - from) / plain.pageSize;
      return Array.from({ length: count }, (_, i) => plain.page(from + i * plain.pageSize, false));
    });
  const written = new Set(cells(true));
  return cells(false).some((cell) => written.has(cell));
}

export async function hold(scene: Scene, op: HoldOperation): Promise<void> {
  const { member, plain, start, bytes } = spanOf(scene, op.place);
  const range = plain.widen(start, bytes);
  const write = op.mode === 'write';
  const span = range.end - range.start;
  const pages = Array.from({ length: span / plain.pageSize }, (_, i) => range.start + i * plain.pageSize);
  // A page that is held twice is copied twice: which copy wins is open.
  if (write && hasAliases({ plain }, pages)) return;
  const outcome = await outcomeOf(() => member.space.acquire(start, bytes, op.mode, { discard: op.discard }));
  const held = agree('acquire', outcome, plain.refused(range.start, range.end, write)?.code);
  if (held === undefined) return;
  if (write) plain.claim(start, bytes);
  if (write && op.discard) {
    for (let at = range.start; at < range.end; at += plain.pageSize)
      if (at >= start && at + plain.pageSize <= start + bytes) plain.page(at, true).fill(0);
  }
  agreeOnBytes('acquire', start, held.bytes, plain.read(start, bytes));
  if (write) {
    const data = pattern(op.seed, Math.ceil(bytes / 2));
    held.bytes.set(data);
    plain.write(start, data);
  }
  held.release();
  agree('second release', await outcomeOf(() => held.release()), 'CLOSED');
}

/** What a sync covered must be in the file. */
export function checkSynced(scene: Scene, { plain, start, bytes }: Omit<Span, 'member'>): void {
  const range = plain.widen(start, bytes);
  for (const region of plain.overlapping(range.start, range.end)) {
    const { object, shared } = region;
    if (object === undefined || object.file < 0 || !shared) continue;
    const first = region.objectPage * plain.pageSize - region.start;
    const from = Math.max(range.start, region.start) + first;
    const to = Math.min(range.end, region.end) + first;
    scene.world.checkFile(object.file, from, Math.min(to, object.size));
  }
}
