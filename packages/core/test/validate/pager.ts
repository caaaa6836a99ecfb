import type { Command, Fence } from '../../src/driver/index.js';
import { BIT_DIRTY, createFaultBatch } from '../../src/driver/index.js';
import { copy, flush, list, map, PAGE, replay, type Rig, unmap } from './rig.js';

/**
 * The smallest correct pager: writable pages only, first in first out, everything of one batch in one submission. Host frame
 * `p` is the home of page `p`.
 */
export class Pager {
  readonly resident = new Map<number, number>();
  private readonly free: number[] = [];
  private readonly rig: Rig;
  private readonly batch = createFaultBatch(32);

  constructor(rig: Rig, frames: number) {
    this.rig = rig;
    for (let frame = frames - 1; frame >= 0; frame--) this.free.push(frame);
  }

  /** Serves faults until `work` settles. */
  async serve(work: Fence): Promise<void> {
    const { faults } = this.rig.device;
    let wake = (): void => {};
    faults.listen(() => wake());
    const done = work.wait({ timeoutMs: 5000 }).finally(() => wake());
    done.catch(() => {});
    while (!work.signaled && work.error === undefined) {
      if (faults.drain(this.batch) > 0) await this.round().wait({ timeoutMs: 5000 });
      else if (faults.pending === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
    faults.listen(null);
    await done;
  }

  /** Takes every page home in a submission of its own, and leaves the frames unused for a while. */
  async evictAll(): Promise<void> {
    const { rig } = this;
    const pages = [...this.resident.keys()];
    const frames = [...this.resident.values()];
    const bits = new Uint8Array(pages.length);
    this.resident.clear();
    this.free.push(...frames);
    const out = copy('copyOut', rig.host, pages, frames);
    await rig.paging.submit([unmap(rig.mmu, pages, bits), flush(rig.mmu), { ...out, when: bits } as Command]).wait();
  }

  private round(): Fence {
    const { rig, batch } = this;
    const wanted = [...new Set(batch.pages.subarray(0, batch.count))].filter((page) => !this.resident.has(page));
    const victims = [...this.resident.keys()].slice(0, Math.max(0, wanted.length - this.free.length));
    const taken = victims.map((page) => this.resident.get(page) ?? 0);
    const commands: Command[] = [];
    if (victims.length > 0) {
      const bits = new Uint8Array(victims.length);
      for (const page of victims) this.resident.delete(page);
      this.free.unshift(...taken);
      const out = copy('copyOut', rig.host, victims, taken);
      commands.push(unmap(rig.mmu, victims, bits), flush(rig.mmu, victims), { ...out, when: bits } as Command);
    }
    const served = wanted.slice(0, this.free.length);
    const frames = served.map((page) => {
      const frame = this.free.pop() ?? 0;
      this.resident.set(page, frame);
      return frame;
    });
    if (served.length > 0) commands.push(copy('copyIn', rig.host, served, frames), map(rig.mmu, served, frames));
    return rig.paging.submit([...commands, replay(rig.mmu)]);
  }
}

/** The harvest of some pages: which of them are dirty. */
export async function dirtyPages(rig: Rig, pages: readonly number[]): Promise<number[]> {
  const bits = new Uint8Array(pages.length);
  await rig.paging.submit([{ kind: 'harvest', ...list(rig.mmu, pages), bits }]).wait();
  return pages.filter((_, i) => ((bits[i] ?? 0) & BIT_DIRTY) !== 0);
}

/** The first word of a page's home. */
export function homeWord(rig: Rig, page: number): number {
  return new DataView(rig.host.bytes.buffer).getUint32(page * PAGE, true);
}
