import { type AddressSpace, createSpace, type Mirror } from '@mirrorspace/core';
import { webgpu, type WgslProgram } from '@mirrorspace/webgpu';
import type { Benchmark } from '../../harness/benchmark.js';
import { compare } from '../../harness/pair.js';
import { atMost, type Row, row } from '../../harness/row.js';
import { openGpu, RawKernel, storageBuffer } from './gpu.js';

const BYTES = 16 << 20;
const PAGE = 4096;
/** Pages a work unit goes through, and its lanes. */
const PAGES = 4;
const LANES = 64;
const UNITS = BYTES / PAGE / PAGES;
/** A dispatch that is compared by what it does, and not by what it costs to start, takes at least so many milliseconds. */
const LONG_MS = 20;

/**
 * How a program gets at words. With one pass, each is changed in place. With more, each pass reads other pages and writes the same ones again, so that
 * nothing stays in the caches next to the cores.
 */
const ways = {
  page: {
    once: `let page = page_to_store(b);
    for (var i = unit.lane; i < 1024u; i += ${LANES}u) { store_in_u32(page, i, load_in_u32(page, i) * 3u + 1u); }`,
    often: `let origin = page_to_load(a);
    let place = page_to_store(b);
    for (var i = unit.lane; i < 1024u; i += ${LANES}u) { store_in_u32(place, i, load_in_u32(origin, i) * 3u + 1u); }`,
  },
  word: {
    once: `for (var i = unit.lane; i < 1024u; i += ${LANES}u) { store_u32(b + i, load_u32(b + i) * 3u + 1u); }`,
    often: `for (var i = unit.lane; i < 1024u; i += ${LANES}u) { store_u32(b + i, load_u32(a + i) * 3u + 1u); }`,
  },
};
/** Where pages are read from in a pass, as words behind the first; behind them lie those that are written. */
const READ_FROM = `(group + turn * 37u) % ${UNITS}u * ${PAGES * 1024}u + p * 1024u`;

/**
 * The same work on 16 MiB that are resident, by a program and by a hand-written dispatch on a buffer. Launches name their ranges as `exact`.
 */
export const webgpuAccess: Benchmark = {
  id: 'webgpu-access',
  title: 'WebGPU: programs on 16 MiB of resident pages against the same dispatch on a raw buffer',
  async run({ quick }) {
    const gpu = await openGpu();
    const device = await webgpu.open({ device: gpu, memory: 4 * BYTES, pageSizes: [PAGE] });
    const space = await createSpace({ addressBits: device.limits.addressBits });
    const mirror = await space.attach(device);
    const buffer = storageBuffer(gpu, 2 * BYTES);
    const raw = (passes: number) => RawKernel.create(gpu, rawCode(passes), [buffer], UNITS);
    const passes = await longEnough(raw);
    const rounds = { rounds: quick ? 5 : 21, warmup: 2, units: 1 };
    const address = space.map({ bytes: 2 * BYTES }).address;
    const rows: Row[] = [];
    const measure = async (name: string, program: WgslProgram, repeated: number, exact: boolean) => {
      const subject = { run: () => launch(mirror, program, address, repeated > 1, exact) };
      const peer = await raw(repeated);
      const { ratio, subjectNs, peerNs } = await compare(subject, { run: () => peer.run() }, rounds);
      await check(space, address);
      return { name, ratio, figures: { 'launch ms': subjectNs / 1e6, 'raw dispatch ms': peerNs / 1e6 } };
    };
    const add = async (name: string, way: keyof typeof ways, repeated: number, target: number) => {
      const { ratio, figures } = await measure(name, program(way, repeated), repeated, true);
      // Tried first, since the launch does not say what it accesses.
      const tried = await measure(name, program(way, repeated), repeated, false);
      const spread = [ratio.low, ratio.high] as const;
      const more = { passes: repeated, 'ratio where ranges are not named as exact x': tried.ratio.median };
      rows.push(row(name, { measured: ratio.median, unit: 'x', spread }, atMost(target), { ...figures, ...more }));
    };
    await add('pages translated once', 'page', passes, 1.15);
    await add('every word translated', 'word', passes, 1.5);
    await add('the same from one array to another', 'word', Math.max(2, passes), 1.5);
    await add('a launch, all ranges resident', 'page', 1, 1.1);
    await space.close();
    await device.close();
    gpu.destroy();
    return rows;
  },
};

function program(way: keyof typeof ways, passes: number): WgslProgram {
  const many = passes > 1;
  return {
    language: 'wgsl',
    lanes: LANES,
    code: `fn run(unit: Unit) {
  let group = unit.index;
  let first = arg_address(0u);
  for (var turn = 0u; turn < ${passes}u; turn++) { for (var p = 0u; p < ${PAGES}u; p++) {
    let a = first + ${READ_FROM};
    let b = first + ${many ? BYTES / 4 : 0}u + group * ${PAGES * 1024}u + p * 1024u;
    ${many ? ways[way].often : ways[way].once}
  } }
}`,
  };
}

function rawCode(passes: number): string {
  const many = passes > 1;
  return `@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = id.x;
  for (var turn = 0u; turn < ${passes}u; turn++) { for (var p = 0u; p < ${PAGES}u; p++) {
    let a = ${READ_FROM};
    let b = ${many ? BYTES / 4 : 0}u + group * ${PAGES * 1024}u + p * 1024u;
    for (var i = lane; i < 1024u; i += ${LANES}u) { words[b + i] = words[${many ? 'a' : 'b'} + i] * 3u + 1u; }
  } }
}`;
}

/** How many passes it takes until a dispatch is long. */
async function longEnough(raw: (passes: number) => Promise<RawKernel>): Promise<number> {
  for (let passes = 1; ; passes *= 4) {
    const kernel = await raw(passes);
    await kernel.run();
    const start = performance.now();
    await kernel.run();
    if (performance.now() - start >= LONG_MS || passes >= 4096) return passes;
  }
}

function launch(mirror: Mirror, program: WgslProgram, address: number, many: boolean, exact: boolean): Promise<void> {
  const reads = many ? [[address, BYTES] as const] : [];
  const writes = [[many ? address + BYTES : address, BYTES] as const];
  return mirror.launch(program, { grid: [UNITS], args: [address], reads, writes, exact }).wait();
}

/** All words were zeros and went through the same steps. */
async function check(space: AddressSpace, address: number): Promise<void> {
  const at = [0, 4, BYTES / 2, BYTES - 4];
  const found = await Promise.all(at.map((offset) => space.read(address + offset, 4)));
  if (found.some((bytes) => Buffer.compare(bytes, found[0]!) !== 0)) throw new Error('words differ');
}
