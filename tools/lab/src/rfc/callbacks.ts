import { createSpace, type QueuePolicyName } from '@mirrorspace/core';
import { idle, openDevice, PAGE } from './device.js';
import { type Quartiles, quartilesOf } from './quartiles.js';
import { seeded, shuffled } from './random.js';

/** Pages a callback invalidates, so that reading the clock is little beside it. */
const PAGES = 16;
/** Callbacks of a sample, whose median counts. */
const CALLBACKS = 64;
/** Samples of each case before the first that counts. */
const WARM_UP = 10;

/** What the device has to do, and whether it has the pages, when callbacks are timed. */
export interface CallbackCase {
  readonly placement: QueuePolicyName;
  /** Launches that stand in the user's queue. */
  readonly front: number;
  /** Whether the device has the pages: if not, the callback has nothing to mark, and looks at their flags only. */
  readonly mapped: boolean;
}

/** Wall nanoseconds of the synchronous callback for each page it invalidates. */
export interface CallbackRow {
  readonly situation: CallbackCase;
  readonly ns: Quartiles;
}

/** The cost with the most launches in front as a multiple of that with none, sample by sample. */
export interface CallbackRatio {
  readonly placement: QueuePolicyName;
  readonly front: number;
  readonly ratio: Quartiles;
}

export interface Callbacks {
  readonly samples: number;
  readonly rows: readonly CallbackRow[];
  readonly ratios: readonly CallbackRatio[];
}

/**
 * Times callbacks in every situation, in rounds: each round takes one sample of each, in an order that is drawn anew, so that no
 * situation gains by what is compiled or cached by then, and what slows the machine for a while slows all.
 */
export async function timeCallbacks(fronts: readonly number[], samples: number): Promise<Callbacks> {
  const situations: CallbackCase[] = (['paging', 'user'] as const).flatMap((placement) =>
    fronts.map((front) => ({ placement, front, mapped: true })),
  );
  situations.push({ placement: 'paging', front: 0, mapped: false });
  const sites = new Map<QueuePolicyName, Site>();
  for (const placement of ['paging', 'user'] as const) sites.set(placement, await Site.open(placement));
  const random = seeded(1);
  const found = new Map<CallbackCase, number[]>(situations.map((situation) => [situation, []]));
  for (let round = -WARM_UP; round < samples; round++) {
    for (const situation of shuffled(situations, random)) {
      const ns = await sites.get(situation.placement)!.sample(situation);
      if (round >= 0) found.get(situation)!.push(ns);
    }
  }
  for (const site of sites.values()) await site.close();
  const most = Math.max(...fronts);
  const of = (placement: QueuePolicyName, front: number) =>
    found.get(situations.find((one) => one.placement === placement && one.front === front && one.mapped)!)!;
  return {
    samples,
    rows: situations.map((situation) => ({ situation, ns: quartilesOf(found.get(situation)!) })),
    ratios: (['paging', 'user'] as const).map((placement) => {
      const none = of(placement, Math.min(...fronts));
      return { placement, front: most, ratio: quartilesOf(of(placement, most).map((ns, i) => ns / none[i]!)) };
    }),
  };
}

/** A device whose page table is told of changes, again and again. */
class Site {
  static async open(placement: QueuePolicyName): Promise<Site> {
    const { device } = await openDevice({ roundUs: 1 });
    const space = await createSpace();
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', updateQueue: placement });
    return new Site(device, space, mirror);
  }

  private readonly address: number;

  private constructor(
    private readonly device: Awaited<ReturnType<typeof openDevice>>['device'],
    private readonly space: Awaited<ReturnType<typeof createSpace>>,
    private readonly mirror: Awaited<ReturnType<Awaited<ReturnType<typeof createSpace>>['attach']>>,
  ) {
    this.address = space.map({ bytes: CALLBACKS * PAGES * PAGE }).address;
  }

  /** Nanoseconds a page: the median of some callbacks, all timed before the device gets its turn. */
  async sample({ front, mapped }: CallbackCase): Promise<number> {
    const { space, mirror, address } = this;
    if (mapped) await mirror.prefetch(address, CALLBACKS * PAGES * PAGE, { access: 'write' });
    else await space.dontNeed(address, CALLBACKS * PAGES * PAGE);
    const fences = Array.from({ length: front }, () => mirror.launch(idle));
    const times: number[] = [];
    for (let i = 0; i < CALLBACKS; i++) {
      const start = address + i * PAGES * PAGE;
      const before = process.hrtime.bigint();
      space.notifiers.begin('protection', start, start + PAGES * PAGE);
      const after = process.hrtime.bigint();
      space.notifiers.end();
      times.push(Number(after - before) / PAGES);
    }
    await space.flush();
    await fences.at(-1)?.wait();
    return quartilesOf(times).median;
  }

  async close(): Promise<void> {
    await this.space.close();
    await this.device.close();
  }
}
