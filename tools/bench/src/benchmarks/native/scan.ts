import { addon, type Mapping, nativeMemory, PageCategory, ScanFlag, UffdFeature, UffdMode } from '@mirrorspace/native';
import type { Benchmark } from '../../harness/benchmark.js';
import { compare } from '../../harness/pair.js';
import { randomFrom } from '../../harness/random.js';
import { atMost, type Row, row } from '../../harness/row.js';
import { Frames } from './frames.js';

const PAGE = 4096;

/**
 * Which pages of a gigabyte were stored to, and protecting them again: `live.collect`, against the kernel's scan of the same of memory that was
 * made by hand.
 */
export const nativeScan: Benchmark = {
  id: 'native-scan',
  title: 'Stored pages of 1 GiB found, at 1 % and none, against the bare PAGEMAP_SCAN',
  async run({ quick }) {
    const bytes = quick ? 128 << 20 : 2 ** 30;
    const rows: Row[] = [];
    for (const share of [0.01, 0]) rows.push(await runCase(bytes, share, quick));
    return rows;
  },
};

async function runCase(bytes: number, share: number, quick: boolean): Promise<Row> {
  const pages = bytes / PAGE;
  const memory = nativeMemory({ tracking: 'wp-async' });
  const range = memory.live.open(pages);
  const array = new Uint8Array(range.buffer(0, bytes, true));
  const peer = byHand(bytes);
  const found = new Frames(pages);
  const runs = new Float64Array(3 + 3 * pages);
  for (const side of [array, peer.array]) for (let at = 0; at < bytes; at += PAGE) side[at] = 1;
  const random = randomFrom(5);
  let dirty: number[] = [];
  const store = (side: Uint8Array) => {
    const chosen = new Set<number>();
    while (chosen.size < pages * share) chosen.add(Math.floor((random() / 2 ** 32) * pages));
    dirty = [...chosen];
    for (const page of dirty) side[page * PAGE]!++;
  };
  const subject = {
    prepare: () => store(array),
    run() {
      found.clear();
      memory.live.collect(range.first, pages, found);
    },
    settle: () => check(found.length, dirty.length),
  };
  const byScan = {
    prepare: () => store(peer.array),
    run: () => void peer.scan(runs),
    settle: () => check(runs[1]!, dirty.length),
  };
  subject.run();
  byScan.run();
  const { ratio, subjectNs, peerNs } = await compare(subject, byScan, { rounds: quick ? 9 : 61, warmup: 4, units: 1 });
  range.close();
  peer.end();
  const value = { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] } as const;
  const figures = { 'mirrorspace ns': subjectNs, 'scan ns': peerNs };
  return row(`${share * 100} % of ${bytes >> 20} MiB stored to`, value, atMost(1.2), figures);
}

function check(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} pages found, ${wanted} were stored to`);
}

/** Memory as live memory is, without what the package makes of it. */
function byHand(bytes: number) {
  const { Memfd, Mapping: Mappings, Userfault, pagemapScan } = addon();
  const file = Memfd.create(bytes);
  const mapping: Mapping = Mappings.map(file, 0, bytes);
  const features =
    UffdFeature.missingShmem |
    UffdFeature.minorShmem |
    UffdFeature.writeProtect |
    UffdFeature.writeProtectShmem |
    UffdFeature.writeProtectUnpopulated |
    UffdFeature.writeProtectAsync;
  const faults = Userfault.open(features);
  const mode = UffdMode.missing | UffdMode.minor | UffdMode.writeProtect;
  faults.register(mapping, 0, bytes, mode, { source: 'continue', clean: true, most: 512 });
  const categories = PageCategory.written | PageCategory.present;
  return {
    array: new Uint8Array(mapping.sharedArrayBuffer(0, bytes)),
    scan: (out: Float64Array) =>
      pagemapScan(mapping, 0, bytes, out, ScanFlag.protect | ScanFlag.checkAsync, categories),
    end() {
      faults.close();
      mapping.unmap();
      file.close();
    },
  };
}
