import { createSpace } from '@mirrorspace/core';
import { bytesHeld } from '../harness/allocation.js';
import type { Benchmark } from '../harness/benchmark.js';
import { NullDevice } from '../harness/null-device.js';
import { atMost, row } from '../harness/row.js';

const PAGE = 4096;

/**
 * Metadata of ten million pages on a device: page table, page records, host frames' records, residency, frame table and
 * LRU list. Measured is the greater of what core says it takes and of what the process grew by, which holds it to account.
 * The device executes nothing and so has no page table of its own; untouched pages need no storage.
 */
export const residentMetadata: Benchmark = {
  id: 'resident-metadata',
  title: 'metadata of 10 million resident pages, all together',
  async run({ quick }) {
    const pages = quick ? 1_000_000 : 10_000_000;
    const before = bytesHeld();
    const device = new NullDevice(pages * PAGE, PAGE);
    const space = await createSpace();
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const region = space.map({ bytes: pages * PAGE });
    const start = performance.now();
    const brought = await mirror.prefetch(region.address, region.bytes);
    const seconds = (performance.now() - start) / 1000;
    if (brought !== pages) throw new Error(`only ${brought} of ${pages} pages are resident`);
    const held = bytesHeld() - before;
    const told = space.metadataBytes + mirror.metadataBytes;
    const measured = Math.max(held, told) / pages;
    return [
      row(`metadata a resident page, ${pages / 1e6} million`, { measured, unit: 'bytes' }, atMost(32), {
        'bytes a page by metadataBytes': told / pages,
        'bytes a page the process grew by': held / pages,
        'of which the mirror': mirror.metadataBytes / pages,
        'ns a page to bring them': (seconds * 1e9) / pages,
      }),
    ];
  },
};
