import { createSpace, type JsProgram } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';

const double: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [numbers = 0]) => ctx.storeF32(numbers + 4 * x, 2 * ctx.loadF32(numbers + 4 * x)),
};

const space = await createSpace();
const mirror = await space.attach(await memory.open({ memory: '64 KiB' }));
const numbers = space.map({ bytes: 1 << 20 });
{
  using held = await numbers.acquire('write');
  held.as(Float32Array).forEach((_, i, all) => (all[i] = i));
}
await mirror.launch(double, { args: [numbers.address], grid: [numbers.bytes / 4] }).wait();
{
  using held = await numbers.acquire('read');
  if (!held.as(Float32Array).every((value, i) => value === 2 * i)) throw new Error('not doubled');
}
console.log(`1 MiB doubled on a device of 64 KiB, in ${mirror.stats.faults} page faults`);
await space.close();
await mirror.device.close();
