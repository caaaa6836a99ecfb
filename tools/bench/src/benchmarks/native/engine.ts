import type { Device, DeviceMmu, Fence, WasmProgram } from '@mirrorspace/core/driver';
import { PTE_READ, PTE_WRITE } from '@mirrorspace/core/driver';
import { addon, native } from '@mirrorspace/native';
import type { Benchmark } from '../../harness/benchmark.js';
import { compare } from '../../harness/pair.js';
import { atMost, type Row, row } from '../../harness/row.js';
import { gather, streamPages, streamWords } from './programs.js';

const PAGE = 4096;
const BYTES = 16 << 20;
const WORDS = BYTES / 4;
/** Passes over the arrays, and words at random places, in one launch: so many that what it costs to start one does not show. */
const PASSES = 8;
const GATHERED = 8_000_000;
/** Submissions, and round trips, in one measurement. */
const TRIPS = 2000;

/**
 * A resident array on the device of this process against the same in plain C, each in one thread; and what it takes to submit a command and to hear that
 * it was executed, against two threads that wake each other.
 */
export const nativeEngine: Benchmark = {
  id: 'native-engine',
  title:
    'The device in this process: translated accesses against plain C, submit to fence against a bare futex round trip',
  async run({ quick }) {
    const { peers } = addon();
    const device = await native.open({ memory: 2 * BYTES, units: 1, pageSizes: [PAGE] });
    const mmu = await device.createMmu({ addressBits: device.limits.addressBits });
    await mapAll(device, mmu);
    const rounds = quick ? 5 : 21;
    const from = new Uint32Array(WORDS);
    const to = new Uint32Array(WORDS);
    const rows: Row[] = [];
    const launch = (program: WasmProgram, args: readonly number[]) => run(device, mmu, program, args).wait();

    const add = async (name: string, target: number, units: number, subject: () => Promise<void>, peer: () => void) => {
      const { ratio, subjectNs, peerNs } = await compare({ run: subject }, { run: peer }, { rounds, warmup: 2, units });
      const spread = [ratio.low, ratio.high] as const;
      const figures = { 'device ns': subjectNs, 'peer ns': peerNs };
      rows.push(row(name, { measured: ratio.median, unit: 'x', spread }, atMost(target), figures));
    };
    const stream = () => peers.stream(from, to, PASSES);
    const all = [0, BYTES, BYTES, PASSES];
    await add('pages translated once, 16 MiB to 16 MiB', 1.5, PASSES * WORDS, () => launch(streamPages, all), stream);
    await add('every word translated, the same', 1.5, PASSES * WORDS, () => launch(streamWords, all), stream);
    const some = [0, WORDS - 1, GATHERED];
    const sum = () => void peers.gather(from, GATHERED);
    await add('words at random places in 16 MiB', 1.5, GATHERED, () => launch(gather, some), sum);

    const paging = device.queues[0]!;
    const submit = async () => {
      for (let i = 0; i < TRIPS; i++) await paging.submit([{ kind: 'flushTlb', mmu: mmu.id }]).wait();
    };
    await add('submit to fence', 1.5, TRIPS, submit, () => void peers.futexRoundTrips(TRIPS));
    await device.close();
    return rows;
  },
};

function run(device: Device, mmu: DeviceMmu, program: WasmProgram, args: readonly number[]): Fence {
  return device.queues[1]!.submit([{ kind: 'launch', mmu: mmu.id, program, grid: [1, 1, 1], args }]);
}

/** Maps all of the device's memory, from address 0 on. */
async function mapAll(device: Device, mmu: DeviceMmu): Promise<void> {
  const { memory, pagesPerCommand } = device.limits;
  for (let first = 0; first < memory / PAGE; first += pagesPerCommand) {
    const count = Math.min(pagesPerCommand, memory / PAGE - first);
    const pages = Float64Array.from({ length: count }, (_, i) => first + i);
    const frames = Uint32Array.from(pages);
    const access = new Uint8Array(count).fill(PTE_READ | PTE_WRITE);
    await device.queues[0]!.submit([{ kind: 'map', mmu: mmu.id, pageSize: PAGE, count, pages, frames, access }]).wait();
  }
}
