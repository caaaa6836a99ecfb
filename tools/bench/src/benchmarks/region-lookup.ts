import { type AddressSpace, createSpace, type Region } from '@mirrorspace/core';
import BTreeModule from 'sorted-btree';
import type { Benchmark } from '../harness/benchmark.js';
import { compare, type Comparison, type Side } from '../harness/pair.js';
import { permutation, randomFrom } from '../harness/random.js';
import { atMost, type Row, row } from '../harness/row.js';

// The package is CommonJS with `default` among its exports.
const { default: BTree } = BTreeModule;
type Tree = InstanceType<typeof BTree<number, Region>>;

const PAGE = 4096;
const LOOKUPS = 1 << 14;
const SPLITS = 500;

/**
 * `space.regionAt` of random addresses, and the splitting of regions, against a B-tree from start to region. Both answer
 * whether the region found holds the address. A split moves the end of a region and adds another behind; the peer does the
 * same to the same objects. Joining them again is not measured.
 */
export const regionLookup: Benchmark = {
  id: 'region-lookup',
  title: 'region lookup and split against sorted-btree at 1,000, 100,000 and 1 million regions',
  async run({ quick }) {
    const rows: Row[] = [];
    for (const count of quick ? [1000, 100_000] : [1000, 100_000, 1_000_000])
      rows.push(...(await runCase(count, quick)));
    return rows;
  },
};

async function runCase(count: number, quick: boolean): Promise<Row[]> {
  const space = await createSpace();
  const tree: Tree = new BTree<number, Region>();
  // In random order, as regions come and go in life; built in ascending order, both would be full to the brim.
  const order = permutation(count, 7);
  const regions = new Array<Region>(count);
  for (const i of order) {
    const region = mapAt(space, i);
    regions[i] = region;
    tree.set(region.start, region);
  }
  const addresses = addressesIn(count);
  const rounds = quick ? 12 : 60;
  const lookups = await compare(bySpace(space, addresses), byTree(tree, addresses), {
    rounds,
    warmup: 16,
    units: LOOKUPS,
  });
  const elsewhere = await createSpace();
  const spare = Array.from({ length: SPLITS }, (_, i) => mapAt(elsewhere, i));
  const splits = await compare(splitting(indexOf(space), regions, spare), splitting(treeIndex(tree), regions, spare), {
    rounds,
    warmup: 16,
    units: SPLITS,
  });
  const many = `${count.toLocaleString('en')} regions`;
  return [toRow(`lookup among ${many}`, 0.5, lookups), toRow(`split among ${many}`, 1, splits)];
}

function toRow(name: string, target: number, { ratio, subjectNs, peerNs }: Comparison): Row {
  const value = { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] } as const;
  return row(name, value, atMost(target), { 'mirrorspace ns': subjectNs, 'sorted-btree ns': peerNs });
}

/** The `i`-th region: four pages with a page of nothing behind. */
function mapAt(space: AddressSpace, i: number): Region {
  return space.map({ bytes: 4 * PAGE, address: (i + 16) * 5 * PAGE, fixed: true, name: 'region' });
}

function addressesIn(count: number): Float64Array {
  const random = randomFrom(8);
  const span = count * 5 * PAGE;
  return Float64Array.from({ length: 1 << 18 }, () => 16 * 5 * PAGE + Math.floor((random() / 2 ** 32) * span));
}

function bySpace(space: AddressSpace, addresses: Float64Array): Side {
  let next = 0;
  let found = 0;
  return {
    run() {
      for (let i = 0; i < LOOKUPS; i++) if (space.regionAt(addresses[next + i]!) !== undefined) found++;
      next = (next + LOOKUPS) % addresses.length;
      if (found < 0) throw new Error('the count is used');
    },
  };
}

function byTree(tree: Tree, addresses: Float64Array): Side {
  let next = 0;
  let found = 0;
  // Reused, as the library offers, so that a lookup allocates nothing.
  const pair = tree.getPairOrNextLower(Infinity);
  return {
    run() {
      for (let i = 0; i < LOOKUPS; i++) {
        const address = addresses[next + i]!;
        const hit = tree.getPairOrNextLower(address, pair);
        if (hit !== undefined && address < hit[1].end) found++;
      }
      next = (next + LOOKUPS) % addresses.length;
      if (found < 0) throw new Error('the count is used');
    },
  };
}

/** What a split needs of an index of regions. */
interface Index {
  /** Moves the end of a region. */
  cut(region: Region, end: number): void;
  add(region: Region): void;
  remove(region: Region): void;
}

function indexOf(space: AddressSpace): Index {
  const { regions } = space.state;
  return {
    cut: (region, end) => regions.resize(region, region.start, end),
    add: (region) => regions.insert(region),
    remove: (region) => regions.remove(region),
  };
}

function treeIndex(tree: Tree): Index {
  return {
    cut: (region, end) => {
      region.end = end;
    },
    add: (region) => void tree.set(region.start, region),
    remove: (region) => void tree.delete(region.start),
  };
}

function splitting(index: Index, regions: readonly Region[], spare: readonly Region[]): Side {
  const order = permutation(regions.length, 9);
  let first = 0;
  return {
    run() {
      for (let i = 0; i < SPLITS; i++) {
        const low = regions[order[first + i]!]!;
        const high = spare[i]!;
        const { end } = low;
        const middle = low.start + 2 * PAGE;
        index.cut(low, middle);
        high.start = middle;
        high.end = end;
        index.add(high);
      }
    },
    settle() {
      for (let i = 0; i < SPLITS; i++) {
        const low = regions[order[first + i]!]!;
        index.remove(spare[i]!);
        index.cut(low, low.start + 4 * PAGE);
      }
      first = (first + SPLITS) % (regions.length - SPLITS + 1);
    },
  };
}
