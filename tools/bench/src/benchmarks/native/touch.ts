import { addon, Advice, nativeMemory } from '@mirrorspace/native';
import type { Benchmark } from '../../harness/benchmark.js';
import { compare, type Side } from '../../harness/pair.js';
import { atMost, row } from '../../harness/row.js';

const PAGE = 4096;

/**
 * The first store to each page of a new gigabyte, in order. The peer is anonymous memory of the kernel, in pages of 4 KiB as well.
 */
export const nativeTouch: Benchmark = {
  id: 'native-touch',
  title: "First stores to the pages of 1 GiB of live memory, against the kernel's own anonymous memory",
  async run({ quick }) {
    const bytes = quick ? 128 << 20 : 2 ** 30;
    const memory = nativeMemory();
    const { Mapping } = addon();
    const options = { rounds: quick ? 5 : 15, warmup: 2, units: bytes / PAGE };
    const live = touching(() => {
      const range = memory.live.open(bytes / PAGE);
      return { array: new Uint8Array(range.buffer(0, bytes, true)), end: () => range.close() };
    });
    const anonymous = touching(() => {
      const mapping = Mapping.reserve(bytes);
      mapping.advise(0, bytes, Advice.noHugePage);
      return { array: new Uint8Array(mapping.sharedArrayBuffer(0, bytes)), end: () => mapping.unmap() };
    });
    const { ratio, subjectNs, peerNs } = await compare(live, anonymous, options);
    const value = { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] } as const;
    const figures = { 'mirrorspace ns': subjectNs, 'kernel ns': peerNs };
    return [row(`first touch of ${bytes >> 20} MiB, a page`, value, atMost(1.5), figures)];
  },
};

function touching(open: () => { readonly array: Uint8Array; end(): void }): Side {
  let made: ReturnType<typeof open> | undefined;
  return {
    prepare: () => void (made = open()),
    run() {
      const { array } = made!;
      for (let at = 0; at < array.length; at += PAGE) array[at] = 1;
    },
    settle: () => made!.end(),
  };
}
