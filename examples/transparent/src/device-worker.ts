import { createSpace, RESIDENT_WRITABLE, type WgslProgram } from '@mirrorspace/core';
import { nativeMemory } from '@mirrorspace/native';
import { webgpu } from '@mirrorspace/webgpu';
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import type { Reply, Request } from './messages.js';

const COUNT = 2 ** 20;

/** Squares the numbers of a page. */
const square: WgslProgram = {
  language: 'wgsl',
  lanes: 64,
  code: `
    fn run(unit: Unit) {
      let page = page_to_store(arg_address(0u) + unit.index * page_words);
      for (var i = unit.lane; i < page_words; i += 64u) {
        let number = load_in_f32(page, i);
        store_in_f32(page, i, number * number);
      }
    }`,
};

const port = parentPort!;
const say = (reply: Reply) => port.postMessage(reply);
const hear = async () => (await once(port, 'message')) as [Request];

const device = await webgpu.open({ memory: '8 MiB' });
const space = await createSpace({ host: nativeMemory(), addressBits: device.limits.addressBits });
const mirror = await space.attach(device);
const region = space.map({ bytes: 4 * COUNT, name: 'numbers' });
say({ kind: 'memory', buffer: region.buffer({ shared: true }) as SharedArrayBuffer, device: device.info.description });

for (let [request] = await hear(); request.kind !== 'stop'; [request] = await hear()) {
  await mirror.launch(square, { grid: [region.bytes / space.pageSize], args: [region.address] }).wait();
  const pages = mirror.residency(region.address, region.bytes);
  say({ kind: 'squared', owned: pages.filter((bits) => (bits & RESIDENT_WRITABLE) !== 0).length });
}
// In this order: what is stored stays readable until the region ends.
const broughtHome = mirror.stats.pagesOut;
await space.close();
await device.close();
say({ kind: 'stopped', broughtHome });
port.close();
