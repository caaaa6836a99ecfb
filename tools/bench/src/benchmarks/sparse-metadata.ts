import { createSpace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import type { Benchmark } from '../harness/benchmark.js';
import { uniform } from '../harness/random.js';
import { atMost, type Row, row } from '../harness/row.js';

const PAGE = 4096;
const TERABYTE = 2 ** 40;
const TOUCHED = 1000;
/** Frames of the device, which its frame table is made for whatever is mapped. */
const FRAMES = 1024;

/**
 * Metadata of a space with 1 TiB mapped after 1,000 randomly placed pages of it were touched: all that `space` and `mirror`
 * count, from nothing. That is page tables, page records, regions, notifiers, host frames' records, residency, frame table
 * and eviction policy of a device of 4 MiB; not the device's own page table.
 */
export const sparseMetadata: Benchmark = {
  id: 'sparse-metadata',
  title: 'metadata of 1 TiB mapped and 1,000 pages touched',
  run: async () => [await touchedBy('CPU'), await touchedBy('device')],
};

async function touchedBy(toucher: 'CPU' | 'device'): Promise<Row> {
  const device = await memory.open({ memory: FRAMES * PAGE });
  const space = await createSpace();
  const mirror = toucher === 'device' ? await space.attach(device, { eviction: 'lru', prefetch: 'none' }) : undefined;
  const region = space.map({ bytes: TERABYTE });
  const mapped = space.metadataBytes + (mirror?.metadataBytes ?? 0);
  const pages = uniform(TOUCHED, TERABYTE / PAGE, 5);
  for (const page of pages) {
    const address = region.address + page * PAGE;
    if (mirror !== undefined) await mirror.read(address, 4);
    else (await space.acquire(address, 4, 'write')).release();
  }
  const bytes = space.metadataBytes + (mirror?.metadataBytes ?? 0);
  const target = atMost(64 * 1024 + 32 * TOUCHED);
  const result = row(
    `metadata of 1 TiB, ${TOUCHED} pages by the ${toucher}`,
    { measured: bytes, unit: 'bytes' },
    target,
    {
      'bytes once mapped': mapped,
      'bytes a touched page': (bytes - mapped) / TOUCHED,
    },
  );
  await space.close();
  await device.close();
  return result;
}
