import type { Random } from './random.js';

/** What a run happens on; chosen by its seed. */
export interface Config {
  /** Frames of the device. */
  readonly frames: number;
  /** Words of an area; a power of two. */
  readonly size: number;
  /** Areas: together four times as large as the device. */
  readonly areas: number;
  readonly addressBits: number;
  readonly faultBuffer: number;
  readonly residentUnits: number;
  readonly largestBuffer: number;
  readonly eviction: 'lru' | 'clock' | 'fifo';
  readonly prefetch: 'none' | 'next' | 'tree';
  readonly aging: number;
  readonly batch: number;
  /** Pages that host memory keeps to; the rest is in a swap store. 0: all stay. */
  readonly budget: number;
}

export const PAGE = 4096;
/** How many times the device's memory the data are. */
const TIMES = 4;

export function configFrom(random: Random): Config {
  const frames = random.pick([128, 256, 512, 700]);
  const areas = random.pick([6, 8, 12]);
  // The next power of two from four times the device's share of an area on.
  const size = 2 ** Math.ceil(Math.log2((TIMES * frames * PAGE) / 4 / areas));
  return {
    frames,
    size,
    areas,
    addressBits: random.pick([34, 34, 47]),
    faultBuffer: random.pick([1, 16, 1024]),
    residentUnits: random.pick([7, 256, 16_000]),
    largestBuffer: random.pick([2 ** 21, 2 ** 29]),
    eviction: random.pick(['lru', 'lru', 'clock', 'fifo']),
    prefetch: random.pick(['none', 'next', 'tree', 'tree']),
    aging: random.pick([0, 0, 1]),
    batch: random.pick([4, 256]),
    budget: random.chance(1, 3) ? Math.floor((areas * size * 4) / PAGE / 2) : 0,
  };
}
