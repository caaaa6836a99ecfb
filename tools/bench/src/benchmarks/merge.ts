import { type AddressSpace, createSpace, type HostMemory, managedMemory, type Region } from '@mirrorspace/core';
import type { Benchmark } from '../harness/benchmark.js';
import { coolCaches } from '../harness/caches.js';
import { compare, type Side } from '../harness/pair.js';
import { atMost, type Row, row } from '../harness/row.js';

const PAGE = 4096;

/** A ceiling, so that a pass that has become slow is seen; nothing else depends on it. */
const TARGET = atMost(30);

/** How many of the pages of the second space have an equal one in the first. */
const cases = [
  { name: 'merge, all pages equal', equal: 1 },
  { name: 'merge, half the pages equal', equal: 0.5 },
  { name: 'merge, no page equal', equal: 0 },
] as const;

/**
 * Time of a pass over two spaces, a page of the second one, caches cold: both are hashed, equal pages are compared, and their entries
 * changed. The peer compares the same pages by `Buffer.compare`, in order: what one pays who knows which pages may be equal.
 */
export const merge: Benchmark = {
  id: 'merge',
  title: 'a pass of same-page merging over two spaces against Buffer.compare of the same pages',
  async run({ quick }) {
    const pages = quick ? 1 << 12 : 1 << 14;
    const rows: Row[] = [];
    for (const { name, equal } of cases) {
      const subject = new Merging(pages, equal);
      await subject.open();
      const options = { rounds: quick ? 5 : 20, warmup: 3, units: pages };
      const result = await compare(subject, comparing(pages, equal), options);
      const { low, median, high } = result.ratio;
      rows.push(
        row(name, { measured: median, unit: 'x', spread: [low, high] }, TARGET, {
          'pages of each space': pages,
          'ns a page': result.subjectNs,
          'ns a page by Buffer.compare': result.peerNs,
          'pages merged': subject.merged,
          'bytes saved': subject.bytesSaved,
        }),
      );
    }
    return rows;
  },
};

/** Two spaces on one host memory; before each pass, all that was merged is written again. */
class Merging implements Side {
  merged = 0;
  bytesSaved = 0;
  private readonly pages: number;
  private readonly contents: readonly [Uint8Array, Uint8Array];
  private readonly host: HostMemory = managedMemory();
  private readonly users: { space: AddressSpace; region: Region }[] = [];

  constructor(pages: number, equal: number) {
    this.pages = pages;
    this.contents = contentsOf(pages, equal);
  }

  async open(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const space = await createSpace({ host: this.host });
      const region = space.map({ bytes: this.pages * PAGE });
      await space.advise(region.address, region.bytes, { mergeable: true });
      this.users.push({ space, region });
    }
  }

  async prepare(): Promise<void> {
    for (const [i, { space, region }] of this.users.entries()) await space.write(region.address, this.contents[i]!);
    coolCaches();
  }

  async run(): Promise<void> {
    ({ merged: this.merged, bytesSaved: this.bytesSaved } = await this.users[0]!.space.merge());
  }
}

function comparing(pages: number, equal: number): Side {
  const [first, second] = contentsOf(pages, equal).map((bytes) => Buffer.from(bytes.buffer)) as [Buffer, Buffer];
  let same = 0;
  return {
    prepare: coolCaches,
    run() {
      same = 0;
      for (let at = 0; at < pages * PAGE; at += PAGE)
        if (first.compare(second, at, at + PAGE, at, at + PAGE) === 0) same++;
    },
    settle() {
      if (same !== pages * equal) throw new Error(`${same} pages are equal`);
    },
  };
}

/** Pages that differ from each other in their last word only; a part of the second array's are in the first, too. */
function contentsOf(pages: number, equal: number): readonly [Uint8Array, Uint8Array] {
  const words = PAGE / 4;
  const fill = (offset: number) => {
    const all = new Uint32Array(pages * words).map((_, i) => Math.imul((i % words) + 1, 0x9e3779b1));
    for (let page = 0; page < pages; page++) all[(page + 1) * words - 1] = page < pages * equal ? page : page + offset;
    return new Uint8Array(all.buffer);
  };
  return [fill(pages), fill(2 * pages)];
}
