import {
  type AddressSpace,
  type ByteSource,
  bytesSource,
  createSpace,
  memorySwap,
  type Mirror,
  type Region,
} from '@mirrorspace/core';
import { idle, openDevice, PAGE } from './device.js';

/** Pages that change, side by side. */
export const CHANGED = 256;
const BYTES = CHANGED * PAGE;
const ELSEWHERE = 2 ** 40;
/** Writes by which the pages come into being, the last one first. */
const BLOCKS = 16;

/** What the device has of the pages: copies to read, or pages that it owns and has written. */
export type Had = 'read' | 'written';

interface Place {
  readonly space: AddressSpace;
  readonly mirror: Mirror;
  /** Twice as large as what changes: its first half does. */
  readonly region: Region;
  readonly source: ByteSource;
}

/** A change of CPU page-table entries. */
interface Change {
  readonly name: string;
  /** The pages are a shared mapping of a file. */
  readonly file?: boolean;
  /** Pages that a device may write are no longer shared. */
  readonly readOnly?: boolean;
  /** What comes before and is not measured. */
  prepare?(place: Place): Promise<unknown>;
  /** Begins it and resolves when the devices obey. */
  run(place: Place): Promise<unknown>;
}

const CHANGES: readonly Change[] = [
  { name: 'unmap', run: ({ space, region }) => space.unmap(region.address, BYTES) },
  {
    name: 'map over a mapping',
    run({ space, region }) {
      space.map({ bytes: BYTES, address: region.address, fixed: true });
      return space.flush();
    },
  },
  { name: 'protect, read', run: ({ space, region }) => space.protect(region.address, BYTES, 'read') },
  { name: 'protect, none', run: ({ space, region }) => space.protect(region.address, BYTES, 'none') },
  { name: 'remap', run: ({ space, region }) => space.remap(region.address, BYTES, { address: ELSEWHERE }) },
  ...(['callback', 'unmap-flush'] as const).map((form): Change => ({
    name: `remapPages of private pages, ${form}`,
    run: ({ region }) => region.remapPages({ offset: 0, bytes: BYTES, from: BYTES, form }),
  })),
  ...(['callback', 'unmap-flush'] as const).map((form): Change => ({
    name: `remapPages of a file, ${form}`,
    file: true,
    run: ({ region }) => region.remapPages({ offset: 0, bytes: BYTES, from: BYTES, form }),
  })),
  { name: 'reclaim', run: ({ space }) => space.reclaim(BYTES) },
  { name: 'pageOut', run: ({ space, region }) => space.pageOut(region.address, BYTES) },
  {
    name: 'same-page merging',
    prepare: ({ space, region }) => space.advise(region.address, BYTES, { mergeable: true }),
    run: ({ space }) => space.merge(),
  },
  ...(['forbid', 'migrate', 'unmap'] as const).map((devicePages): Change => ({
    name: `host migration, ${devicePages}`,
    run: ({ space, region }) => space.relocate(region.address, BYTES, { devicePages }),
  })),
  { name: 'fork', run: ({ space }) => space.fork() },
  {
    name: 'copy on write, by the CPU',
    readOnly: true,
    prepare: ({ space }) => space.fork(),
    run: async ({ space, region }) => {
      await space.write(region.address, new Uint8Array(BYTES).fill(5));
      await space.flush();
    },
  },
  { name: 'truncation', file: true, run: ({ space, source }) => space.truncate(source, BYTES) },
  { name: 'dontNeed', run: ({ space, region }) => space.dontNeed(region.address, BYTES) },
  {
    name: 'written bits taken',
    run({ space, region }) {
      space.written(region.address, BYTES);
      return space.flush();
    },
  },
];

/** What a change of entries costs until devices obey. */
export interface ChangeRow {
  readonly change: string;
  readonly had: Had;
  /** Simulated microseconds until its promise resolved: with the device idle, and behind a launch that just began. */
  readonly idleUs: number;
  readonly behindUs: number;
  readonly submissions: number;
  readonly commands: number;
  /** Entries that the callback marked in the map of dirty PTEs. */
  readonly marked: number;
  readonly pagesHome: number;
}

/** Every kind of change, or those of some names, of pages that a device has. */
export async function timeChanges(names?: readonly string[]): Promise<ChangeRow[]> {
  const rows: ChangeRow[] = [];
  for (const change of CHANGES) {
    if (names?.includes(change.name) === false) continue;
    for (const had of change.readOnly === true ? (['read'] as const) : (['read', 'written'] as const)) {
      const { us: idleUs, ...counts } = await make(change, had, 0);
      const { us: behindUs } = await make(change, had, 1);
      rows.push({ change: change.name, had, idleUs, behindUs, ...counts });
    }
  }
  return rows;
}

async function make(change: Change, had: Had, front: number) {
  const { device, tally } = await openDevice({ hostTurns: 16 });
  const space = await createSpace({ reclaim: { swap: memorySwap(8 * BYTES) } });
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const source = elastic(2 * BYTES);
    const region = space.map({ bytes: 2 * BYTES, ...(change.file === true && { source, share: 'shared' as const }) });
    const place: Place = { space, mirror, region, source };
    // Pages are equal, so that there is something to merge, and lie the wrong way round in host memory, so that there is something to move.
    const block = new Uint8Array((2 * BYTES) / BLOCKS).fill(7);
    for (let at = BLOCKS - 1; at >= 0; at--) await space.write(region.address + at * block.length, block);
    await change.prepare?.(place);
    if (had === 'read') await mirror.prefetch(region.address, 2 * BYTES);
    else await mirror.fill(region.address, 2 * BYTES, 9);
    await mirror.launch(idle).wait();
    const { pagesOut } = mirror.stats;
    const last = Array.from({ length: front }, () => mirror.launch(idle)).at(-1);
    tally.clear();
    const { invalidated } = mirror.stats;
    const since = device.now();
    await change.run(place);
    const us = device.now() - since;
    const { submissions, commands } = tally;
    await last?.wait();
    return {
      us,
      submissions,
      commands,
      marked: mirror.stats.invalidated - invalidated,
      pagesHome: mirror.stats.pagesOut - pagesOut,
    };
  } finally {
    await space.close();
    await device.close();
  }
}

/** A file that can be made shorter. */
function elastic(bytes: number): ByteSource {
  const content = bytesSource(new Uint8Array(bytes));
  const source = {
    size: bytes,
    read: (offset: number, into: Uint8Array) => content.read(offset, into),
    write: (offset: number, from: Uint8Array) => content.write!(offset, from),
    truncate(size: number) {
      source.size = size;
    },
  };
  return source;
}
